"""Killed at any moment: what is served is whole, and the next run gives the undisturbed result.

`make soak` kills METRICS_SOAK_KILLS times (200). Kill number n of METRICS_SOAK_SEED comes at the same moment of the
same step each time, as far as the machine is as fast; its name `seed-n` says how to have it again.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable

import pytest

from include.progress import progress_file, read_events
from include.settings import parse_instant
from tests.support.faults_homes import NIGHT, Homes
from tests.support.faults_night import Night
from tests.support.faults_verdict import assert_served_whole
from tests.support.mini_company import ZONE

SEED = os.environ.get("METRICS_SOAK_SEED", "20260630")
KILLS = int(os.environ.get("METRICS_SOAK_KILLS", "200"))
# Most steps that change files are short, and most time goes into dbt's.
SHARES = {"prepare": 0.65, "build": 0.25, "publish": 0.10}
pytestmark = [pytest.mark.faults, pytest.mark.soak, pytest.mark.timeout(900)]


@pytest.mark.parametrize("number", [pytest.param(n, id=f"{SEED}-{n}") for n in range(KILLS)])
def test_killed_at_any_moment(homes: Homes, number: int, record_property: Callable[[str, object], None]) -> None:
    chance = random.Random(f"{SEED}-{number}")
    seconds = homes.seconds
    step = chance.choices(list(SHARES), list(SHARES.values()))[0]
    until = {"prepare": seconds["build"], "build": seconds["publish"], "publish": seconds["end"]}[step]
    delay = chance.uniform(0, until - seconds[step])
    home = homes.begin()
    events = progress_file(home, parse_instant(NIGHT, ZONE))

    night = Night(home, NIGHT)
    while night.process.is_alive() and not any(event.step == step for event in read_events(events)[0]):
        time.sleep(0.01)
    time.sleep(delay)
    night.kill()
    done = night.wait()

    assert done.code in {-9, 0}, done.output[-4000:]
    running = [event for event in read_events(events)[0] if event.kind == "begin"]
    record_property("random kills", running[-1].step if done.code else "after its end")
    assert_served_whole(home, homes.evening, homes.undisturbed)
    homes.recovered()
