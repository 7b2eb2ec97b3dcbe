"""A data home that serves a warehouse made by hand: every kind of headline that a page has to show, and no more.

The night ends on 2026-06-30 in Shanghai; twelve headline metrics have 24 months unless a test's story says otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from include.warehouse.night_summary import HEADLINES
from include.warehouse.publish import serve_file

NIGHT = datetime(2026, 6, 30, 16)
DAY = date(2026, 6, 30)
MONTHS = [date(2024 + (6 + number) // 12, (6 + number) % 12 + 1, 1) for number in range(24)]
WEEKS = [date(2026, 6, 22) - timedelta(weeks=number) for number in reversed(range(26))]
UNITS = {
    "churn_rate": "share",
    "ltv_margin_mean": "currency",
    "first_response_median": "minutes",
    "first_response_within_2h": "share",
    "service_cycle_median": "minutes",
    "resolution_rate": "share",
    "reopen_rate": "share",
    "complaint_rate": "per_1000",
    "nps_relationship": "points",
    "csat_transactional": "share",
    "ces_transactional": "score",
    "response_rate_transactional": "share",
}
LOWER_IS_BETTER = {
    "churn_rate", "first_response_median", "service_cycle_median", "reopen_rate", "complaint_rate",
}  # fmt: skip
# METHODS' values of the control limits, and twelve more that stay inside but for the last.
CHECKED = [52, 50, 51, 49, 53, 50, 48, 51, 50, 52, 50, 49, 50, 51, 52, 50, 49, 50, 51, 50, 52, 49, 50, 58]
# An expression may be longer than a phone is wide, without a place to break it.
LONG = "x" * 80
# A name as somebody may have put it into a source: a page must not run it.
HOSTILE = "<script>alert(1)</script>"

_TABLES = """
create schema audit; create schema metrics; create schema marts;
create table audit.warehouse_state (
    as_of timestamp, as_of_date date, time_zone varchar, currency varchar, run_number bigint, is_complete boolean,
    missing_sources varchar);
create table audit.audit_batch (
    batch_id varchar, source varchar, feed varchar, entity varchar, night timestamp, rows_in bigint, rows_clean bigint,
    rows_not_counted bigint, rows_quarantined bigint, status varchar, message varchar);
create table audit.audit_check_result (
    batch_id varchar, source varchar, entity varchar, rule_id varchar, rule_name_en varchar, rule_name_zh varchar,
    verdict varchar, failed_count bigint);
create table audit.audit_quarantined_row (batch_id varchar, entity varchar, row_id bigint, status varchar);
create table metrics.dim_metric (
    metric varchar, name_zh varchar, name_en varchar, description varchar, description_zh varchar, formula varchar,
    unit varchar, direction varchar, numerator varchar, denominator varchar, grain varchar, is_additive boolean,
    valid_dimensions varchar, owner varchar, source varchar, target double, min_n bigint, maturity_days bigint,
    interval_method varchar, requirement varchar);
create table metrics.fct_metric_period (
    metric varchar, grain varchar, period_start date, segment varchar, member varchar, value double,
    null_reason varchar, ci_low double, ci_high double, n bigint, is_low_base boolean, change double,
    is_significant boolean, denominator double, n_effective double);
create table marts.fct_dimension_period (
    period_start date, purpose varchar, dimension varchar, region varchar, answer_count bigint, pomp_sum double);
"""


def make_reported_home(home: Path, *, missing: str | None = None) -> Path:
    """Make the data home. Returns it.

    Args:
        home: where.
        missing: sources that the night lacks, comma separated.
    """
    path = serve_file(home)
    path.parent.mkdir(parents=True)
    with duckdb.connect(str(path)) as con:
        con.execute(_TABLES)
        con.execute(
            "insert into audit.warehouse_state values (?, ?, 'Asia/Shanghai', 'CNY', 3, ?, ?)",
            [NIGHT, DAY, missing is None, missing],
        )
        con.execute("insert into audit.audit_quarantined_row values ('b', 'ticket_event', 1, 'held')")
        con.execute(
            "insert into audit.audit_batch values ('b', 'desk', 'tickets', null, ?, null, null, null, null, "
            f"'unreadable', 'tickets.csv: {HOSTILE}')",
            [NIGHT],
        )
        con.executemany(f"insert into metrics.dim_metric values ({', '.join('?' * 20)})", list(_definitions()))
        con.executemany(f"insert into metrics.fct_metric_period values ({', '.join('?' * 15)})", list(_periods()))
        _answers(con)
    return home


def _definitions() -> Iterator[list[Any]]:
    prefixes = {"strategic": "ST-1", "operational": "OP-1", "experience": "EX-1"}
    for layer, metrics in HEADLINES.items():
        for metric in metrics:
            unit = UNITS.get(metric, "share")
            is_median = metric.endswith("_median")
            yield [
                metric,
                f"指标 {metric}",
                f"Metric {metric}",
                f"What {metric} says.",
                None if metric == "reopen_rate" else f"{metric} 的含义。",
                f"median({LONG})" if is_median else f"sum({LONG}) / sum(b)",
                unit,
                "lower_is_better" if metric in LOWER_IS_BETTER else "higher_is_better",
                None if is_median else f"sum({LONG})",
                None if is_median else "sum(b)",
                "snapshot" if metric == "ltv_margin_mean" else "week, month",
                False,
                "region, tier",
                "service operations",
                "fct_ticket",
                0.8 if metric == "csat_transactional" else None,
                30,
                None,
                "wilson" if unit == "share" else None,
                prefixes[layer],
            ]


def _periods() -> Iterator[list[Any]]:
    """Of the metrics that a test tells a story of; any other headline has no data at all."""
    for metric in UNITS:
        if metric == "ltv_margin_mean":
            yield _row(metric, "snapshot", DAY, 12345.6, n=500)
        elif metric == "service_cycle_median":
            yield _row(metric, "month", MONTHS[-1], None, reason="no_data")
        elif metric == "ces_transactional":
            yield from (_row(metric, "month", month, None, reason="mixed_scales", n=80) for month in MONTHS)
        elif metric == "response_rate_transactional":
            yield from (_row(metric, "week", week, 0.4 + number / 100) for number, week in enumerate(WEEKS))
            yield _row(metric, "month", MONTHS[-1], 0.62)
        else:
            yield from (_month(metric, number, month) for number, month in enumerate(MONTHS))


def _month(metric: str, number: int, month: date) -> list[Any]:
    last = number == len(MONTHS) - 1
    if metric == "first_response_median":
        return _row(metric, "month", month, CHECKED[number], change=8.0 if last else None)
    if metric == "churn_rate":
        return _row(metric, "month", month, None if last else 0.0125, reason="immature" if last else None)
    if metric == "nps_relationship":
        # Too few answers in all months but the last: nothing sets limits.
        return _row(metric, "month", month, float(number % 3), n=84 if last else 20)
    if metric == "first_response_within_2h" and last:
        return _row(metric, "month", month, 0.5, n=12)
    if metric == "reopen_rate" and last:
        return _row(metric, "month", month, 0.2, n=5)
    if metric == "csat_transactional" and last:
        return _row(metric, "month", month, 0.9, n=200, change=0.1, significant=True)
    size = {"share": 0.8, "points": 10.0, "per_1000": 14.2}[UNITS[metric]]
    return _row(metric, "month", month, size + number % 2 * size / 100, change=0.0 if last else None)


def _row(
    metric: str,
    grain: str,
    start: date,
    value: float | None,
    *,
    n: int = 300,
    reason: str | None = None,
    change: float | None = None,
    significant: bool | None = None,
) -> list[Any]:
    is_share = value is not None and UNITS[metric] == "share"
    low, high = (value * 0.9, min(value * 1.1, 1.0)) if is_share and value is not None else (None, None)
    cell = [metric, grain, start, "all", "all", value, reason, low, high, n, n < 30, change, significant]
    return [*cell, float(n), None]


def _answers(con: duckdb.DuckDBPyConnection) -> None:
    """In the last quarter: answers enough, 12 and 5 that are too few, and some that don't belong there."""
    groups = [
        ("transactional", "attitude", "north", 40, 80.0, date(2026, 4, 1)),
        ("transactional", "attitude", "south", 40, 60.0, date(2026, 6, 1)),
        ("transactional", "response_speed", "north", 12, 100.0, date(2026, 5, 1)),
        ("transactional", "response_speed", "(none)", 5, 0.0, date(2026, 5, 1)),
        ("transactional", "attitude", "north", 9, 0.0, date(2026, 3, 1)),
        ("transactional", "attitude", "north", 9, 0.0, date(2026, 7, 1)),
        ("pretest", "attitude", "north", 9, 0.0, date(2026, 5, 1)),
        ("relationship", "own_dimension", "north", 31, 50.0, date(2026, 5, 1)),
    ]
    for purpose, dimension, region, count, pomp, month in groups:
        con.execute(
            "insert into marts.fct_dimension_period values (?, ?, ?, ?, ?, ?)",
            [month, purpose, dimension, region, count, count * pomp],
        )
