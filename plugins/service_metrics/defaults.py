"""What all DAGs share. Imported at every parse: nothing heavy."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pendulum
from airflow.sdk import CronDataIntervalTimetable

from include.settings import BY_HAND, load_settings
from service_metrics import notices
from service_metrics.names import OWNER

START = pendulum.datetime(2026, 1, 1, tz="UTC")

DEFAULT_ARGS: dict[str, Any] = {
    "owner": OWNER,
    # For what time can heal (a disk, a lock); faults of data and configuration fail at once, see `steps`.
    "retries": 1,
    "retry_delay": timedelta(seconds=30),
    "execution_timeout": timedelta(hours=2),
}


# Per run, not per task: a night is told once, with all that failed in it.
CALLBACKS: dict[str, Any] = {"on_failure_callback": notices.on_failure, "on_success_callback": notices.on_success}


def nightly_timetable() -> CronDataIntervalTimetable | None:
    """When METRICS_SCHEDULE says (default: every local midnight), with what ended since the last time as data interval.

    None where the nightly runs only by hand.
    """
    settings = load_settings()
    if settings.schedule == BY_HAND:
        return None
    return CronDataIntervalTimetable(settings.schedule, timezone=settings.timezone)
