"""The steps of the nightly, as the DAG's tasks call them: settings in, one call of `include`, progress out."""
# ruff: noqa: PLC0415 - imports stand inside the steps: parsing the DAG stays cheap, and a failing one fails its step

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from airflow.sdk import get_current_context
from airflow.sdk.exceptions import AirflowFailException

from include import progress
from include.settings import Settings, load_settings, night_text, parse_instant
from service_metrics.nights import night_of_run

log = logging.getLogger(__name__)


@dataclass
class Step:
    """What a step works with; `detail` is shown when it ends."""

    settings: Settings
    as_of: datetime
    detail: dict[str, Any]


def prepare() -> str:
    """Begin the night. Returns its as_of as text."""
    from include.configuration.checking import configuration_remarks
    from include.gate.context import prepare_night
    from include.settings import hash_key_of
    from include.sources.loading import load_installation, load_source_results
    from include.warehouse.free_disk import make_room_for_night
    from include.warehouse.night_records import begin_night
    from include.warehouse.publish import check_not_older
    from include.warehouse.run_lock import take_over

    context = get_current_context()
    settings = load_settings()
    as_of = night_of_run(settings, context)
    if as_of is None:
        raise AirflowFailException("a run without a data interval needs the parameter as_of")
    with _step("prepare", "", night_text(as_of), owned=False) as step:
        check_not_older(settings.home, as_of)
        make_room_for_night(settings.home)
        hash_key_of(settings)
        take_over(settings.home, context["run_id"])
        load_installation(settings.sources)
        sources, broken = load_source_results(settings.sources)
        begin_night(settings.home, as_of, sources, broken)
        prepare_night(settings, as_of)
        remarks = configuration_remarks(settings, as_of)
        for remark in remarks:
            log.warning(remark)
        step.detail |= {"sources": len(sources), "broken": [str(error) for error in broken], "remarks": remarks}
    return night_text(as_of)


def list_feeds(as_of: str, group: str) -> list[dict[str, str]]:
    """The feeds of a group that tonight's plan names."""
    from include.warehouse.night_records import planned_feeds

    settings = load_settings()
    return planned_feeds(settings.home, _instant(settings, as_of), group)


def land(as_of: str, feed: dict[str, str]) -> None:
    """Land one feed."""
    source, name = feed["source"], feed["feed"]
    with _step("land", f"{source}.{name}", as_of, shared=True) as step:
        from include.landing import land_feed
        from include.warehouse.night_records import mark_landed

        result = land_feed(step.settings, step.as_of, source, name)
        mark_landed(step.settings.home, step.as_of, source, name)
        step.detail |= {
            "batches": len(result.batches),
            "identical": result.identical,
            "records": result.records,
            "unreadable": result.unreadable,
        }


def gate(as_of: str, group: str) -> None:
    """Judge a group's batches."""
    with _step("gate", group, as_of, shared=True) as step:
        from include.warehouse.night_records import mark_gated, planned_feeds

        step.detail["rows"] = 0
        # Importing Great Expectations costs seconds in every process: not for a group without sources.
        if planned_feeds(step.settings.home, step.as_of, group):
            from include.gate.gating import gate_group

            step.detail |= asdict(gate_group(step.settings, step.as_of, group))
        mark_gated(step.settings.home, step.as_of, group)


def settle(as_of: str) -> None:
    """Judge references between entities, and commit."""
    with _step("settle", "", as_of) as step:
        from include.gate.settling import settle_night

        step.detail |= asdict(settle_night(step.settings, step.as_of))


def build(as_of: str) -> None:
    """Build the warehouse with dbt."""
    with _step("build", "", as_of) as step:
        from include.warehouse.build import build_warehouse

        path = progress.progress_file(step.settings.home, step.as_of)
        summary = build_warehouse(step.settings, step.as_of, partial(progress.note, path, "build"))
        step.detail |= asdict(summary)


def publish(as_of: str) -> None:
    """Swap the new warehouse in."""
    with _step("publish", "", as_of) as step:
        from include.warehouse.publish import publish_warehouse

        step.detail |= asdict(publish_warehouse(step.settings, step.as_of))


def reports(as_of: str) -> None:
    """Write the pages of what was published; if that fails it stays published."""
    # Shared: the auditors' pages are written at the same time, into a folder of their own.
    with _step("reports", "", as_of, shared=True) as step:
        from include.reporting import write_reports
        from include.tracing.trace_pages import write_trace_pages

        traced = write_trace_pages(step.settings)
        step.detail |= {"traced": len(traced.metrics), "not_traced": traced.problem}
        step.detail |= asdict(write_reports(step.settings, step.as_of, traced.metrics))


def audit(as_of: str | None) -> None:
    """Write the auditors' pages, whatever became of the night.

    Where `prepare` failed there is no `as_of` from it: the run itself says which night was meant.
    """
    context = get_current_context()
    meant = None if as_of else night_of_run(load_settings(), context)
    with _step("audit", "", as_of or (night_text(meant) if meant else None), shared=True) as step:
        from include.reporting.audit import write_audit_pages

        step.detail |= asdict(write_audit_pages(step.settings, step.as_of))


@contextmanager
def _step(
    name: str, subject: str, as_of_text: str | None, *, shared: bool = False, owned: bool = True
) -> Iterator[Step]:
    """Hold the data home, report progress, and fail at once on what another try can't heal."""
    from include.warehouse.run_lock import check_owner, run_lock

    settings = load_settings()
    as_of = _instant(settings, as_of_text)
    try:
        # Reporting comes first: that somebody else holds the data home has to be told too.
        with (
            progress.step(progress.progress_file(settings.home, as_of), name, subject) as detail,
            run_lock(settings.home, shared=shared),
        ):
            if owned:
                check_owner(settings.home, get_current_context()["run_id"])
            yield Step(settings, as_of, detail)
    except OSError:
        raise
    except Exception as error:
        raise AirflowFailException(f"{type(error).__name__}: {error}") from error


def _instant(settings: Settings, text: str | None) -> datetime:
    if text is None:
        # All-done tasks run after a failed `prepare` too.
        raise AirflowFailException("the night did not begin; see the task prepare")
    return parse_instant(text, ZoneInfo(settings.timezone))
