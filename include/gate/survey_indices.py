"""Careless-response indices of each response, in SQL, from the answers of its own delivery.

Longest run as R `careless` 1.2 counts it (a missing answer is a run of its own), on the answers as given; IRV is the
standard deviation (n-1) of a person's answers, on the largest same-scale block; relative speed is completion time over
the survey's median (METHODS 'Survey answer quality').
"""

from __future__ import annotations

import re

import duckdb

from include.sources.loading import LoadedSource
from include.sources.melting import questions_in
from include.sources.schema import Question
from include.sql import in_list, literal

BLOCK_COLUMNS = (
    "row_id bigint, block varchar, item_count bigint, answered_count bigint, longest_run bigint, "
    "distinct_count bigint, has_reverse boolean, is_top boolean, is_middle boolean, irv double"
)


def add_indices(
    con: duckdb.DuckDBPyConnection,
    batch_no: int,
    loaded: LoadedSource,
    survey_id: str,
    raw_columns: list[str],
    medians: dict[str, float],
) -> None:
    """Fill the computed columns of `m_survey_response` and table `survey_block` for one delivery."""
    items = questions_in(loaded, survey_id, raw_columns)
    con.execute(
        f"create or replace temp table response as select * from m_survey_response where batch_no = {batch_no};"
        f"create or replace temp table answer as select * from m_survey_answer where batch_no = {batch_no}"
    )
    _add_blocks(con, items)
    con.execute(
        "create or replace temp table median (survey_id varchar, seconds double);"
        + "".join(f"insert into median values ({literal(k)}, {v!r});" for k, v in sorted(medians.items()))
    )
    con.execute(
        f"""
        create or replace temp table indices as
        with answered as (
            select record, count(*) filter (where not is_not_applicable) as answered_count from answer group by record
        ),
        largest as (
            select row_id, arg_max(irv, item_count) as irv, max(longest_run) as longest_run
            from survey_block group by row_id
        ),
        missing as ({_missing_required(items)}),
        opposites as ({_opposites(items)})
        select r.row_id, coalesce(a.answered_count, 0) as answered_count, coalesce(m.n, 0) as missing_required_count,
               l.longest_run, l.irv, r.duration_seconds / nullif(d.seconds, 0) as relative_speed,
               o.record is not null as opposites_agreed
        from response r
        left join answered a using (record)
        left join largest l on l.row_id = r.row_id
        left join missing m on m.record = r.record
        left join opposites o on o.record = r.record
        left join median d on d.survey_id = r.survey_id
        """
    )
    con.execute(
        """
        update m_survey_response as r
        set answered_count = i.answered_count, missing_required_count = i.missing_required_count,
            longest_run = i.longest_run, irv = i.irv, relative_speed = i.relative_speed,
            _opposites_agreed = i.opposites_agreed
        from indices i where i.row_id = r.row_id
        """
    )
    con.execute(
        "create or replace temp table scale (question_id varchar, low double, high double);"
        + "".join(
            f"insert into scale values ({literal(q.id)}, {q.scale[0]!r}, {q.scale[1]!r});" for q in items if q.scale
        )
        + f"""update m_survey_answer as a set _scale_min = s.low, _scale_max = s.high
              from scale s where a.batch_no = {batch_no} and a.question_id = s.question_id"""
    )


def _add_blocks(con: duckdb.DuckDBPyConnection, items: list[Question]) -> None:
    blocks: dict[str, list[Question]] = {}
    for question in items:
        if question.block and question.scale:
            blocks.setdefault(question.block, []).append(question)
    rows = [
        f"({literal(block)}, {place}, {literal(q.id)}, {len(members)}, {any(m.reverse_keyed for m in members)}, "
        f"{q.scale[0]!r}, {q.scale[1]!r})"
        for block, members in blocks.items()
        for place, q in enumerate(members)
        if q.scale
    ]
    if not rows:
        return
    con.execute(
        f"""
        insert into survey_block
        with item(block, place, question_id, item_count, has_reverse, low, high) as (values {", ".join(rows)}),
        grid as (
            select r.row_id, i.*, a.answer_value as v
            from response r cross join item i
            left join answer a on a.record = r.record and a.question_id = i.question_id
        ),
        started as (
            select *, case when v = lag(v) over (partition by row_id, block order by place) then 0 else 1 end as starts
            from grid
        ),
        numbered as (
            select *, sum(starts) over (partition by row_id, block order by place) as run_no from started
        ),
        sized as (
            select *, case when v is not null then count(*) over (partition by row_id, block, run_no) end as run_length
            from numbered
        )
        select row_id, block, max(item_count), count(v), max(run_length), count(distinct v), bool_or(has_reverse),
               bool_and(v = high), bool_and(v = (low + high) / 2),
               -- From exact sums, so that it does not depend on the order of rows.
               sqrt((count(v) * sum(v * v) - sum(v) * sum(v))::double / nullif(count(v) * (count(v) - 1), 0))
        from sized group by row_id, block
        """
    )


def _missing_required(items: list[Question]) -> str:
    """SQL of record and number of required questions that were shown and have no answer."""
    parts = []
    for question in items:
        if not question.required:
            continue
        shown = "true"
        if question.shown_if:
            match = re.match(r"\s*([\w.\-]+)\s*(<=|>=|!=|=|<|>)\s*(-?\d+(?:\.\d+)?)\s*$", question.shown_if)
            if match is None:  # the schema of sources has checked the form
                raise ValueError(f"{question.id}: shown_if {question.shown_if!r}")
            name, operator, number = match.groups()
            shown = (
                f"exists (select 1 from answer s where s.record = r.record "
                f"and s.question_id = {literal(name)} and s.answer_value {operator} {number})"
            )
        parts.append(
            f"select record from response r where {shown} and not exists "
            f"(select 1 from answer a where a.record = r.record and a.question_id = {literal(question.id)})"
        )
    if not parts:
        return "select cast(null as bigint) as record, 0 as n where false"
    return f"select record, count(*) as n from ({' union all '.join(parts)}) group by record"


def _opposites(items: list[Question]) -> str:
    """SQL of the records that agree (above the middle) to a statement and to its opposite."""
    by_id = {question.id: question for question in items}
    parts = []
    for question in items:
        other = by_id.get(question.opposite_of or "")
        if other and question.scale and other.scale:
            one, two = ((q.scale[0] + q.scale[1]) / 2 for q in (question, other) if q.scale)
            parts.append(
                f"select record from answer where question_id in ({in_list((question.id, other.id))}) "
                f"and answer_value > case question_id when {literal(question.id)} then {one} else {two} end "
                "group by record having count(distinct question_id) = 2"
            )
    if not parts:
        return "select cast(null as bigint) as record where false"
    return f"select distinct record from ({' union all '.join(parts)})"
