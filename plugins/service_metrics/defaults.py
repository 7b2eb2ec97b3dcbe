"""What all DAGs share. Imported at every parse: nothing heavy."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pendulum
from airflow.sdk import CronDataIntervalTimetable

from include.settings import load_settings
from service_metrics.names import OWNER

START = pendulum.datetime(2026, 1, 1, tz="UTC")

DEFAULT_ARGS: dict[str, Any] = {
    "owner": OWNER,
    # For what time can heal (a disk, a lock); faults of data and configuration fail at once, see `steps`.
    "retries": 1,
    "retry_delay": timedelta(seconds=30),
    "execution_timeout": timedelta(hours=2),
}


def nightly_timetable() -> CronDataIntervalTimetable:
    """Every local midnight, with the day that ended as data interval."""
    return CronDataIntervalTimetable("0 0 * * *", timezone=load_settings().timezone)
