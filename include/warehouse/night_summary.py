"""What a person wants to know after a night, read from the published warehouse."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal

import duckdb

from include.gate.ledger import DRIFT_REMARK, VOLUME_REMARK
from include.warehouse.publish import serve_file

Language = Literal["en", "zh"]
HEADLINES: dict[str, tuple[str, ...]] = {
    "strategic": ("churn_rate", "ltv_margin_mean"),
    "operational": (
        "first_response_median",
        "first_response_within_2h",
        "service_cycle_median",
        "resolution_rate",
        "reopen_rate",
        "complaint_rate",
    ),
    "experience": ("nps_relationship", "csat_transactional", "ces_transactional", "response_rate_transactional"),
}
_REASONS = 3


@dataclass(frozen=True)
class EntityRows:
    """Rows of one entity that a source's batches of the night brought."""

    source: str
    entity: str
    rows_in: int
    rows_clean: int
    rows_not_counted: int
    rows_quarantined: int


@dataclass(frozen=True)
class Reason:
    """How many of a source's rows of the night one rule took out."""

    source: str
    entity: str
    words: str
    verdict: str
    rows: int


@dataclass(frozen=True)
class Headline:
    """The latest value of a metric over everything; `value` is null where there is none yet."""

    layer: str
    metric: str
    name: str
    unit: str
    direction: str
    period_start: date | None
    grain: str | None
    value: float | None
    n: int | None
    is_low_base: bool | None
    ci_low: float | None
    ci_high: float | None
    change: float | None
    is_significant: bool | None


@dataclass(frozen=True)
class Trouble:
    """A batch of the night that was not judged, or is of an unusual size."""

    source: str
    feed: str
    status: str
    message: str


@dataclass(frozen=True)
class NightSummary:
    """All of it."""

    as_of: datetime
    as_of_date: date
    time_zone: str
    currency: str
    run_number: int
    missing_sources: list[str]
    rows: list[EntityRows]
    reasons: list[Reason]
    identical: dict[str, int]
    held_rows: int
    troubles: list[Trouble]
    headlines: list[Headline]


def read_summary(home: Path, language: Language) -> NightSummary:
    """Read the published warehouse; rows and reasons are those of its own night's batches."""
    with duckdb.connect(str(serve_file(home)), read_only=True) as con:
        night, day, zone, currency, number, missing = con.execute(
            "select as_of, as_of_date, time_zone, currency, run_number, missing_sources from audit.warehouse_state"
        ).fetchall()[0]
        return NightSummary(
            as_of=night,
            as_of_date=day,
            time_zone=zone,
            currency=currency,
            run_number=number,
            missing_sources=missing.split(",") if missing else [],
            rows=[EntityRows(*row) for row in con.execute(_ROWS, [night]).fetchall()],
            reasons=[Reason(*row) for row in con.execute(_reasons_sql(language), [night]).fetchall()],
            identical=dict(con.execute(_IDENTICAL, [night]).fetchall()),
            held_rows=_one(con, _HELD),
            troubles=[Trouble(*row) for row in con.execute(_TROUBLES, [night]).fetchall()],
            headlines=_headlines(con, language),
        )


_ROWS = """
    select source, entity, sum(rows_in), sum(rows_clean), sum(rows_not_counted), sum(rows_quarantined)
    from audit.audit_batch
    where night = ? and entity is not null
    group by source, entity
    order by source, sum(rows_in) desc, entity
"""
_IDENTICAL = "select source, count(*) from audit.audit_batch where night = ? and status = 'identical' group by source"
_HELD = """
    select count(*)
    from (select distinct batch_id, entity, row_id from audit.audit_quarantined_row where status = 'held')
"""
_TROUBLES = f"""
    select distinct source, feed, status, coalesce(message, '')
    from audit.audit_batch
    where
        night = ?
        and (
            status in ('stopped', 'unreadable', 'failed', 'silent')
            or message like '{VOLUME_REMARK}%' or message like '%{DRIFT_REMARK}%'
        )
    order by source, feed
"""


def _reasons_sql(language: Language) -> str:
    return f"""
        with counted as (
            select
                source,
                entity,
                coalesce(rule_name_{language}, rule_id) as words,
                verdict,
                sum(failed_count) as failed
            from audit.audit_check_result
            where verdict in ('unusable', 'not_counted') and failed_count > 0
                and batch_id in (select batch_id from audit.audit_batch where night = ?)
            group by all
        )
        select source, entity, words, verdict, failed from counted
        qualify row_number() over (partition by source order by failed desc, entity, words) <= {_REASONS}
        order by source, failed desc, entity, words
    """


def _headlines(con: duckdb.DuckDBPyConnection, language: Language) -> list[Headline]:
    """Of each headline metric the latest month that has a value, or, if none has, the snapshot."""
    wanted = [(layer, metric) for layer, metrics in HEADLINES.items() for metric in metrics]
    known = con.execute(
        f"""
        select m.metric, m.name_{language}, m.unit, m.direction, p.period_start, p.grain, p.value, p.n,
               p.is_low_base, p.ci_low, p.ci_high, p.change, p.is_significant
        from metrics.dim_metric as m
        left join metrics.fct_metric_period as p
            on p.metric = m.metric and p.segment = 'all' and p.member = 'all'
            and p.grain in ('month', 'snapshot') and p.value is not null
        qualify row_number() over (
            partition by m.metric order by p.grain = 'snapshot', p.period_start desc
        ) = 1
        """
    ).fetchall()
    by_metric: dict[str, tuple[Any, ...]] = {row[0]: row for row in known}
    return [Headline(layer, *by_metric[metric]) for layer, metric in wanted]


def _one(con: duckdb.DuckDBPyConnection, sql: str) -> int:
    return int(con.execute(sql).fetchall()[0][0])
