"""What a rule knows of a source's past: written once per night and source, and used again by every re-run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median

import duckdb
from pydantic import BaseModel, Field

from include import files
from include.configuration.checking import check_configuration
from include.gate.arrivals import arrivals, usual_days
from include.gate.figures import UsualFigures, usual_figures
from include.gate.ledger import Gate, holding, read_ledger
from include.gate.versions import keep_versions
from include.settings import Settings, night_id
from include.sources.loading import load_source_results
from include.sql import in_list

_ENOUGH_DELIVERIES = 5


class Context(BaseModel):
    """Figures of one source before tonight."""

    median_duration_seconds: dict[str, float] = Field(
        default_factory=dict, description="survey_id: median completion time of its responses"
    )
    usual_records: dict[str, float] = Field(
        default_factory=dict, description="feed: median number of records of its deliveries, once there are enough"
    )

    usual_figures: dict[str, UsualFigures] = Field(
        default_factory=dict, description="feed: what its deliveries of usual size bring, once there are enough"
    )

    usual_days: dict[str, float] = Field(
        default_factory=dict, description="feed: median days between nights in which it brought something"
    )

    @property
    def digest(self) -> str:
        """Hash of the figures."""
        return hashlib.sha256(json.dumps(self.model_dump(), sort_keys=True).encode()).hexdigest()


def context_path(home: Path, as_of: datetime, source: str) -> Path:
    """Where a night's context of a source lies."""
    return home / "ledger" / "context" / night_id(as_of) / f"{source}.json"


def read_context(home: Path, as_of: datetime, source: str) -> Context:
    """The context of a source tonight; empty while there is none."""
    path = context_path(home, as_of, source)
    return Context.model_validate(files.read_json(path)) if path.exists() else Context()


def write_context(home: Path, as_of: datetime, source: str, context: Context) -> None:
    """Keep a source's context for re-runs of this night."""
    files.write_json(context_path(home, as_of, source), context.model_dump())


def prepare_night(settings: Settings, as_of: datetime) -> None:
    """Keep tonight's versions, and write its context of each source from the clean data of the last `context_nights`.

    This comes before anything is gated. A source whose context of tonight exists, or that has no clean data yet, is
    passed over.
    """
    check_configuration(settings)
    keep_versions(settings, as_of)
    since = as_of - timedelta(days=settings.context_nights)
    gates = read_ledger(settings.home, as_of)
    nights = arrivals(settings.home, gates, since, as_of)
    for source in (one.source.name for one in load_source_results(settings.sources)[0]):
        if context_path(settings.home, as_of, source).exists():
            continue
        recent = [gate for gate in holding(gates) if gate.source == source and since <= gate.night < as_of]
        if recent:
            context = Context(
                median_duration_seconds=_recent_durations(settings.home, recent),
                usual_records=usual_records(recent),
                usual_figures=usual_figures(settings.home, recent, settings.volume_factor),
                usual_days=usual_days(nights, source, as_of),
            )
            write_context(settings.home, as_of, source, context)


def _recent_durations(home: Path, gates: Sequence[Gate]) -> dict[str, float]:
    paths = [
        str(home / count.clean.path)
        for gate in gates
        for entity, count in gate.entities.items()
        if entity == "survey_response" and count.clean
    ]
    if not paths:
        return {}
    with duckdb.connect() as con:
        return median_durations(con, f"read_parquet([{in_list(paths)}], union_by_name = true)")


def usual_records(gates: Sequence[Gate]) -> dict[str, float]:
    """Median number of records that a delivery of each feed brings; of feeds with enough deliveries only."""
    records: dict[str, list[int]] = {}
    for gate in gates:
        if gate.kind == "full" and gate.records_received is not None:
            records.setdefault(gate.feed, []).append(gate.records_received)
    return {feed: float(median(counts)) for feed, counts in records.items() if len(counts) >= _ENOUGH_DELIVERIES}


def median_durations(con: duckdb.DuckDBPyConnection, rows: str) -> dict[str, float]:
    """Median completion time in seconds of each survey in a relation of responses."""
    found = con.execute(
        f"""select survey_id, median(duration_seconds) from {rows}
            where duration_seconds > 0 group by survey_id order by survey_id"""
    ).fetchall()
    return {survey: float(median) for survey, median in found}
