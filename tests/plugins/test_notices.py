"""People are told once, in their language, what failed, what they still have, and where to look."""

from __future__ import annotations

import contextlib
import logging
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from service_metrics import notices
from service_metrics.names import NIGHTLY
from service_metrics.notices import Fault, Notice, failed_night, on_failure, on_success, read_notices, words

from include.errors import MetricsError
from include.progress import Event, append, progress_file, step
from include.settings import Settings
from tests.support.webhook import webhook

NIGHT = datetime(2026, 6, 30, 16, tzinfo=UTC)
BEFORE = datetime(2026, 6, 29, 16, tzinfo=UTC)


class DiskError(MetricsError):
    default_code = "SM999"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data home that the settings name."""
    monkeypatch.setenv("METRICS_HOME", str(tmp_path))
    for name in ("METRICS_NOTIFY", "METRICS_LANGUAGE", "METRICS_AS_OF"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(notices, "_served", lambda _: BEFORE)
    return tmp_path


def context(**more: Any) -> dict[str, Any]:
    """What Airflow gives a run's callback."""
    task = SimpleNamespace(task_id="tickets.list_feeds")
    run = SimpleNamespace(start_date=datetime(2026, 1, 1, tzinfo=UTC))
    given: dict[str, Any] = {"dag": SimpleNamespace(dag_id=NIGHTLY), "run_id": "manual__1", "task": task}
    return given | {"dag_run": run, "params": {"as_of": "2026-06-30"}, "reason": "task_failure"} | more


def report(home: Path, name: str, subject: str = "", error: Exception | None = None, **detail: Any) -> None:
    """A step as `steps` reports it."""
    with contextlib.suppress(DiskError, KeyError), step(progress_file(home, NIGHT), name, subject) as told:
        told.update(detail)
        if error:
            raise error


def test_a_failed_night_is_written_down_with_all_that_failed(home: Path, caplog: pytest.LogCaptureFixture) -> None:
    report(home, "prepare")
    report(home, "settle", error=DiskError("an earlier run of this night"))
    report(home, "prepare")
    report(home, "land", "desk.tickets", DiskError("工单.csv, line 7"))
    report(home, "land", "desk.tickets")
    report(home, "land", "crm.orders", DiskError("the disk is full"))
    report(home, "build", error=KeyError("x"))
    append(progress_file(home, NIGHT), Event(datetime.now(UTC).timestamp(), "gate", "crm", "begin"))

    on_failure(context())

    (notice,) = read_notices(home)
    assert (notice["kind"], notice["night"], notice["served"]) == (
        "failed",
        "2026-06-30T16:00:00Z",
        "2026-06-29T16:00:00Z",
    )
    assert notice["faults"] == [
        {"what": "land crm.orders", "message": "the disk is full [SM999]", "code": "SM999"},
        {"what": "build", "message": "KeyError: 'x'", "code": None},
        {"what": "gate crm", "message": None, "code": None},
    ]
    assert notice["title"] == "Service Metrics: night 2026-06-30 failed"
    assert notice["body"].splitlines() == [
        "What failed:",
        "- land crm.orders: the disk is full [SM999]",
        "- build: KeyError: 'x'",
        "- gate crm: ended without a word (killed, or out of memory or time); see the log",
        "Readers still have the warehouse as of 2026-06-30 00:00 Asia/Shanghai.",
        "What to do: docs/runbook/SM999.md",
        f"Log: {home / 'logs' / '20260630T160000Z.log'}",
    ]
    assert notice["title"] in caplog.text and "the disk is full" in caplog.text


def test_a_run_that_failed_before_it_could_report_names_the_task(home: Path) -> None:
    on_failure(context())
    on_failure(context(dag=SimpleNamespace(dag_id="maintain_storage"), params={}))

    first, second = read_notices(home)
    assert "- tickets.list_feeds: failed before it could report; see the log" in first["body"]
    assert second["title"] == "Service Metrics: DAG maintain_storage failed"


def test_only_an_incomplete_night_is_told_after_success(home: Path) -> None:
    report(home, "prepare")
    report(home, "build", missing_sources=[])
    on_success(context())
    assert read_notices(home) == []

    report(home, "prepare")
    report(home, "gate", "tickets", DiskError("desk.yml:3"))
    report(home, "build", missing_sources=["desk", "survey"])
    on_success(context())

    (notice,) = read_notices(home)
    assert notice["title"] == "Service Metrics: night 2026-06-30 was published without desk, survey"
    assert "- gate tickets: desk.yml:3 [SM999]" in notice["body"]


def test_whoever_the_settings_name_is_told_in_their_language(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METRICS_LANGUAGE", "zh")
    report(home, "prepare", error=DiskError("磁盘已满"))
    with webhook() as hook:
        monkeypatch.setenv("METRICS_NOTIFY", f"json://user:a-secret@127.0.0.1:{hook.port}/nights")
        on_failure(context())

    ((path, content),) = hook.received
    assert path == "/nights"
    assert content["title"] == "Service Metrics: 夜间批次 2026-06-30 失败"
    assert content["message"].splitlines()[:3] == [
        "失败之处:",
        "- prepare: 磁盘已满 [SM999]",
        "读者仍使用截至 2026-06-30 00:00 Asia/Shanghai 的数据仓库。",
    ]
    text = notices.notices_file(home).read_text(encoding="utf-8")
    assert '"sent": [{"service": "JSON", "problem": null}]' in text
    assert "a-secret" not in text


def test_a_notice_that_cannot_be_sent_is_logged_and_fails_nothing(
    home: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("METRICS_NOTIFY", "json://user:a-secret@127.0.0.1:1/ nonsense")

    on_failure(context())

    (notice,) = read_notices(home)
    assert [one["problem"] for one in notice["sent"]] == [
        "not delivered (no answer)",
        "apprise does not know this kind of address, or it is incomplete",
    ]
    assert "the notice did not reach JSON: not delivered (no answer)" in caplog.text
    assert "a-secret" not in caplog.text


def test_a_full_disk_keeps_nobody_from_being_told(
    home: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("include.files.append_line", full)
    with webhook() as hook:
        monkeypatch.setenv("METRICS_NOTIFY", f"json://127.0.0.1:{hook.port}")
        on_failure(context())

    assert len(hook.received) == 1
    assert "could not be written" in caplog.text and "No space left" in caplog.text
    # What such a disk left of a line is no notice.
    notices.notices_file(home).parent.mkdir()
    notices.notices_file(home).write_text('{"kind": "failed"}\n{"kind": "fai', encoding="utf-8")
    assert read_notices(home) == [{"kind": "failed"}]


def test_the_runner_tells_of_an_airflow_that_died(home: Path) -> None:
    settings = Settings(home=home)
    log = home / "logs" / "night.log"
    append(progress_file(home, NIGHT), Event(100.0, "prepare", "", "begin"))
    append(progress_file(home, NIGHT), Event(101.0, "settle", "", "begin"))

    assert failed_night(settings, NIGHT, 99.0, log).faults == [Fault("prepare", None), Fault("settle", None)]
    assert failed_night(settings, NIGHT, 102.0, log).faults == [Fault("Airflow", "")]


def test_many_long_faults_are_cut_and_keep_their_codes() -> None:
    faults = [Fault(f"land s.{n}", f"{'long ' * 100}[SM{n}]") for n in range(201, 208)]

    _, body = words(Notice("failed", NIGHTLY, "", NIGHT, faults), "en", "Asia/Shanghai")

    lines = body.splitlines()
    assert len(lines) == 9
    assert lines[1].endswith("… [SM201]") and len(lines[1]) < 340
    assert lines[6:8] == ["- and 2 more", "Nothing was published yet."]


def test_an_hourly_night_is_named_with_its_time() -> None:
    title, _ = words(Notice("failed", NIGHTLY, "", datetime(2026, 6, 30, 5, tzinfo=UTC)), "en", "Asia/Shanghai")
    assert title == "Service Metrics: night 2026-06-30 13:00 failed"
