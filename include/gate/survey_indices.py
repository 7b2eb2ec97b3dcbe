"""Careless-response indices of each response, in SQL, from the answers of its own delivery.

The answers are laid out once, a column per question (table `wide`), and every index is worked out on that. Longest run
as R `careless` 1.2 counts it (a missing answer is a run of its own), on the answers as given; IRV is the standard
deviation (n-1) of a person's answers, on the largest same-scale block; relative speed is completion time over the
survey's median (METHODS 'Survey answer quality'); `include/survey_quality/` has the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import duckdb

from include.gate.rules import Rule
from include.sources.questionnaires import ratings, scale_items
from include.sources.schema import Question, condition_parts
from include.sql import literal
from include.survey_quality.consistency import distance_sql, even_odd_sql, synonyms_sql
from include.survey_quality.norms import Norms, groups_of, measured_norms

BLOCK_COLUMNS = (
    "row_id bigint, block varchar, item_count bigint, answered_count bigint, longest_run bigint, "
    "distinct_count bigint, has_reverse boolean, is_top boolean, is_middle boolean, irv double"
)
# Helper columns of `m_survey_response`; expectations/README.md says what they are.
HELPER_COLUMNS = (
    "_opposites_agreed boolean",
    "_is_contradicted boolean",
    "_rating_count bigint",
    "_rating_gap_count bigint",
    "_seconds_per_rating double",
    "_is_lowest_score boolean",
    "_text_bytes bigint",
    "_mahalanobis_limit double",
    "_synonym_group_count bigint",
    "_careless_signs varchar",
)
# The setting of the careless rule from which the limit of the Mahalanobis distance comes.
QUANTILE_SETTING = "mahalanobis_quantile"
_COMPUTED = (
    "answered_count",
    "missing_required_count",
    "optional_gap_count",
    "longest_run",
    "irv",
    "relative_speed",
    "even_odd",
    "mahalanobis",
    "psychometric_synonyms",
    *(column.split()[0] for column in HELPER_COLUMNS if not column.startswith("_careless")),
)
_JUDGED = ("careless_sign_count", "quality_score", "_careless_signs")
# What a rule can only judge where the records of responses carry their answers.
FROM_ANSWERS = frozenset((*_COMPUTED, *_JUDGED, "survey_block", "_scale_min", "_scale_max"))


@dataclass(frozen=True)
class Sheet:
    """SQL over `wide`, whose column `a<n>` is the answer to the n-th question that a file carries.

    NaN stands for 'not applicable', infinity for an answer that is no number, null for no answer.
    """

    questions: tuple[Question, ...]

    @cached_property
    def _places(self) -> dict[str, int]:
        return {question.id: place for place, question in enumerate(self.questions)}

    def column(self, question: Question) -> str:
        """The column of a question."""
        return f"a{self._places[question.id]}"

    def number(self, question: Question) -> str:
        """An answer as given, on its scale or not; null where it is no number."""
        return f"case when isfinite({self.column(question)}) then {self.column(question)} end"

    def on_scale(self, question: Question) -> str:
        """An answer counted from the low end of its scale; null where it is not on it."""
        low, high = _scale(question)
        column = self.column(question)
        return f"case when {column} between {low!r} and {high!r} then {column} - {low!r} end"

    def share(self, question: Question, *, turned: bool = False) -> str:
        """An answer as a share of its scale; `turned`: reverse-keyed items the other way round."""
        low, high = _scale(question)
        share = f"({self.on_scale(question)}) / {high - low!r}"
        return f"1 - {share}" if turned and question.reverse_keyed else share

    def condition(self, text: str) -> str:
        """SQL of a condition on another answer (`s1.score <= 2`); false where that is not answered."""
        name, operator, number = condition_parts(text)
        other = next((one for one in self.questions if one.id == name), None)
        return "false" if other is None else f"coalesce(({self.number(other)}) {operator} {number}, false)"

    def is_shown(self, question: Question) -> str:
        """SQL of whether a question was shown."""
        return self.condition(question.shown_if) if question.shown_if else "true"

    def gaps(self, questions: Sequence[Question]) -> str:
        """SQL of how many of some questions were shown and have no answer."""
        return _count_of(f"{self.is_shown(one)} and {self.column(one)} is null" for one in questions)

    def blocks(self) -> dict[str, list[Question]]:
        """The same-scale blocks, each with its items in the order in which they are asked."""
        found: dict[str, list[Question]] = {}
        for question in self.questions:
            if question.block and question.scale:
                found.setdefault(question.block, []).append(question)
        return found


@dataclass(frozen=True)
class Usual:
    """What is usual in the survey of a delivery, as far as the context knows it."""

    median_seconds: Mapping[str, float]  # by the id of the survey that a response names
    norms: Norms | None


def add_indices(
    con: duckdb.DuckDBPyConnection, batch_no: int, questions: Sequence[Question], usual: Usual, rule: Rule | None
) -> Norms | None:
    """Fill the computed columns of `m_survey_response` and table `survey_block` for one delivery.

    Args:
        con: the tables on which deliveries are judged.
        batch_no: the delivery.
        questions: those that its file carries, in the order in which they are asked.
        usual: what the context knows of the survey.
        rule: the rule whose signs make the quality score.

    Returns:
        The norms that hold for the delivery, measured on itself where the context has none of these questions; None
        if nobody has enough.
    """
    sheet = Sheet(tuple(questions))
    _lay_out(con, batch_no, sheet)
    _add_blocks(con, sheet)
    items = {one.id: sheet.on_scale(one) for one in scale_items(sheet.questions)}
    norms = usual.norms.of(list(items)) if usual.norms and items else None
    if norms is None:
        norms = measured_norms(con, "(from wide where _is_usable)", items)
    norms = norms if norms.is_enough else None
    quantile = rule.settings.get(QUANTILE_SETTING) if rule else None
    con.execute(f"create or replace temp table indices as {_indices(sheet, norms, usual.median_seconds, quantile)}")
    con.execute(f"create or replace temp table judged as {_judged(batch_no, rule)}")
    changed = ", ".join(f"{name} = j.{name}" for name in (*_COMPUTED, *_JUDGED))
    con.execute(f"update m_survey_response as r set {changed} from judged j where j.row_id = r.row_id")
    _add_scales(con, batch_no, sheet)
    return norms


def _scale(question: Question) -> tuple[float, float]:
    if question.scale is None:
        raise ValueError(f"{question.id} has no scale")
    return question.scale


def _lay_out(con: duckdb.DuckDBPyConnection, batch_no: int, sheet: Sheet) -> None:
    """Table `wide`: one row per response, one column per question."""
    places = ", ".join(f"({literal(one.id)}, {place})" for place, one in enumerate(sheet.questions))
    answers = ", ".join(
        f"max(given) filter (where place = {place}) as {sheet.column(one)}" for place, one in enumerate(sheet.questions)
    )
    con.execute(
        f"""
        create or replace temp table wide as
        with item(question_id, place) as (values {places}),
        answer as (
            select record, place, is_not_applicable, answer_text,
                   case when is_not_applicable then 'nan'::double else coalesce(answer_value::double, 'infinity') end
                       as given
            from m_survey_answer left join item using (question_id) where batch_no = {batch_no}
        ),
        pivoted as (
            select record, count(*) filter (where not is_not_applicable) as answered_count,
                   max(strlen(answer_text)) as text_bytes, {answers}
            from answer group by record
        )
        select r.row_id, r._is_usable, p.* exclude (record)
        from (from m_survey_response where batch_no = {batch_no}) r left join pivoted p using (record)
        """
    )


def _add_blocks(con: duckdb.DuckDBPyConnection, sheet: Sheet) -> None:
    for block, members in sheet.blocks().items():
        answers = ", ".join(sheet.number(one) for one in members)
        ends = ", ".join(repr(_scale(one)[1]) for one in members)
        middles = ", ".join(repr(sum(_scale(one)) / 2) for one in members)
        con.execute(f"create or replace temp table block_answer as select row_id, [{answers}] as v from wide")
        con.execute(
            f"""
            insert into survey_block
            select row_id, {literal(block)}, {len(members)}, n, case when n > 0 then longest end, distinct_count,
                   {any(one.reverse_keyed for one in members)}, case when n > 0 then is_top end,
                   case when n > 0 then is_middle end,
                   -- From the sums, which are exact for whole answers.
                   sqrt((n * squares - total * total) / nullif(n * (n - 1), 0))
            from (
                select row_id, list_count(v) as n, list_sum(v) as total,
                       list_sum(list_transform(v, lambda one: one * one)) as squares,
                       list_max(list_transform(
                           range(1, len(begins) + 1),
                           lambda n: coalesce(begins[n + 1], {len(members) + 1}) - begins[n]
                       )) as longest,
                       len(list_distinct(v)) as distinct_count,
                       list_bool_and(list_transform(list_zip(v, [{ends}]), lambda one: one[1] = one[2])) as is_top,
                       list_bool_and(list_transform(list_zip(v, [{middles}]), lambda one: one[1] = one[2]))
                           as is_middle
                from (
                    -- Where runs begin: a missing answer is a run of its own.
                    select *, list_filter(
                        range(1, {len(members) + 1}), lambda n: n = 1 or coalesce(v[n] <> v[n - 1], true)
                    ) as begins
                    from block_answer
                )
            )
            """
        )


def _indices(sheet: Sheet, norms: Norms | None, medians: Mapping[str, float], quantile: float | None) -> str:
    """SQL of the computed columns, by `row_id`."""
    rated, items = ratings(sheet.questions), scale_items(sheet.questions)
    compared: dict[str, str | None] = dict.fromkeys(("mahalanobis", "psychometric_synonyms"))
    if norms:
        compared["mahalanobis"] = distance_sql("wide", [sheet.on_scale(one) for one in items], norms)
        compared["psychometric_synonyms"] = synonyms_sql("wide", [sheet.share(one) for one in items], norms.synonyms())
    blocks = [[sheet.share(one, turned=True) for one in ratings(block)] for block in sheet.blocks().values()]
    compared["even_odd"] = even_odd_sql("wide", blocks)
    columns = ", ".join(f"c_{name}.{name}" if sql else f"null::double as {name}" for name, sql in compared.items())
    joins = " ".join(f"left join ({sql}) c_{name} using (row_id)" for name, sql in compared.items() if sql)
    limit = _distance_limit(quantile, len(items)) if quantile and compared["mahalanobis"] else "null"
    shown, gaps = _count_of(sheet.is_shown(one) for one in rated), sheet.gaps(rated)
    required = [one for one in sheet.questions if one.required]
    optional = [one for one in rated if not one.required]
    # Of blocks of the same size the first one that says something.
    order = " ".join(f"when {literal(block)} then {n}" for n, block in enumerate(sheet.blocks()))
    irv = f"arg_max(irv, item_count * 1000 - case block {order} end)" if order else "null::double"
    seconds = " ".join(f"when {literal(survey)} then {median!r}" for survey, median in sorted(medians.items()))
    relative = f"r.duration_seconds / nullif(case r.survey_id {seconds} end, 0)" if seconds else "null::double"
    return f"""
        with run as (
            select row_id, max(longest_run) as longest_run, {irv} as irv
            from survey_block where row_id in (select row_id from wide) group by row_id
        )
        select w.row_id, coalesce(w.answered_count, 0) as answered_count,
               {sheet.gaps(required)} as missing_required_count, {sheet.gaps(optional)} as optional_gap_count,
               run.longest_run, run.irv, {relative} as relative_speed, {columns},
               {_any_of(_opposites(sheet))} as _opposites_agreed,
               {_any_of(_contradictions(sheet))} as _is_contradicted,
               {shown} as _rating_count, {gaps} as _rating_gap_count,
               r.duration_seconds / nullif({shown} - {gaps}, 0) as _seconds_per_rating,
               {_any_of(_lowest_scores(sheet))} as _is_lowest_score,
               coalesce(w.text_bytes, 0) as _text_bytes, {limit}::double as _mahalanobis_limit,
               {groups_of(norms.synonyms()) if norms else 0} as _synonym_group_count
        from wide w join m_survey_response r using (row_id) left join run using (row_id) {joins}"""


def _distance_limit(quantile: float, items: int) -> str:
    """The quantile of the chi-square distribution that the distance over so many items follows."""
    from scipy.special import chdtri  # noqa: PLC0415 - a gate without surveys needs no scipy

    return repr(float(chdtri(items, 1 - quantile)))


def _judged(batch_no: int, rule: Rule | None) -> str:
    """SQL of the computed columns with what the rule's signs say of them, by `row_id`."""
    signs = rule.sign_conditions if rule else {}
    shown_by = {name: " or ".join(f"coalesce({one}, false)" for one in found) for name, found in signs.items()}
    shown = _count_of(shown_by.values())
    applicable = _count_of(" or ".join(f"({one}) is not null" for one in found) for found in signs.values())
    names = ", ".join(f"case when {sql} then {literal(name)} end" for name, sql in shown_by.items()) or "null"
    computed = ", ".join((*_COMPUTED, *_JUDGED))
    return f"""
        with known as (
            select r.* exclude ({computed}), i.* exclude (row_id)
            from (from m_survey_response where batch_no = {batch_no}) r join indices i using (row_id)
        ),
        counted as (
            select row_id, {", ".join(_COMPUTED)}, {shown} as shown, nullif({applicable}, 0) as applicable,
                   nullif(concat_ws(', ', {names}), '') as _careless_signs
            from known
        )
        select * exclude (shown, applicable),
               case when applicable is not null then shown end as careless_sign_count,
               100.0 * (applicable - shown) / applicable as quality_score
        from counted"""


def _add_scales(con: duckdb.DuckDBPyConnection, batch_no: int, sheet: Sheet) -> None:
    """Give each answer the ends of its question's scale."""
    rows = ", ".join(f"({literal(one.id)}, {one.scale[0]!r}, {one.scale[1]!r})" for one in sheet.questions if one.scale)
    if rows:
        con.execute(
            f"""update m_survey_answer as a set _scale_min = s.low, _scale_max = s.high
                from (values {rows}) s(question_id, low, high)
                where a.batch_no = {batch_no} and a.question_id = s.question_id"""
        )


def _opposites(sheet: Sheet) -> list[str]:
    """SQL of agreeing (above the middle) to a statement and to its opposite, per pair."""
    by_id = {question.id: question for question in sheet.questions}
    pairs = [(one, by_id[one.opposite_of]) for one in sheet.questions if one.opposite_of in by_id]
    return [
        " and ".join(f"({sheet.number(q)}) > {sum(_scale(q)) / 2!r}" for q in pair)
        for pair in pairs
        if all(q.scale for q in pair)
    ]


def _contradictions(sheet: Sheet) -> list[str]:
    """SQL of the top answer to a question beside another answer that contradicts it, per question."""
    return [
        f"({sheet.number(one)}) = {_scale(one)[1]!r} and {sheet.condition(one.contradicted_by)}"
        for one in sheet.questions
        if one.scale and one.contradicted_by
    ]


def _lowest_scores(sheet: Sheet) -> list[str]:
    """SQL of the worst answer to a question about the whole, per question."""
    return [
        f"({sheet.number(one)}) = {_scale(one)[one.direction == 'lower_is_better']!r}"
        for one in ratings(sheet.questions)
        if one.role in ("nps", "csat", "ces")
    ]


def _any_of(conditions: Sequence[str]) -> str:
    return " or ".join(f"coalesce({one}, false)" for one in conditions) or "false"


def _count_of(conditions: Iterable[str]) -> str:
    # A list, as a sum of a thousand terms is nested deeper than the database takes.
    listed = ", ".join(f"({one})::integer" for one in conditions)
    return f"list_sum([{listed}])" if listed else "0"
