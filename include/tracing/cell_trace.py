"""Follow one cell: its figures, its rows with what each adds, their batches, files and lines, and what was left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import duckdb

from include.settings import Settings
from include.tracing.cells import TOTAL, Cell, added_sql, rows_sql, told
from include.tracing.definitions import Fact
from include.tracing.places import add_places, place_sql
from include.tracing.records import BUSINESS_IDS, ORIGINS, records_sql

# Records of other entities that one row names; a ticket may have hundreds of events.
_ALSO = 10
# What a fact says of whether a row is counted: what the column would hold if the gate had counted all rows.
_AS_IF_COUNTED = {
    "is_counted": "true",
    "is_own_counted": "true",
    "is_nps_counted": "nps_score is not null",
    "is_csat_counted": "csat_score is not null",
    "is_ces_counted": "ces_score is not null",
    "is_first_try_counted": "is_first_try_solved is not null",
    "is_in_scope": "is_countable",
}
# Columns of the view `told`, and those of them that are texts.
TOLD = (
    "fact", "record", "fact_key", "row_date", "adds_numerator", "adds_denominator", "measured", "source", "batch_id",
    "file", "sheet", "line", "record_number", "place", "also_from",
)  # fmt: skip
TEXTS = ("fact", "record", "source", "batch_id", "file", "sheet", "place", "also_from")


@dataclass(frozen=True)
class Published:
    """The cell as the mart has it."""

    value: float | None
    null_reason: str | None
    ci_low: float | None
    ci_high: float | None
    n: int
    numerator: float | None
    denominator: float | None


@dataclass(frozen=True)
class BatchShare:
    """What the rows of one batch add; the batch is null where no single record stands behind a row."""

    batch_id: str | None
    rows: int
    adds_numerator: float | None
    adds_denominator: float | None


@dataclass(frozen=True)
class LeftOut:
    """Rows that would be in the number if the gate counted them, by rule; `rule_id` is null where another record's
    verdict took the row out."""

    rule_id: str | None
    rows: int


@dataclass(frozen=True)
class Trace:
    """All of it but the rows, which are in the temporary table `traced`."""

    rows: int
    batches: list[BatchShare]
    left_out: list[LeftOut]
    sum_facts: list[str]


def trace_cell(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    cell: Cell,
    limit: int | None,
    largest: int | None = None,
) -> Trace:
    """Follow a cell; fills the temporary table `traced`.

    Its columns: fact, record (the id that its source knows), fact_key, row_date, adds_numerator, adds_denominator,
    measured, source, batch_id, file, sheet, line, record_number, row_number, also_from.

    Args:
        con: a connection to a served warehouse; nothing is written to it.
        settings: of the installation, for the landed files.
        cell: which one.
        limit: rows of `traced`; null takes all.
        largest: bytes of a received file above which lines are not looked up (records are numbered); null: none is.
    """
    metric = cell.metric
    rows = rows_sql(cell)
    con.execute(f"create or replace temp table added as {added_sql(metric, rows)}")
    con.execute(f"create or replace temp table named as {_named_sql(con, cell)}")
    (count,) = con.execute("select count(*) from named").fetchall()[0]
    batches = con.execute(
        """select batch_id, count(*), cast(sum(adds_numerator) as double), cast(sum(adds_denominator) as double)
           from named group by batch_id order by count(*) desc, batch_id"""
    ).fetchall()
    _fill_traced(con, settings, cell, limit, largest)
    return Trace(
        rows=count,
        batches=[BatchShare(*row) for row in batches],
        left_out=_left_out(con, cell, rows),
        sum_facts=[fact.table for fact in metric.facts if not ORIGINS[fact.table]],
    )


def _named_sql(con: duckdb.DuckDBPyConnection, cell: Cell) -> str:
    """SQL of the added rows with their fact, the id of their record, and its batch."""
    parts = []
    for number, fact in enumerate(cell.metric.facts):
        columns = _columns(con, fact)
        known = "f.source, f.batch_id" if "batch_id" in columns else "o.source, o.batch_id"
        own = next((one for one in ORIGINS[fact.table] if one.is_own), None)
        joined = "left join (select null::varchar as source, null::varchar as batch_id) as o on false"
        if own and own.key and "batch_id" not in columns:
            joined = f"left join staging.stg_{own.entity} as o on o.{own.key} = f.{own.key} and f.{own.key} <> 0"
        parts.append(
            f"select a.*, '{fact.table}' as fact_table, {known}, "
            f"coalesce({BUSINESS_IDS[fact.table]}, cast(a.fact_key as varchar)) as record "
            f"from added as a join marts.{fact.table} as f on f.{fact.key} = a.fact_key {joined} "
            f"where a.fact = {number}"
        )
    return " union all ".join(parts)


def _fill_traced(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    cell: Cell,
    limit: int | None,
    largest: int | None,
) -> None:
    chosen = "select * from named order by fact, period_date, record, fact_key"
    con.execute(f"create or replace temp table chosen as {chosen} {f'limit {limit}' if limit is not None else ''}")
    con.execute(f"create or replace temp table record_of as {_records(cell, 'chosen')}")
    wanted = "select source, feed, batch_id, row_number from record_of where batch_id is not null"
    add_places(con, settings, wanted, largest)
    con.execute(
        f"""create or replace temp table traced as
            with placed as (
                select r.*, p.file, p.sheet, p.line, p.record as record_number,
                       concat_ws('/', r.batch_id, p.file, p.sheet, coalesce(p.line, p.record, r.row_number)) as place,
                       row_number() over (partition by r.fact, r.fact_key, r.is_own order by r.batch_id) as number
                from record_of as r
                left join place as p on p.batch_id = r.batch_id and p.row_number = r.row_number
            ),
            other as (
                select o.fact, o.fact_key, o.entity, coalesce(o.file, o.batch_id) as file,
                       coalesce(o.line, o.record_number, o.row_number) as number,
                       row_number() over (
                           partition by o.fact, o.fact_key, o.entity, o.file order by o.batch_id, o.row_number
                       ) as place,
                       count(*) over (partition by o.fact, o.fact_key, o.entity, o.file) as places
                from (select distinct on (fact, fact_key, entity, place) * from placed where not is_own) as o
                left join placed as own
                    on own.fact = o.fact and own.fact_key = o.fact_key and own.is_own and own.place = o.place
                -- one line of a file may give records of several entities
                where own.fact is null
            ),
            by_file as (
                select fact, fact_key, entity, file,
                       string_agg(cast(number as varchar), ', ' order by place) filter (where place <= {_ALSO})
                       || case when max(places) > {_ALSO} then ', +' || (max(places) - {_ALSO}) else '' end as numbers
                from other group by fact, fact_key, entity, file
            ),
            also as (
                select fact, fact_key, string_agg(entity || ': ' || file || ' ' || numbers, '; ' order by entity, file)
                    as also_from
                from by_file group by fact, fact_key
            )
            select
                c.fact_table as fact, c.record, c.fact_key, c.period_date as row_date, c.adds_numerator,
                c.adds_denominator, c.measured, coalesce(o.source, c.source) as source,
                coalesce(o.batch_id, c.batch_id) as batch_id, o.file, o.sheet, o.line, o.record_number,
                o.row_number, a.also_from
            from chosen as c
            left join placed as o on o.fact = c.fact and o.fact_key = c.fact_key and o.is_own and o.number = 1
            left join also as a on a.fact = c.fact and a.fact_key = c.fact_key
            order by c.fact, c.period_date, c.record, c.fact_key"""
    )


def tell_places(con: duckdb.DuckDBPyConnection, words: Mapping[str, str]) -> None:
    """Make the temporary view `told`: `traced` with `place`, where a row stands in one text, instead of `row_number`.

    Args:
        con: on which `traced` was filled.
        words: for sheet, row, line and record.
    """
    place = f"coalesce({place_sql('p', words)}, batch_id || ', #' || row_number)"
    columns = ", ".join(f"{place} as place" if name == "place" else name for name in TOLD)
    parts = "{'file': file, 'sheet': sheet, 'line': line, 'record': record_number}"
    con.execute(f"create or replace temp view told as select {columns} from (select *, {parts} as p from traced)")


def _records(cell: Cell, rows: str) -> str:
    """SQL of the records behind the rows of a table; a relation without rows where no fact has any."""
    found = [records_sql(fact.table, fact.key, number, rows) for number, fact in enumerate(cell.metric.facts)]
    none = (
        "select null::integer as fact, null::bigint as fact_key, null::varchar as entity, false as is_own, "
        "null::varchar as source, null::varchar as feed, null::varchar as batch_id, null::bigint as row_number, "
        "true as is_counted, null::varchar as not_counted_rules where false"
    )
    return " union all ".join([none, *(sql for sql in found if sql)])


def _left_out(con: duckdb.DuckDBPyConnection, cell: Cell, rows: str) -> list[LeftOut]:
    """Rows that nothing but the gate's verdict keeps out of the number, by rule."""
    used = " or ".join(
        f"{part.name} is not null" for formula in told(cell.metric) for part in cell.metric.named_in(formula)
    )
    as_if = rows_sql(cell, facts=lambda fact: _as_if_counted(con, fact))
    con.execute(
        f"""create or replace temp table left_out as
            select fact, fact_key from ({as_if}) where in_cell and ({used})
            except select fact, fact_key from added"""
    )
    con.execute(f"create or replace temp table left_record as {_records(cell, 'left_out')}")
    found = con.execute(
        """with failed as (
                select distinct fact, fact_key, unnest(string_split(not_counted_rules, ',')) as rule_id
                from left_record where not is_counted and not_counted_rules is not null
            )
            select f.rule_id, count(*) as rows
            from left_out as l
            left join failed as f on f.fact = l.fact and f.fact_key = l.fact_key
            group by f.rule_id order by count(*) desc, f.rule_id"""
    ).fetchall()
    return [LeftOut(*row) for row in found]


def _as_if_counted(con: duckdb.DuckDBPyConnection, fact: Fact) -> str:
    """SQL of a fact as it would be if the gate had counted every row."""
    columns = _columns(con, fact)
    said = {name: sql for name, sql in _AS_IF_COUNTED.items() if name in columns}
    if "is_in_scope" in columns and "is_countable" not in columns:
        said["is_in_scope"] = (
            "(select coalesce(max(t.is_countable), false) from marts.fct_ticket as t where t.ticket_key = s.ticket_key)"
        )
    if not said:
        return f"marts.{fact.table}"
    replaced = ", ".join(f"{sql} as {name}" for name, sql in said.items())
    return f"(select * replace ({replaced}) from marts.{fact.table} as s)"


def _columns(con: duckdb.DuckDBPyConnection, fact: Fact) -> set[str]:
    return {row[0] for row in con.execute(f"describe marts.{fact.table}").fetchall()}


def published(con: duckdb.DuckDBPyConnection, cell: Cell) -> Published | None:
    """The cell as the mart has it; none where it has no such row."""
    found: list[tuple[Any, ...]] = con.execute(
        """select value, null_reason, ci_low, ci_high, n, numerator, denominator from metrics.fct_metric_period
           where metric = ? and grain = ? and period_start = ? and segment = ? and member = ?""",
        [cell.metric.name, cell.grain, cell.start, cell.segment or TOTAL, cell.member],
    ).fetchall()
    return Published(*found[0]) if found else None
