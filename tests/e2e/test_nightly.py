"""Whole nights on the sample company, through Airflow."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest
from service_metrics.notices import read_notices

from include.settings import PROJECT_ROOT
from include.warehouse.night_summary import HEADLINES, read_summary
from include.warehouse.publish import serve_file
from tests.e2e.conftest import NIGHT, SCALE, Night
from tests.support.nightly_run import assert_published, differences, run_night
from tests.support.webhook import webhook

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def home(night: Night, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the published night's data home, to run further nights in."""
    return Path(shutil.copytree(night.home, tmp_path_factory.mktemp("nightly") / "home", symlinks=True))


def test_the_run_says_what_it_published_and_where(night: Night) -> None:
    assert "Metric" in night.said
    assert str(serve_file(night.home)) in night.said


def test_the_summary_names_every_source_and_headline(home: Path) -> None:
    for language in ("en", "zh"):
        summary = read_summary(home, language)
        assert {row.source for row in summary.rows} == {"crm", "desk", "field", "survey"}
        assert all(row.rows_in == row.rows_clean + row.rows_quarantined for row in summary.rows)
        assert {reason.source for reason in summary.reasons} == {"crm", "desk", "field", "survey"}
        assert {one.metric for one in summary.headlines} == {name for names in HEADLINES.values() for name in names}
        assert summary.missing_sources == []


@pytest.mark.soak
def test_the_same_night_again_changes_nothing(home: Path, tmp_path: Path) -> None:
    """Of the steps alone the night of faults shows it every time."""
    before = tmp_path / "home"
    shutil.copytree(home / "warehouse" / "serve", before / "warehouse" / "serve")

    assert_published(run_night(home, NIGHT, METRICS_SAMPLE_SCALE=SCALE), home)

    assert differences(before, home) == []


def test_a_night_older_than_the_served_one_is_refused(home: Path) -> None:
    done = run_night(home, "2026-06-29", METRICS_SAMPLE_SCALE=SCALE)

    assert done.returncode == 2
    assert "older than what is served" in done.stdout


def test_a_bad_source_stops_only_itself(tmp_path: Path) -> None:
    """One YAML that cannot be read, and one whose file lacks a column that is required."""
    sources = tmp_path / "sources"
    shutil.copytree(PROJECT_ROOT / "config" / "sources", sources)
    survey = sources / "survey.yml"
    survey.write_text(survey.read_text(encoding="utf-8") + "\nno_such_key: 1\n", encoding="utf-8")
    desk = sources / "desk.yml"
    text = desk.read_text(encoding="utf-8")
    assert "ticket_id: [" in text
    desk.write_text(text.replace("ticket_id: [", "ticket_id: [no such column] #[", 1), encoding="utf-8")
    home = tmp_path / "home"
    sample = run_sample_files(home)

    with webhook() as hook:
        notify = f"json://127.0.0.1:{hook.port}"
        done = run_night(
            home, NIGHT, METRICS_SOURCES=str(sources), METRICS_HASH_KEY="a key for tests", METRICS_NOTIFY=notify
        )

    assert sample
    assert_published(done, home)
    assert "survey.yml:" in done.stdout and "no_such_key" in done.stdout
    assert "INCOMPLETE" in done.stdout
    with duckdb.connect(str(serve_file(home)), read_only=True) as con:
        state = con.execute("select is_complete, missing_sources from audit.warehouse_state").fetchall()
        orders = con.execute("select count(*) from marts.fct_order").fetchall()[0][0]
    assert state == [(False, "desk,survey")]
    assert orders > 0
    ((_, told),) = hook.received
    assert told["title"] == "Service Metrics: night 2026-06-30 was published without desk, survey"


def test_a_damaged_clean_file_fails_the_night_and_yesterday_stays(home: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "home"
    shutil.copytree(home, damaged)
    clean = next((damaged / "clean" / "order").iterdir())
    content = bytearray(clean.read_bytes())
    content[len(content) // 2] ^= 1
    clean.write_bytes(bytes(content))
    # Without its record the build file is not trusted, and all of clean is read again.
    (damaged / "warehouse" / "build" / "record.json").unlink()

    done = run_night(damaged, NIGHT, METRICS_SAMPLE_SCALE=SCALE)

    assert done.returncode == 1
    assert f"{clean.relative_to(damaged)} is damaged" in done.stdout
    assert "The night failed at: build" in done.stdout
    assert "Readers still have night 2026-06-30T16:00:00Z" in done.stdout
    assert str(damaged / "logs") in done.stdout
    (notice,) = read_notices(damaged)
    assert (notice["kind"], notice["served"]) == ("failed", "2026-06-30T16:00:00Z")
    assert [fault["what"] for fault in notice["faults"]] == ["build"]
    assert differences(home, damaged) == []
    page = (damaged / "reports" / "audit" / "night" / "20260630T160000Z.en.html").read_text(encoding="utf-8")
    assert "A later run of this night failed" in page and clean.name in page
    assert str(damaged / "reports" / "audit" / "index.en.html") in done.stdout


def run_sample_files(home: Path) -> list[Path]:
    """The sample company's files, for an installation that is not the sample's own."""
    from include.sample_company import generate

    generate(home / "inbox", scale=0.01)
    return list((home / "inbox").iterdir())
