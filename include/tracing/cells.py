"""SQL of one cell of fct_metric_period: the fact rows that are in it, what each adds, and its figures again.

It says by itself what the macros render as scans over all cells; a test holds both against each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date

from include.periods import following
from include.sql import literal
from include.tracing.definitions import Fact, Metric, Part

TOTAL = "all"
NOBODY = "(none)"
# A value of a measure is compared and added up as exactly as the mart does it.
_EXACT = "decimal(38, 12)"


@dataclass(frozen=True)
class Cell:
    """A metric in a period, over everything or over one member of a segment."""

    metric: Metric
    grain: str
    start: date
    segment: str = TOTAL
    member: str = TOTAL


def rows_sql(cell: Cell, schema: str = "marts", facts: Callable[[Fact], str] | None = None) -> str:
    """SQL of the facts' rows in the cell's period: `fact`, `fact_key`, `period_date`, `in_cell`, a column per part.

    A part of another fact than the row's is null. `fact` is the place of the fact in `metric.facts`.

    Args:
        cell: which one.
        schema: where the facts lie.
        facts: what to read of a fact instead of its table.
    """
    relation = facts or (lambda fact: f"{schema}.{fact.table}")
    return " union all ".join(
        _fact_rows(cell, number, fact, relation(fact), schema) for number, fact in enumerate(cell.metric.facts)
    )


def _fact_rows(cell: Cell, number: int, fact: Fact, relation: str, schema: str) -> str:
    parts = ", ".join(
        f"({part.measure.expr}) as {part.name}" if part.fact == fact else f"null as {part.name}"
        for part in cell.metric.parts
    )
    period, when = _when(cell, fact)
    inner = (
        f"select {number} as fact, f.{fact.key} as fact_key, {period} as period_date, "
        f"{_in_cell(cell, fact, schema)} as in_cell, f.* from {relation} as f where {when}"
    )
    return f"select fact, fact_key, period_date, in_cell, {parts} from ({inner})"


def _when(cell: Cell, fact: Fact) -> tuple[str, str]:
    """SQL of a row's date and of whether it lies in the period."""
    start = f"date {literal(cell.start.isoformat())}"
    if cell.grain == "snapshot":
        return start, f"f.{fact.snapshot} = {start}" if fact.snapshot else "true"
    end = f"date {literal(following(cell.grain, cell.start).isoformat())}"
    return f"f.{fact.time}", f"f.{fact.time} >= {start} and f.{fact.time} < {end}"


def _in_cell(cell: Cell, fact: Fact, schema: str) -> str:
    """SQL of whether a row is of the segment's member."""
    if cell.segment == TOTAL:
        return "true"
    cut = fact.cut(cell.segment)
    if cut.table is None:
        member = f"({cut.column})"
    else:
        member = f"(select max(m.{cut.column}) from {schema}.{cut.table} as m where m.{cut.key} = f.{cut.foreign})"
    return f"coalesce(cast({member} as varchar), {literal(NOBODY)}) = {literal(cell.member)}"


def measured(part: Part, rows: str = "true") -> str:
    """SQL of a part over rows, as the mart has it; `rows` says which of them."""
    column = f"case when {rows} then {part.name} end"
    match part.measure.agg:
        case "sum":
            return f"cast(sum(cast({column} as {_EXACT})) as double)"
        case "count":
            return f"cast(count({column}) as double)"
        case "count_distinct":
            return f"cast(count(distinct {column}) as double)"
        case "median" | "percentile":
            return f"cast(quantile_cont({column}, {part.measure.percentile}) as double)"
        case agg:
            return f"{agg}({column})"


def figures_sql(metric: Metric, rows: str) -> str:
    """SQL of `numerator`, `denominator`, `value` and `n` of a cell from its rows (as `rows_sql` gives them).

    One row; all null where the cell has no data.
    """
    return f"""
        select {", ".join(formulas(metric))}
        from (select {", ".join(f"{part_sql(part)} as {part.name}" for part in metric.parts)} from ({rows}))
    """


def part_sql(part: Part, rows: str = "true") -> str:
    """SQL of a part of a cell. Of a filled one nothing is 0 where the fact has data in the period at all."""
    found = measured(part, f"in_cell and {rows}")
    return f"coalesce({found}, case when {measured(part, rows)} is not null then 0 end)" if part.is_filled else found


def formulas(metric: Metric) -> list[str]:
    """SQL of a cell's figures over its parts."""
    return [
        f"cast({metric.numerator or 'null'} as double) as numerator",
        f"cast({metric.denominator or 'null'} as double) as denominator",
        f"cast({metric.value} as double) as value",
        f"cast({metric.n} as bigint) as n",
    ]


def added_sql(metric: Metric, rows: str) -> str:
    """SQL of the rows that the number is made of, with what each adds.

    `adds_numerator` and `adds_denominator` add up to those of the cell (null where the metric has none); `measured` is
    what the row gives to a median, a percentile or another measure that has no such parts.
    """
    used = {part.name: part for formula in told(metric) for part in metric.named_in(formula)}
    shares = ", ".join(f"{_share(part)} as {name}" for name, part in used.items())
    has_any = " or ".join(f"{name} is not null" for name in used)
    columns = ", ".join(
        f"cast({formula or 'null'} as {_EXACT}) as {name}"
        for name, formula in (("adds_numerator", metric.numerator), ("adds_denominator", metric.denominator))
    )
    of_row = f"cast({metric.value} as double)" if metric.numerator is None else "cast(null as double)"
    return f"""
        select fact, fact_key, period_date, {columns}, {of_row} as measured
        from (select fact, fact_key, period_date, {shares} from ({rows}) where in_cell and ({has_any}))
    """


def told(metric: Metric) -> Iterable[str]:
    """The formulas whose rows are told: numerator and denominator, or, where there are none, the value."""
    return [one for one in (metric.numerator, metric.denominator) if one] or [metric.value]


def _share(part: Part) -> str:
    """SQL of what a row adds to a part: of rows with one value that is counted once, the first."""
    if part.measure.agg == "count_distinct":
        first = f"row_number() over (partition by {part.name} order by fact, fact_key) = 1"
        return f"case when {part.name} is not null and {first} then 1 else 0 end"
    return f"coalesce({part.name}, 0)" if part.measure.agg == "sum" else part.name
