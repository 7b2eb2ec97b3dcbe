"""`make report`: the pages of the served night again, without a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from include.reporting.__main__ import main
from include.warehouse.run_lock import run_lock
from tests.support.reported_home import make_reported_home


def test_it_says_where_the_page_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = make_reported_home(tmp_path / "home")
    monkeypatch.setenv("METRICS_HOME", str(home))
    monkeypatch.setenv("METRICS_LANGUAGE", "zh")

    assert main() == 0

    page = home / "reports" / "metrics" / "index.zh.html"
    assert page.exists()
    told = capsys.readouterr().out
    assert str(page) in told
    # this home's warehouse holds metrics and none of the facts behind them
    assert "! no pages of rows: " in told


def test_without_a_warehouse_it_names_the_page_of_the_runbook(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("METRICS_HOME", str(tmp_path))

    assert main() == 1

    assert "[SM601]" in capsys.readouterr().out


def test_it_stays_away_from_a_home_where_a_run_is_at_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = make_reported_home(tmp_path / "home")
    monkeypatch.setenv("METRICS_HOME", str(home))

    with run_lock(home):
        monkeypatch.delenv("METRICS_LOCK_FD")
        assert main() == 1
        monkeypatch.setenv("METRICS_LOCK_FD", "")

    assert "[SM401]" in capsys.readouterr().out
    assert not (home / "reports").exists()
