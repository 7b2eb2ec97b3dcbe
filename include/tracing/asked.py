"""Which cell a person asks for, and, where there is none, what there is."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from datetime import date

import duckdb

from include.errors import MetricsError
from include.periods import period_text
from include.tracing.cells import TOTAL, Cell
from include.tracing.definitions import Metric, read_metrics

_LISTED = 12


class TraceError(MetricsError):
    """A number can't be followed as asked; the text says what there is."""

    default_code = "SM603"


def asked_cell(con: duckdb.DuckDBPyConnection, metric: str, period: str, segment: str = "") -> Cell:
    """The cell that is meant.

    Args:
        con: a served warehouse.
        metric: its name.
        period: `2026`, `2026-Q2`, `2026-06`, `2026-W23`, `2026-06-16` or `snapshot`.
        segment: `region=华东`; empty for the total.

    Raises:
        TraceError: the metric, the period, the segment or the member is not there.
    """
    found = asked_metric(metric)
    grain, start = asked_period(period)
    if start is None:
        start = con.execute("select as_of_date from audit.warehouse_state").fetchall()[0][0]
    if grain not in found.grains:
        raise TraceError(f"{metric} is not given by {grain}; it is given by {', '.join(found.grains)}")
    name, _, member = segment.partition("=")
    if segment and (not name or not member):
        raise TraceError(f"SEGMENT {segment} is not segment=member, such as region=north")
    if segment and name not in found.segments:
        raise TraceError(f"{metric} is not cut by {name}; it is cut by {', '.join(found.segments)}")
    cell = Cell(found, grain, start, name or TOTAL, member or TOTAL)
    _check_there(con, cell, period)
    return cell


def asked_metric(name: str) -> Metric:
    """A metric by its name.

    Raises:
        TraceError: there is none; the text names those that are written alike.
    """
    metrics = read_metrics()
    if name in metrics:
        return metrics[name]
    near = difflib.get_close_matches(name, metrics, 3, 0.5) or [one for one in metrics if name and name in one][:3]
    hint = f"did you mean {' or '.join(near)}?" if near else "docs/metrics.md lists all"
    raise TraceError(f"no metric {name or '(METRIC is empty)'}; {hint}")


def asked_period(text: str) -> tuple[str, date | None]:
    """Grain and first day; no day for the snapshot, which is that of the night.

    Raises:
        TraceError: it is no period.
    """
    if text == "snapshot":
        return text, None
    try:
        if re.fullmatch(r"\d{4}", text):
            return "year", date(int(text), 1, 1)
        if match := re.fullmatch(r"(\d{4})-?Q([1-4])", text, re.IGNORECASE):
            return "quarter", date(int(match[1]), 3 * int(match[2]) - 2, 1)
        if match := re.fullmatch(r"(\d{4})-?W(\d{1,2})", text, re.IGNORECASE):
            return "week", date.fromisocalendar(int(match[1]), int(match[2]), 1)
        if match := re.fullmatch(r"(\d{4})-(\d{2})", text):
            return "month", date(int(match[1]), int(match[2]), 1)
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            return "day", date.fromisoformat(text)
    except ValueError:
        pass
    raise TraceError(f"PERIOD {text or '(empty)'} is none of 2026, 2026-Q2, 2026-06, 2026-W23, 2026-06-16 and snapshot")


def _check_there(con: duckdb.DuckDBPyConnection, cell: Cell, period: str) -> None:
    """Make sure that the mart has the cell.

    Raises:
        TraceError: it does not.
    """
    name = cell.metric.name
    in_metric = con.execute(
        """select min(period_start), max(period_start) from metrics.fct_metric_period
           where metric = ? and grain = ? and segment = 'all'""",
        [name, cell.grain],
    ).fetchall()[0]
    members = con.execute(
        """select member from metrics.fct_metric_period
           where metric = ? and grain = ? and period_start = ? and segment = ? order by n desc, member""",
        [name, cell.grain, cell.start, cell.segment],
    ).fetchall()
    known = [row[0] for row in members]
    if cell.member in known:
        return
    if known:
        raise TraceError(f"{name} has no {cell.segment} {cell.member} in {period}; there are {_listed(known)}")
    if in_metric[0] is None:
        raise TraceError(f"{name} has no data by {cell.grain} in the served night")
    first, last = (period_text(cell.grain, day) for day in in_metric)
    raise TraceError(f"{name} has no data in {period}; it has some from {first} to {last}")


def _listed(names: Iterable[str]) -> str:
    every = list(names)
    more = f" and {len(every) - _LISTED} more" if len(every) > _LISTED else ""
    return ", ".join(every[:_LISTED]) + more
