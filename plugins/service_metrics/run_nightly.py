"""`make run`: one night through Airflow, watched by a person.

Sets up what is not there yet (the sample company's files, Airflow's metadata), runs the DAG `nightly` in one Airflow
process whose log goes to a file, shows how far it is, and ends with a summary or with what failed and where to look.
"""

from __future__ import annotations

import json
import logging
import signal
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import IO

from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape

from include import files
from include.configuration.checking import configuration_remarks
from include.errors import MetricsError
from include.progress import progress_file
from include.reporting import metrics_page_file
from include.reporting.audit import audit_index_file
from include.settings import Settings, hash_key_of, load_settings, night_id, night_text, resolve_as_of
from include.sources import load_source_results
from include.warehouse.free_disk import make_room_for_night
from include.warehouse.night_summary import read_summary
from include.warehouse.publish import check_not_older, serve_file, served_as_of
from include.warehouse.run_lock import run_lock
from service_metrics import notices
from service_metrics.airflow_home import AirflowSetUpError, start_airflow
from service_metrics.installation import make_ready
from service_metrics.live import LiveProgress
from service_metrics.names import NIGHTLY
from service_metrics.summary_view import print_summary

_STEPS = ("prepare", "land", "gate", "settle", "build", "publish", "reports", "audit")


def main() -> int:
    """Run the night that the settings name. Returns the exit code: 0 if it was published."""
    # Into a file or a pipe there is no width to ask for.
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 100)
    # A polite end is an end by Ctrl-C: what runs below is stopped and the lock given back.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        settings = load_settings()
        hash_key_of(settings)
        as_of = resolve_as_of(settings)
        with run_lock(settings.home):
            check_not_older(settings.home, as_of)
            make_room_for_night(settings.home)
            load_source_results(settings.sources)
            return _run(console, settings, as_of)
    except (MetricsError, ValidationError) as error:
        console.print(f"[red]✗[/] {escape(str(error))}", soft_wrap=True)
        return 2
    except KeyboardInterrupt:
        console.print("[red]✗[/] stopped; run the same night again to go on")
        return 130


def _run(console: Console, settings: Settings, as_of: datetime) -> int:
    begun, begun_at = time.monotonic(), time.time()
    log_path = settings.home / "logs" / f"{night_id(as_of)}.log"
    console.print(f"[bold]Service Metrics[/]  night {night_text(as_of)}, data home {settings.home}", soft_wrap=True)
    with LiveProgress(console, progress_file(settings.home, as_of)) as live, files.open_log(log_path) as log:
        try:
            _set_up(live, settings, log)
        except AirflowSetUpError as error:
            console.print(f"[red]✗[/] {escape(str(error))}; its words are in {log_path}", soft_wrap=True)
            _tell_unless_told(settings, as_of, begun_at, log_path)
            return 1
        ready = time.monotonic()
        code = _run_dag(live, settings.home, as_of, log)
    seconds = {"set-up": ready - begun, **{step: live.seconds(step) for step in _STEPS}}
    seconds["Airflow"] = time.monotonic() - ready - sum(live.seconds(step) for step in _STEPS)
    seconds["all"] = time.monotonic() - begun
    if live.has_ended("publish"):
        summary = read_summary(settings.home, settings.language)
        page = metrics_page_file(settings.home, settings.language) if live.has_ended("reports") else None
        audit = audit_index_file(settings.home, settings.language) if live.has_ended("audit") else None
        remarks = configuration_remarks(settings, as_of)
        served = str(serve_file(settings.home))
        pages = {"page": str(page or ""), "audit": str(audit or "")}
        print_summary(console, summary, settings.language, served, pages, seconds, remarks)
    if code or not live.has_ended("publish"):
        _print_failure(console, live, settings.home, log_path)
        _tell_unless_told(settings, as_of, begun_at, log_path)
        return 1
    if live.failures():
        console.print(f"Log  {log_path}", soft_wrap=True)
    return 0


def _set_up(live: LiveProgress, settings: Settings, log: IO[bytes]) -> None:
    """The sample company's files and Airflow's metadata, side by side."""
    begun = time.monotonic()
    make_ready(settings, live.say, log)
    live.line("set-up", time.monotonic() - begun)


def _run_dag(live: LiveProgress, home: Path, as_of: datetime, log: IO[bytes]) -> int:
    """Run the DAG through Airflow to its end. Returns Airflow's exit code."""
    text = night_text(as_of)
    live.say("starting Airflow")
    airflow = start_airflow(home, ["dags", "test", NIGHTLY, text, "--conf", json.dumps({"as_of": text})], log=log)
    try:
        while airflow.poll() is None:
            live.refresh()
            time.sleep(0.2)
    finally:
        if airflow.poll() is None:
            airflow.terminate()
            airflow.wait()
        live.refresh()
    return airflow.returncode


def _tell_unless_told(settings: Settings, as_of: datetime, begun_at: float, log_path: Path) -> None:
    """Give notice of the failure where Airflow did not live long enough to do it."""
    if any(notice["at"] >= begun_at and notice["kind"] == "failed" for notice in notices.read_notices(settings.home)):
        return
    logging.basicConfig(filename=log_path)
    notices.tell(settings, notices.failed_night(settings, as_of, begun_at, log_path))


def _print_failure(console: Console, live: LiveProgress, home: Path, log_path: Path) -> None:
    failed = live.failures()
    where = ", ".join(f"{event.step} {event.subject}".strip() for event in failed) or "Airflow, before the first step"
    served = served_as_of(home)
    console.print(f"\n[bold white on red] The night failed at: {where} [/]")
    if served and live.has_ended("publish"):
        console.print(f"The night itself is published, and readers have it: {serve_file(home)}", soft_wrap=True)
    elif served:
        console.print(f"Readers still have night {night_text(served)}: {serve_file(home)}", soft_wrap=True)
    else:
        console.print("Nothing was published yet.")
    if live.has_ended("audit"):
        console.print(f"Audit  {audit_index_file(home, load_settings().language)}", soft_wrap=True)
    console.print(f"Log  {log_path}", soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
