"""The nightly's last step: it writes the pages, and when it can't, the published night stays published."""

from __future__ import annotations

import io
from pathlib import Path

import duckdb
import pytest
from airflow.sdk.exceptions import AirflowFailException
from rich.console import Console
from service_metrics import run_nightly, steps
from service_metrics.live import LiveProgress

from include import files
from include.progress import Event, append, progress_file
from include.settings import parse_instant
from include.warehouse.publish import serve_file
from tests.support.mini_company import ZONE
from tests.support.reported_home import make_reported_home

NIGHT = "2026-06-30T16:00:00Z"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = make_reported_home(tmp_path / "home")
    monkeypatch.setenv("METRICS_HOME", str(home))
    monkeypatch.setattr(steps, "get_current_context", lambda: {"run_id": "run-1"})
    files.write_json(home / "nights" / "owner.json", {"run_id": "run-1"})
    return home


def shown(home: Path) -> LiveProgress:
    """The night's events, as the terminal has read them."""
    path = progress_file(home, parse_instant(NIGHT, ZONE))
    live = LiveProgress(Console(file=io.StringIO(), width=200), path)
    live.offset = 0
    live.refresh()
    return live


def text_of(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_step_writes_the_pages_and_says_how_many(home: Path) -> None:
    steps.reports(NIGHT)

    assert (home / "reports" / "metrics" / "index.zh.html").exists()
    live = shown(home)
    assert live.has_ended("reports")
    assert "reports: 4 pages" in text_of(live.console)


def test_a_step_that_fails_unpublishes_nothing_and_names_its_page_of_the_runbook(home: Path) -> None:
    with duckdb.connect(str(serve_file(home))) as con:
        con.execute("alter table metrics.dim_metric drop column formula")
    served = serve_file(home).read_bytes()

    with pytest.raises(AirflowFailException, match=r"ReportError: .*formula.* \[SM601\]"):
        steps.reports(NIGHT)

    assert serve_file(home).read_bytes() == served
    assert not (home / "reports").exists()
    live = shown(home)
    assert [event.step for event in live.failures()] == ["reports"]


def test_the_end_of_a_run_says_that_the_night_is_published_all_the_same(home: Path) -> None:
    path = progress_file(home, parse_instant(NIGHT, ZONE))
    append(path, Event(1.0, "publish", "", "end", detail={"tables": 1, "rows": 1, "size": 1}))
    append(path, Event(2.0, "reports", "", "fail", detail={"message": "no [SM601]"}))
    live = shown(home)

    run_nightly._print_failure(live.console, live, home, path)

    said = text_of(live.console)
    assert "The night failed at: reports" in said
    assert f"The night itself is published, and readers have it: {serve_file(home)}" in said
    assert "Readers still have" not in said
