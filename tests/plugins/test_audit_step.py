"""The nightly's step `audit`: after a published night and after a failed one, also where the first step failed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from airflow.sdk.exceptions import AirflowFailException
from service_metrics import steps

from include import files
from include.progress import failures, progress_file, read_events
from include.settings import night_id, night_text
from tests.support.audited_home import FAILED, PUBLISHED, make_audited_home
from tests.support.mini_company import MiniCompany


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> MiniCompany:
    return make_audited_home(tmp_path_factory.mktemp("audited"))


@pytest.fixture
def home(made: MiniCompany, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "home"
    shutil.copytree(made.home, home)
    monkeypatch.setenv("METRICS_HOME", str(home))
    monkeypatch.setenv("METRICS_SOURCES", str(made.sources))
    files.write_json(home / "nights" / "owner.json", {"run_id": "run-1"})
    return home


def run_of(monkeypatch: pytest.MonkeyPatch, as_of: str | None = None, run_id: str = "run-1") -> None:
    context = {"run_id": run_id, "params": {"as_of": as_of}}
    monkeypatch.setattr(steps, "get_current_context", lambda: context)


def page(home: Path, made: MiniCompany, night: str) -> Path:
    return home / "reports" / "audit" / "night" / f"{night_id(made.night(night))}.en.html"


def test_it_writes_the_pages_of_all_nights_up_to_its_own(
    home: Path, made: MiniCompany, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_of(monkeypatch)
    steps.audit(night_text(made.night(FAILED)))
    assert "✗" in page(home, made, FAILED).read_text(encoding="utf-8")
    assert not page(home, made, PUBLISHED).exists()

    steps.audit(night_text(made.night(PUBLISHED)))

    assert page(home, made, PUBLISHED).exists()
    (ended,) = [event for event in read_events(progress_file(home, made.night(PUBLISHED)))[0] if event.kind == "end"]
    assert (ended.step, ended.detail["pages"] > 4) == ("audit", True)


def test_a_night_whose_first_step_failed_has_its_page(
    home: Path, made: MiniCompany, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_of(monkeypatch, as_of=night_text(made.night(PUBLISHED)))
    steps.audit(None)
    assert page(home, made, PUBLISHED).exists()


def test_a_run_that_never_got_hold_of_the_data_home_writes_nothing(
    home: Path, made: MiniCompany, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_of(monkeypatch, as_of=night_text(made.night(PUBLISHED)), run_id="run-0")
    with pytest.raises(AirflowFailException, match="has taken over"):
        steps.audit(None)
    assert not (home / "reports").exists()


def test_a_step_that_fails_says_why(home: Path, made: MiniCompany, monkeypatch: pytest.MonkeyPatch) -> None:
    run_of(monkeypatch)
    gate = next((home / "ledger").glob("desk.tickets.20260627*/1.json"))
    gate.write_text(gate.read_text(encoding="utf-8").replace('"rows_in": 7', '"rows_in": 8'), encoding="utf-8")
    with pytest.raises(AirflowFailException, match=r"DamagedFileError: .* \[SM404\]"):
        steps.audit(night_text(made.night(PUBLISHED)))
    assert [one.step for one in failures(read_events(progress_file(home, made.night(PUBLISHED)))[0])] == ["audit"]
