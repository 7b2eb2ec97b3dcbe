"""Nights out of order, again, or side by side."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from include.settings import PROJECT_ROOT
from tests.support.faults_homes import EVENING, NIGHT, Homes, assert_published
from tests.support.faults_night import Night, processes_of, run
from tests.support.faults_verdict import assert_as_undisturbed, assert_served_whole
from tests.support.nightly_run import night_environment

pytestmark = [pytest.mark.faults, pytest.mark.soak, pytest.mark.timeout(900)]


def test_an_older_night_is_refused(homes: Homes) -> None:
    home = homes.begin(homes.undisturbed)
    done = run(home, EVENING)
    assert (done.code, "is older than what is served" in done.output) == (1, True), done.output
    assert_served_whole(home, homes.undisturbed)


def test_a_skipped_night_that_comes_late_is_refused(homes: Homes) -> None:
    """The night after it has landed its deliveries, even if it was not published."""
    home = homes.begin()
    later = run(home, "2026-07-01", METRICS_FAILPOINT="build:before_record")
    assert later.code == -signal.SIGKILL
    homes.refused("is older than night 2026-07-01", "has begun")
    assert_published(run(home, "2026-07-01"))
    assert run(home, NIGHT).code == 1


def test_the_same_night_again_changes_nothing(homes: Homes) -> None:
    homes.begin(homes.undisturbed)
    homes.recovered()


def test_many_at_once(homes: Homes) -> None:
    home = homes.begin()
    nights = [Night(home, NIGHT) for _ in range(5)]
    ended = [night.wait(600) for night in nights]
    assert sorted(one.code for one in ended)[:1] == [0]
    for one in ended:
        assert one.code == 0 or "SM401" in one.output, one.output
    assert_as_undisturbed(home, homes.undisturbed)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_nothing_outlives_the_runner(homes: Homes, number: signal.Signals) -> None:
    """Only the runner of `make run` gets the signal, while dbt builds."""
    home = homes.begin()
    process = subprocess.Popen(
        [sys.executable, "-m", "service_metrics.run_nightly"],
        env=night_environment(home, NIGHT),
        cwd=PROJECT_ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    until = time.monotonic() + 300
    while not _runs_dbt(process.pid) and time.monotonic() < until and process.poll() is None:
        time.sleep(0.1)
    assert process.poll() is None
    time.sleep(4)
    process.send_signal(number)
    process.communicate(timeout=60)
    until = time.monotonic() + 10
    while processes_of(process.pid) and time.monotonic() < until:
        time.sleep(0.1)
    assert processes_of(process.pid) == []
    homes.recovered()


def _runs_dbt(session: int) -> bool:
    commands = [Path(f"/proc/{one}/cmdline") for one in processes_of(session)]
    return any(b"dbt.cli.main" in path.read_bytes() for path in commands if path.exists())
