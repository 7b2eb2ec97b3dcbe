"""Wide survey records as one row per answer.

A question is carried by a column of its own, one of which several options can be ticked by one cell of joined texts or
by a column per option: all give the same answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from include.sources.cell_sql import mapped_text, null_texts, present, trim, trimmed
from include.sources.file_reader import CELL, MELTED_NAMES, QUESTION_ORDINAL, ROW_NUMBER, UNPARSABLE, landed_name
from include.sources.loading import LACKING, LoadedSource, SourceConfigError
from include.sources.questionnaires import answered_questions, values_of
from include.sources.schema import MultipleChoice, Question, Source
from include.sql import in_list, literal, quoted

# What a file with a column per option writes into it.
_TICKED = ("1", "1.0", "true", "yes", "y", "是", "√", "✓", "✔")
_NOT_TICKED = ("0", "0.0", "false", "no", "n", "否")


@dataclass(frozen=True)
class _Answer:
    """SQL of one answer of a raw record.

    `cell` is its text; `is_final`: the text is the answer's (`1`, `0`), and no cell of a file that may mean "missing".
    """

    ordinal: int
    question: Question
    cell: str
    is_final: bool = False
    is_unknown: bool = False


@dataclass(frozen=True)
class Melted:
    """What melting a feed's records gives: a relation, and the SQL of its rows' number in the delivery."""

    relation: str
    local_id: str


def found_column(spellings: Sequence[str], raw_columns: Sequence[str]) -> str | None:
    """The raw column of the first spelling that a file has."""
    return next((name for name in map(landed_name, spellings) if name in raw_columns), None)


def questions_in(loaded: LoadedSource, survey_id: str, raw_columns: Sequence[str]) -> list[Question]:
    """The questions that a file carries, in the order in which they are asked, options one by one."""
    answers = _answers(loaded.source, survey_id, raw_columns, set())[1]
    return [answer.question for answer in answers if not answer.is_unknown]


def melted(
    loaded: LoadedSource,
    feed_name: str,
    entity: str,
    survey_id: str,
    raw_columns: Sequence[str],
    records: str,
    kept: Sequence[str],
) -> Melted:
    """Melt `records`, a relation of raw records, into one row per record and answer, with `MELTED_NAMES`.

    Of the records' own columns a row has their number, the line that could not be parsed and, in SQL, those `kept`.

    A line that could not be parsed is a row too, and so is a record without any answer if no other entity of the feed
    has a row for it; their ordinal is 0 and they name no question.

    Raises:
        SourceConfigError: the file has not one of the questions.
    """
    feed = loaded.source.feeds[feed_name]
    missing = {*loaded.source.missing, *feed.missing, ""}
    helpers, answers = _answers(loaded.source, survey_id, raw_columns, missing)
    if not answers:
        key = ("feeds", feed_name, "entities", entity, "questionnaire")
        problem = f"none of the file's {len(raw_columns)} columns is a question of {survey_id}"
        raise SourceConfigError(loaded.path, loaded.line_of(*key), ".".join(key), problem, LACKING)
    ordinals = ", ".join(str(answer.ordinal) for answer in answers)
    cells = ", ".join(answer.cell for answer in answers)
    sql_of: dict[str, Callable[[_Answer], str]] = {
        "question_id": lambda a: literal(a.question.id),
        "answer_value": lambda a: _answer_value(loaded.source, a),
        "answer_text": lambda a: CELL if a.question.role == "open" and not a.is_unknown else "null",
        "is_not_applicable": lambda a: f"({_is_one_of(a.question.not_applicable)})::varchar",
    }
    values = ", ".join(f"{_by_ordinal(answers, sql_of[name])} as {alias}" for name, alias in MELTED_NAMES.items())
    absent = _by_ordinal(answers, lambda a: _is_one_of(_missing_texts(loaded.source, a, missing)))
    stands_alone = all(mapping.questionnaire for mapping in feed.entities.values())
    unanswered = f"or {ROW_NUMBER} not in (select {ROW_NUMBER} from melted)" if stands_alone else ""
    # Listed, as DuckDB would carry all columns of a file through the union, once per answer.
    columns = ", ".join((ROW_NUMBER, UNPARSABLE, *kept, QUESTION_ORDINAL))
    relation = f"""(
        with records as (from {records}),
        melted as (
            select {columns}, {values}
            from (
                select *, unnest([{ordinals}]) as {QUESTION_ORDINAL}, unnest([{cells}]) as {CELL}
                from (select *{helpers} from records where {UNPARSABLE} is null)
            )
            where {CELL} is not null and not ({absent})
        )
        from melted
        union all by name
        select {columns} from (select *, 0 as {QUESTION_ORDINAL} from records)
        where {UNPARSABLE} is not null {unanswered}
    )"""
    # A melted record gives up to as many rows as there are answers.
    space = max(1000, 10 ** len(str(_answer_count(loaded.source, survey_id))))
    return Melted(relation, f"{ROW_NUMBER} * {space} + {QUESTION_ORDINAL}")


def _answers(
    source: Source, survey_id: str, raw_columns: Sequence[str], missing: set[str]
) -> tuple[str, list[_Answer]]:
    """SQL of the helper columns of a file's records, and of their answers; ordinals are the same for every file."""
    helpers = ""
    found: list[_Answer] = []
    ordinal = 0
    for number, question in enumerate(source.questionnaires[survey_id].questions):
        column = found_column(question.headers, raw_columns)
        if column is not None and (question.multiple or question.free_text):
            name = free_name(f"_ticked {number}", raw_columns)
            cells, sql = _of_one_cell(question, column, name, missing)
            helpers += sql
        elif column is not None:
            cells = [trimmed(column)]
        elif question.multiple:
            name = free_name(f"_is_answered {number}", raw_columns)
            cells, sql = _of_option_columns(question, question.multiple, raw_columns, name, missing)
            helpers += sql
        else:
            cells = []
        asked = answered_questions(question)
        for position, cell in enumerate(cells):
            is_unknown = position == len(asked)
            one = question if is_unknown else asked[position]
            is_final = question.multiple is not None and one.role != "open"
            if cell:
                found.append(_Answer(ordinal + position + 1, one, cell, is_final, is_unknown))
        ordinal += _ordinals_of(question)
    return helpers, found


def _ordinals_of(question: Question) -> int:
    """How many rows a question may give: its answers and, with options, what is none of them."""
    return len(answered_questions(question)) + (question.multiple is not None)


def _answer_count(source: Source, survey_id: str) -> int:
    return sum(_ordinals_of(question) for question in source.questionnaires[survey_id].questions)


def _of_one_cell(question: Question, column: str, helper: str, missing: set[str]) -> tuple[list[str], str]:
    """SQL of the answers in one cell: of `answered_questions`, then, with options, what is none of them."""
    text = trimmed(column)
    free_text = []
    if question.free_text:
        opening, closing = question.free_text[0], question.free_text[1]
        inside = f"{_escaped(opening)}([^{_escaped(closing)}]*){_escaped(closing)}"
        typed_in = f"list_transform(regexp_extract_all({text}, {literal(inside)}, 1), lambda one: {trim('one')})"
        free_text = [f"nullif(array_to_string(list_filter({typed_in}, lambda one: one <> ''), '; '), '')"]
        text = trim(f"regexp_replace({text}, {literal(inside)}, '', 'g')")
    if question.multiple is None:
        return [text, *free_text], ""
    choice = question.multiple
    separator = literal(choice.separator)
    # What means "missing" or "not applicable" stands for the whole cell.
    split = f"string_split({present(text, {*missing, *question.missing})}, {separator})"
    ticked = f"list_filter(list_transform({split}, lambda one: {trim('one')}), lambda one: one <> '')"
    known = [text for texts in choice.options.values() for text in texts]
    name = quoted(helper)
    whole = trimmed(column)
    not_applicable = _is_one_of(question.not_applicable, whole)
    cells = [
        f"case when {not_applicable} then {whole} when list_has_any({name}, [{in_list(list(texts))}]) then '1' "
        f"when len({name}) > 0 then '0' end"
        for texts in choice.options.values()
    ]
    others = f"list_filter({name}, lambda one: one not in ({in_list(known)}))"
    unknown = f"case when not {not_applicable} then nullif(array_to_string({others}, {separator}), '') end"
    return [*cells, *free_text, unknown], f", {ticked} as {name}"


def _of_option_columns(
    question: Question, choice: MultipleChoice, raw_columns: Sequence[str], helper: str, missing: set[str]
) -> tuple[list[str], str]:
    """SQL of the answers in a column per option; a question without a single tick is not answered."""
    columns = {option: found_column(choice.headers_of(option), raw_columns) for option in choice.options}
    texts = {option: trimmed(column) for option, column in columns.items() if column is not None}
    if not texts:
        return [], ""
    sentinels = {*missing, *question.missing} - {""}
    not_ticked = in_list([*_NOT_TICKED, ""])
    is_answered = " or ".join(
        f"not {_is_one_of(sentinels, text)} and lower(coalesce({text}, '')) not in ({not_ticked})"
        for text in texts.values()
    )
    cells = []
    for option, spellings in choice.options.items():
        text = texts.get(option)
        if text is None:  # an option that the file has no column for is not known; it isn't unticked
            cells.append("")
            continue
        cells.append(
            f"case when not {quoted(helper)} or {_is_one_of(sentinels, text)} then null "
            f"when lower({text}) in ({in_list(_TICKED)}) or {text} in ({in_list(list(spellings))}) then '1' "
            f"when lower(coalesce({text}, '')) in ({not_ticked}) then '0' else {text} end"
        )
    return cells, f", ({is_answered}) as {quoted(helper)}"


def _escaped(bracket: str) -> str:
    return f"\\x{{{ord(bracket):x}}}"


def free_name(name: str, taken: Iterable[str]) -> str:
    """A name that is not taken, made from one that may be."""
    lower = {one.lower() for one in taken}
    while name.lower() in lower:
        name += "_"
    return name


def _missing_texts(source: Source, answer: _Answer, missing: set[str]) -> list[str]:
    if answer.is_final:
        return []
    question = answer.question
    return [*missing, *question.missing, *null_texts(values_of(source, question))]


def _answer_value(source: Source, answer: _Answer) -> str:
    question = answer.question
    if answer.is_unknown:
        # No number, so that what is none of the options can't be taken for an answer: `unreadable_value`.
        return f"'? ' || {CELL}"
    if question.role == "open":
        return "null"
    values = values_of(source, question)
    number = mapped_text(CELL, values, CELL) if values else CELL
    return f"case when {_is_one_of(question.not_applicable)} then null else {number} end"


def _is_one_of(texts: Iterable[str], cell: str = CELL) -> str:
    found = sorted(set(texts))
    return f"coalesce({cell} in ({in_list(found)}), false)" if found else "false"


def _by_ordinal(answers: Sequence[_Answer], sql_of: Callable[[_Answer], str]) -> str:
    """One CASE over the answer's ordinal; answers with the same SQL share a branch."""
    branches: dict[str, list[int]] = {}
    for answer in answers:
        branches.setdefault(sql_of(answer), []).append(answer.ordinal)
    if len(branches) == 1:
        return next(iter(branches))
    cases = " ".join(
        f"when {QUESTION_ORDINAL} in ({', '.join(map(str, ordinals))}) then {sql}" for sql, ordinals in branches.items()
    )
    return f"case {cases} end"
