"""What a rule knows of a source's past: written once per night and source, and used again by every re-run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median
from typing import TypeVar

import duckdb
from pydantic import BaseModel, ConfigDict, Field

from include import files
from include.configuration.checking import check_configuration
from include.contracts import load_contracts
from include.gate.arrivals import arrivals, usual_days
from include.gate.figures import ENOUGH_DELIVERIES, UsualFigures, usual_figures
from include.gate.ledger import Gate, holding, read_ledger
from include.gate.versions import keep_versions
from include.settings import Settings, night_id
from include.sources.loading import LoadedSource, load_source_results
from include.sources.mapping import melted_survey
from include.sources.questionnaires import scale_items
from include.sql import in_list, literal
from include.survey_quality.norms import Norms, measured_norms

# Of fewer a median is one person's time, and half of it nobody's haste; how far times spread takes more.
_ENOUGH_TIMES = 10
_ENOUGH_DURATIONS = 30
# A covariance that is measured on so many responses is known well enough.
_ENOUGH_RESPONSES = 20_000
_Figures = TypeVar("_Figures")


class Spread(BaseModel):
    """Median and median absolute deviation of the natural logarithm of a duration in seconds.

    Durations are skewed: of hours that are usual in a ticket system one in seven is beyond five deviations of the
    hours themselves, of their logarithms hardly any is.
    """

    model_config = ConfigDict(frozen=True)

    log_median: float
    log_mad: float


class Context(BaseModel):
    """Figures of one source before tonight."""

    median_duration_seconds: dict[str, float] = Field(
        default_factory=dict, description="survey_id: median completion time of its responses, once there are enough"
    )
    response_spread: dict[str, Spread] = Field(
        default_factory=dict, description="survey_id: completion time of its responses, once there are enough"
    )
    cycle_spread: Spread | None = Field(None, description="creation to resolution of its tickets, if enough")
    survey_norms: dict[str, Norms] = Field(
        default_factory=dict,
        description="survey_id: mean and covariance of its scale items, once enough people answered",
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
    for one in load_source_results(settings.sources)[0]:
        source = one.source.name
        if context_path(settings.home, as_of, source).exists():
            continue
        recent = [gate for gate in holding(gates) if gate.source == source and since <= gate.night < as_of]
        if recent:
            context = Context(
                median_duration_seconds=_recent(settings.home, recent, "survey_response", median_durations),
                response_spread=_recent(settings.home, recent, "survey_response", response_spreads),
                cycle_spread=_recent(settings.home, recent, "ticket", cycle_spread),
                survey_norms=_recent_norms(settings.home, one, recent),
                usual_records=usual_records(recent),
                usual_figures=usual_figures(settings.home, recent, settings.volume_factor),
                usual_days=usual_days(nights, source, as_of),
            )
            write_context(settings.home, as_of, source, context)


def _recent(
    home: Path,
    gates: Sequence[Gate],
    entity: str,
    figures_of: Callable[[duckdb.DuckDBPyConnection, str], _Figures],
) -> _Figures:
    """Figures of an entity's clean rows of some gates."""
    paths = [
        str(home / count.clean.path)
        for gate in gates
        for name, count in gate.entities.items()
        if name == entity and count.clean
    ]
    none = load_contracts()[entity].no_clean_rows()
    held = f"select * from read_parquet([{in_list(paths)}], union_by_name = true) union all by name {none}"
    with duckdb.connect() as con:
        return figures_of(con, f"({held if paths else none})")


def _recent_norms(home: Path, loaded: LoadedSource, gates: Sequence[Gate]) -> dict[str, Norms]:
    """The norms of each survey of a source whose feeds carry responses with their answers."""
    found = {}
    for name, feed in loaded.source.feeds.items():
        survey_id = melted_survey(feed)
        mine = [gate for gate in gates if gate.feed == name and "survey_answer" in gate.entities]
        if survey_id and mine:
            norms = _feed_norms(home, loaded, survey_id, mine)
            if norms.is_enough:
                found[survey_id] = norms
    return found


def _feed_norms(home: Path, loaded: LoadedSource, survey_id: str, gates: Sequence[Gate]) -> Norms:
    """The norms of a survey, from the latest deliveries of its feed that together bring enough responses.

    Of very large deliveries every n-th response is read: a covariance needs no million of them, and a night is not to
    cost what history holds. Who is not counted is read too: leaving out who is unusual would make the norms narrower
    night by night.
    """
    chosen: list[str] = []
    responses = 0
    for gate in sorted(gates, key=lambda gate: (gate.batch_order, gate.gate_no), reverse=True):
        answers = gate.entities["survey_answer"].clean
        if answers and responses < _ENOUGH_RESPONSES:
            chosen.append(str(home / answers.path))
            responses += gate.entities["survey_response"].rows_clean if "survey_response" in gate.entities else 0
    asked = scale_items(loaded.source.questionnaires[survey_id].questions)
    scales = ", ".join(f"({literal(one.id)}, {one.scale[0]!r}, {one.scale[1]!r})" for one in asked if one.scale)
    if not chosen or not scales:
        return Norms()
    with duckdb.connect() as con:
        con.execute(
            f"""create table answer as
                select batch_id, row_number, question_id, answer_value::double - low as answer
                from read_parquet([{in_list(chosen)}], union_by_name = true)
                join (values {scales}) scale(question_id, low, high) using (question_id)
                where answer_value between low and high and row_number % {max(1, responses // _ENOUGH_RESPONSES)} = 0"""
        )
        present = {row[0] for row in con.execute("select distinct question_id from answer").fetchall()}
        items = [one.id for one in asked if one.id in present]
        columns = ", ".join(
            f"max(answer) filter (where question_id = {literal(item)}) as a{n}" for n, item in enumerate(items)
        )
        if not items:
            return Norms()
        relation = f"(select {columns} from answer group by batch_id, row_number)"
        return measured_norms(con, relation, {item: f"a{n}" for n, item in enumerate(items)})


def usual_records(gates: Sequence[Gate]) -> dict[str, float]:
    """Median number of records that a delivery of each feed brings; of feeds with enough deliveries only."""
    records: dict[str, list[int]] = {}
    for gate in gates:
        if gate.kind == "full" and gate.records_received is not None:
            records.setdefault(gate.feed, []).append(gate.records_received)
    return {feed: float(median(counts)) for feed, counts in records.items() if len(counts) >= ENOUGH_DELIVERIES}


def median_durations(con: duckdb.DuckDBPyConnection, rows: str) -> dict[str, float]:
    """Median completion time in seconds of each survey in a relation of responses, if there are enough."""
    found = con.execute(
        f"""select survey_id, median(duration_seconds) from {rows}
            where duration_seconds > 0 group by survey_id having count(*) >= {_ENOUGH_TIMES} order by survey_id"""
    ).fetchall()
    return {survey: float(median) for survey, median in found}


def response_spreads(con: duckdb.DuckDBPyConnection, rows: str) -> dict[str, Spread]:
    """Spread of the completion times of each survey in a relation of responses, if there are enough."""
    return _spreads(con, f"select survey_id, duration_seconds from {rows}")


def cycle_spread(con: duckdb.DuckDBPyConnection, rows: str) -> Spread | None:
    """Spread of the time from creation to resolution in a relation of tickets, if there are enough."""
    return _spreads(con, f"select 'ticket', epoch(resolved_at) - epoch(created_at) from {rows}").get("ticket")


def _spreads(con: duckdb.DuckDBPyConnection, durations: str) -> dict[str, Spread]:
    """Spread by name, of a relation of names and seconds."""
    found = con.execute(
        f"""select name, median(seconds), mad(seconds)
            from (
                select name, ln(case when seconds > 0 then seconds end) as seconds from ({durations}) d(name, seconds)
            )
            where seconds is not null group by name having count(*) >= {_ENOUGH_DURATIONS} order by name"""
    ).fetchall()
    return {name: Spread(log_median=middle, log_mad=deviation) for name, middle, deviation in found}
