"""What is told of one cell, in words: the same on a terminal and on a page."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from include.reporting.amounts import amount
from include.reporting.words import member_named, named, period, word
from include.tracing.cell_trace import Trace, published, tell_places
from include.tracing.cells import TOTAL, Cell
from include.tracing.words import say
from include.warehouse.night_summary import Language

# What is told of a delivery, by the names of the phrases.
BATCH_FIGURES = ("rows", "adds_numerator", "adds_denominator")


@dataclass(frozen=True)
class BatchLine:
    """A delivery and what its rows add; `source` is null where no single record stands behind the rows."""

    batch: str
    source: str | None
    figures: tuple[str, str, str]


@dataclass(frozen=True)
class RowLine:
    """A row of a fact: the id that its source knows, what it adds, and where it stands in a file."""

    record: str
    day: str
    figures: tuple[str, ...]
    place: str
    also_from: str


@dataclass(frozen=True)
class LeftOutLine:
    """A rule and how many rows it keeps out of the number; no rule where another record's verdict does."""

    rule_id: str | None
    says: str
    rows: str


@dataclass(frozen=True)
class TraceView:
    """A trace in one language. `figure_names` are the headings of the figures of `rows`."""

    title: str
    night: str
    facts: list[tuple[str, str]]
    batches: list[BatchLine]
    rows_title: str
    figure_names: list[str]
    rows: list[RowLine]
    left_out: list[LeftOutLine]
    sum_facts: list[str]


def trace_view(
    con: duckdb.DuckDBPyConnection, language: Language, cell: Cell, result: Trace, limit: int
) -> TraceView | None:
    """Put a trace into words; the view `told` holds its rows in the language then.

    Args:
        con: on which `trace_cell` has filled `traced`.
        language: of the words.
        cell: the one that was followed.
        result: of `trace_cell`.
        limit: rows to tell.

    Returns:
        None where the mart no longer has the cell.
    """
    facts = _facts(con, language, cell)
    if facts is None:
        return None
    is_measured, rows = _rows(con, language, limit)
    figures = ["measured"] if is_measured else ["adds_numerator", "adds_denominator"]
    name = "every_row" if len(rows) == result.rows else "all_rows"
    (night,) = con.execute("select as_of from audit.warehouse_state").fetchall()[0]
    return TraceView(
        title=_title(con, language, cell),
        night=say(language, "night", night=f"{night:%Y-%m-%dT%H:%MZ}"),
        facts=facts,
        batches=[
            BatchLine(
                one.batch_id or say(language, "no_batch"),
                one.batch_id.split(".")[0] if one.batch_id else None,
                (f"{one.rows:,}", _figure(one.adds_numerator), _figure(one.adds_denominator)),
            )
            for one in result.batches
        ],
        rows_title=say(language, name, shown=f"{len(rows):,}", all=f"{result.rows:,}"),
        figure_names=[say(language, figure) for figure in figures],
        rows=rows,
        left_out=_left_out(con, language, result),
        sum_facts=[say(language, "sum_fact", table=table) for table in result.sum_facts],
    )


def _title(con: duckdb.DuckDBPyConnection, language: Language, cell: Cell) -> str:
    (name,) = con.execute(
        f"select name_{language} from metrics.dim_metric where metric = ?", [cell.metric.name]
    ).fetchall()[0]
    title = say(language, "title", name=name, metric=cell.metric.name, period=_period(cell, language))
    if cell.segment == TOTAL:
        return title
    member = member_named(language, cell.segment, cell.member)
    return title + say(language, "of_member", segment=named(language, "segment", cell.segment), member=member)


def _period(cell: Cell, language: Language) -> str:
    if cell.grain == "snapshot":
        return word(language, "as_of_day", day=cell.start.isoformat())
    if cell.grain == "year":
        return say(language, "year", year=cell.start.year)
    return period(language, cell.grain, cell.start)


def _facts(con: duckdb.DuckDBPyConnection, language: Language, cell: Cell) -> list[tuple[str, str]] | None:
    """Value, interval, cases, parts, formula and fact, each with its name."""
    found = published(con, cell)
    if found is None:
        return None
    unit, formula, source, currency = con.execute(
        """select d.unit, d.formula, d.source, s.currency
           from metrics.dim_metric as d cross join audit.warehouse_state as s where d.metric = ?""",
        [cell.metric.name],
    ).fetchall()[0]
    value = found.value
    reason = named(language, "reason", found.null_reason or "no_data")
    told = say(language, "no_value", reason=reason) if value is None else amount(value, unit, language, currency)
    facts = [("value", told)]
    if found.ci_low is not None and found.ci_high is not None:
        ends = [amount(end, unit, language, currency, beside=value) for end in (found.ci_low, found.ci_high)]
        facts.append(("interval", " – ".join(ends)))
    facts.append(("n", f"{found.n:,}"))
    if found.numerator is not None:
        facts.append(("numerator", f"{found.numerator:,.10g}"))
    if found.denominator is not None:
        facts.append(("denominator", f"{found.denominator:,.10g}"))
    facts += [("formula", str(formula)), ("facts", str(source))]
    return [(say(language, label), text) for label, text in facts]


def _rows(con: duckdb.DuckDBPyConnection, language: Language, limit: int) -> tuple[bool, list[RowLine]]:
    """Whether the rows are measured (they add nothing then), and the first of them."""
    tell_places(con, {name: say(language, name) for name in ("sheet", "row", "line", "record")})
    rows = con.execute(
        f"""select record, row_date, adds_numerator, adds_denominator, measured, place, also_from
            from told limit {limit}"""
    ).fetchall()
    is_measured = any(row[4] is not None for row in rows)
    return is_measured, [
        RowLine(
            record=str(record),
            day=str(day or "–"),
            figures=(_figure(value),) if is_measured else (_figure(top), _figure(bottom)),
            place=place or "–",
            also_from=also or "–",
        )
        for record, day, top, bottom, value, place, also in rows
    ]


def _left_out(con: duckdb.DuckDBPyConnection, language: Language, result: Trace) -> list[LeftOutLine]:
    rules = [one.rule_id for one in result.left_out if one.rule_id]
    said = dict(
        con.execute(
            f"select rule_id, any_value(name_{language}) from staging.stg_rule "
            "where rule_id in (select unnest(?)) group by rule_id",
            [rules],
        ).fetchall()
    )
    return [
        LeftOutLine(
            one.rule_id,
            str(said.get(one.rule_id) or one.rule_id) if one.rule_id else say(language, "other_rule"),
            f"{one.rows:,}",
        )
        for one in result.left_out
    ]


def _figure(value: object) -> str:
    return "–" if value is None else f"{float(str(value)):,.10g}"
