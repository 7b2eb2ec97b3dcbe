"""What cleaning does to each headline metric: all rows beside those that count, from a published warehouse.

Of the sample company the truth stands beside both: its generator knows what happened and what its people meant.
Kept per night in `nights/<night>/effect.json`: a warehouse is kept for days, an auditor asks after years.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from include import files
from include.settings import night_id
from include.sql import in_list
from include.warehouse.build_file import WAREHOUSE
from include.warehouse.night_records import night_folder
from include.warehouse.night_summary import HEADLINES
from include.warehouse.publish import history_folder, serve_file

# They rest on all rows: cleaning takes none out, and they have no other form.
_OF_ALL_ROWS = ("response_rate_transactional",)
_EFFECT = """
    with twin as (
        select d.metric, d.name_en, d.name_zh, d.unit, u.metric as uncleaned
        from metrics.dim_metric as d
        left join metrics.dim_metric as u
            on u.metric = d.metric || case when d.metric in ({of_all_rows}) then '' else '_uncleaned' end
        where d.metric in ({wanted}) or u.metric is not null
    ),
    latest as (
        select
            metric, grain, period_start, value, n,
            row_number() over (partition by metric order by grain = 'snapshot', period_start desc) as place
        from metrics.fct_metric_period
        where segment = 'all' and member = 'all' and grain in ('month', 'snapshot') and value is not null
    )
    select
        t.metric, t.name_en, t.name_zh, t.unit, l.grain, l.period_start::varchar as period_start, l.value, l.n,
        a.value as all_value, a.n as all_n
    from twin as t
    left join latest as l on l.metric = t.metric and l.place = 1
    left join metrics.fct_metric_period as a
        on a.metric = t.uncleaned and a.grain = l.grain and a.period_start = l.period_start
        and a.segment = 'all' and a.member = 'all'
    order by t.metric
"""


@dataclass(frozen=True)
class Effect:
    """A metric in its latest month with a value: over the rows that count, and over all.

    `truth`: of the sample company what it would be if every row told the truth; else None.
    """

    metric: str
    name_en: str
    name_zh: str
    unit: str
    grain: str | None
    period_start: str | None
    value: float | None
    n: int | None
    all_value: float | None
    all_n: int | None
    truth: float | None = None


@dataclass(frozen=True)
class NightEffect:
    """The effects of one published night; `currency` is what amounts are in."""

    currency: str
    effects: tuple[Effect, ...]


def effect_file(home: Path, night: datetime) -> Path:
    """Where a night's effect is kept; that it is there proves that the night was published."""
    return night_folder(home, night) / "effect.json"


def keep_effect(home: Path, night: datetime, served: datetime | None) -> NightEffect | None:
    """A night's effect: from its warehouse while that is there (and then it is kept), else as it was kept; or none.

    A warehouse that can't be read has none: what the ledger knows is told all the same.
    """
    kept = _read(effect_file(home, night))
    source = serve_file(home) if served == night else history_folder(home) / night_id(night) / WAREHOUSE
    # A night that is published again may have other figures.
    if (kept is None or served == night) and source.exists():
        found = _beside_truth(_from_warehouse(source), home, night)
        if found is not None and found != kept:
            files.write_json(effect_file(home, night), asdict(found))
        return found or kept
    return kept


def _from_warehouse(path: Path) -> NightEffect | None:
    """None where the warehouse can't be read or holds no metrics (an older version of the project built it)."""
    wanted = [metric for metrics in HEADLINES.values() for metric in metrics]
    try:
        with duckdb.connect(str(path), read_only=True) as con:
            (currency,) = con.execute("select currency from audit.warehouse_state").fetchall()[0]
            rows = con.execute(_EFFECT.format(wanted=in_list(wanted), of_all_rows=in_list(_OF_ALL_ROWS))).fetchall()
    except (duckdb.Error, IndexError):
        return None
    order = {metric: place for place, metric in enumerate(wanted)}
    effects = sorted((Effect(*row) for row in rows), key=lambda one: order.get(one.metric, len(order)))
    return NightEffect(currency, tuple(effects))


def _beside_truth(found: NightEffect | None, home: Path, night: datetime) -> NightEffect | None:
    """The effects with what the generator of the sample company knows, where its files were taken in."""
    from include.sample_company import ANSWERS_FILE, night_ending  # noqa: PLC0415 - only for itself

    path = home / "inbox" / ANSWERS_FILE
    if found is None or not path.exists():
        return found
    # files of an older generator don't say
    known = files.read_json(path).get("headlines", {}).get(night_ending(night), {})
    effects = (
        replace(one, truth=known.get(one.metric, {}).get((one.period_start or "")[: len("yyyy-mm")]))
        for one in found.effects
    )
    return NightEffect(found.currency, tuple(effects))


def _read(path: Path) -> NightEffect | None:
    if not path.exists():
        return None
    content: dict[str, Any] = files.read_json(path)
    known = [field.name for field in fields(Effect)]
    # what an earlier version kept may say more, and of all rows nothing
    effects = (Effect(**{name: one.get(name) for name in known}) for one in content["effects"])
    return NightEffect(content["currency"], tuple(effects))
