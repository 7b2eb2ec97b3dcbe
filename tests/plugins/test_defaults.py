"""The nightly begins when the settings say; nothing assumes a day."""

from __future__ import annotations

import pendulum
import pytest
from airflow.sdk import CronDataIntervalTimetable
from pydantic import ValidationError
from service_metrics.defaults import nightly_timetable
from service_metrics.nights import night_of_run

from include.settings import Settings, night_text


@pytest.mark.parametrize("schedule", [None, "0 * * * *", "30 5 * * 1-5"])
def test_the_schedule_is_a_setting(monkeypatch: pytest.MonkeyPatch, schedule: str | None) -> None:
    monkeypatch.delenv("METRICS_SCHEDULE", raising=False)
    if schedule:
        monkeypatch.setenv("METRICS_SCHEDULE", schedule)

    timetable = nightly_timetable()

    assert isinstance(timetable, CronDataIntervalTimetable)
    assert timetable.expression == (schedule or "0 0 * * *")
    assert str(timetable.timezone) == "Asia/Shanghai"


def test_without_a_schedule_it_runs_only_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METRICS_SCHEDULE", "none")
    assert nightly_timetable() is None


@pytest.mark.parametrize("schedule", ["every night", "0 0 * *", "0 25 * * *", "0 0 * * * 5"])
def test_a_schedule_that_is_no_cron_expression_is_refused(schedule: str) -> None:
    with pytest.raises(ValidationError, match="not a cron expression"):
        Settings(schedule=schedule)


def test_the_night_of_a_run(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("METRICS_AS_OF", raising=False)
    own = Settings(sources=tmp_path)
    hour = pendulum.datetime(2026, 7, 3, 5, tz="UTC")

    def night(settings: Settings, given: str | None) -> str | None:
        found = night_of_run(settings, {"params": {"as_of": given}, "data_interval_end": hour})
        return found and night_text(found)

    assert night(own, None) == "2026-07-03T05:00:00Z"
    assert night(own, "2026-06-30") == "2026-06-30T16:00:00Z"
    assert night(own.model_copy(update={"as_of": "2026-06-29"}), None) == "2026-06-29T16:00:00Z"
    # The sample company has one last night, whatever the calendar says.
    assert night(Settings(), None) == "2026-06-30T16:00:00Z"
    assert night_of_run(own, {"params": {}}) is None
