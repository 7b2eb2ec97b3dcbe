"""What the pages are made of, read from the served warehouse and from nowhere else."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb

from include.periods import following
from include.reporting.heat_map import HeatMap, Score, heat_maps
from include.reporting.trends import PeriodValue, Trend, preceding, trend_of
from include.warehouse.night_summary import Headline, Language, NightSummary, read_summary
from include.warehouse.publish import serve_file

_HEAT_MAP = Path(__file__).with_name("heat_map.sql").read_text(encoding="utf-8")
_PERIODS = """
    select
        metric, grain, period_start, value, n, is_low_base, ci_low, ci_high, null_reason,
        coalesce(n_effective, denominator) as base
    from metrics.fct_metric_period
    where segment = 'all' and member = 'all' and grain in ('month', 'week', 'snapshot')
    order by metric, grain, period_start
"""
_DICTIONARY = """
    select
        metric, name_en, name_zh, description, description_zh, formula, numerator, denominator, unit, direction, grain,
        valid_dimensions, owner, source, requirement, target, min_n, maturity_days, interval_method, is_additive
    from metrics.dim_metric
    order by requirement, metric
"""


@dataclass(frozen=True)
class DictionaryEntry:
    """One row of dim_metric."""

    metric: str
    name_en: str
    name_zh: str
    description: str
    description_zh: str | None
    formula: str
    numerator: str | None
    denominator: str | None
    unit: str
    direction: str
    grain: str
    valid_dimensions: str
    owner: str
    source: str
    requirement: str
    target: float | None
    min_n: int | None
    maturity_days: int | None
    interval_method: str | None
    is_additive: bool

    def name(self, language: Language) -> str:
        """Its name in a language."""
        return self.name_zh if language == "zh" else self.name_en


@dataclass(frozen=True)
class Card:
    """A headline metric: its latest value, its way there, and, where it has no value, why."""

    headline: Headline
    trend: Trend | None
    null_reason: str | None
    # Whether the latest value's period still runs.
    is_running: bool
    # The reason for which a later period than that of the value has none; null where there is no such period.
    newer_reason: str | None


@dataclass(frozen=True)
class ServedFacts:
    """All that is shown of a night.

    `until` is the first local day that is not complete, `traced` are the metrics with a page of their rows,
    `has_model_card` says whether there is a page on the models of customer value.
    """

    summaries: dict[Language, NightSummary]
    entries: dict[str, DictionaryEntry]
    periods: dict[str, list[PeriodValue]]
    heat_maps: list[HeatMap]
    quarter: date
    until: date
    traced: frozenset[str] = frozenset()
    has_model_card: bool = False

    def cards(self, language: Language) -> list[Card]:
        """The headline metrics, by layer."""
        return [self._card(headline) for headline in self.summaries[language].headlines]

    def _card(self, headline: Headline) -> Card:
        rows = self.periods.get(headline.metric, [])
        start, grain = headline.period_start, headline.grain
        entry = self.entries.get(headline.metric)
        later = [row for row in rows if row.grain == grain and start and row.start > start]
        return Card(
            headline=headline,
            trend=trend_of(
                rows,
                headline.unit,
                self.until,
                is_share_of_cases=entry is not None and entry.interval_method == "wilson" and entry.unit == "share",
            ),
            null_reason=_reason(rows) if headline.value is None else None,
            is_running=grain == "month" and start is not None and following("month", start) > self.until,
            newer_reason=later[-1].null_reason if later else None,
        )


def read_served_facts(home: Path) -> ServedFacts:
    """Read all of it.

    Raises:
        duckdb.Error: the warehouse can't be read, or lacks what the pages show (an older version built it).
    """
    summaries: dict[Language, NightSummary] = {"en": read_summary(home, "en"), "zh": read_summary(home, "zh")}
    until = _first_incomplete_day(summaries["en"])
    quarter = preceding("quarter", until)
    with duckdb.connect(str(serve_file(home)), read_only=True) as con:
        periods: dict[str, list[PeriodValue]] = defaultdict(list)
        for metric, *rest in con.execute(_PERIODS).fetchall():
            periods[metric].append(PeriodValue(*rest))
        entries = [DictionaryEntry(*row) for row in con.execute(_DICTIONARY).fetchall()]
        scores = con.execute(_HEAT_MAP, [quarter, following("quarter", quarter)]).fetchall()
    return ServedFacts(
        summaries=summaries,
        entries={entry.metric: entry for entry in entries},
        periods=dict(periods),
        heat_maps=heat_maps([Score(*row) for row in scores], quarter),
        quarter=quarter,
        until=until,
    )


def local_as_of(summary: NightSummary) -> datetime:
    """The moment for which a night holds, on its installation's clock."""
    return summary.as_of.replace(tzinfo=UTC).astimezone(ZoneInfo(summary.time_zone))


def _first_incomplete_day(summary: NightSummary) -> date:
    """The local day in which the night's moment falls: all before it are whole."""
    return local_as_of(summary).date()


def _reason(rows: list[PeriodValue]) -> str:
    """Why the latest row has no value; no row at all is no data."""
    reasons = [row.null_reason for row in sorted(rows, key=lambda row: row.start) if row.null_reason]
    return reasons[-1] if reasons else "no_data"
