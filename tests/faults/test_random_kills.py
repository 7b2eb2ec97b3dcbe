"""Killed at any moment, again and again: what is served is whole, and the next whole run gives the undisturbed result.

`make soak` kills METRICS_SOAK_KILLS times (200), in rounds: each run goes on from what the killed one before it left,
and after the last kill of a round the night runs to its end. Round n of METRICS_SOAK_SEED kills at the same moments of
the same steps each time, as far as the machine is as fast; its name `seed-n` says how to have it again.
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
ROUND = 10
# Most steps that change files are short, and most time goes into dbt's.
SHARES = {"prepare": 0.65, "build": 0.25, "publish": 0.10}
pytestmark = [pytest.mark.faults, pytest.mark.soak, pytest.mark.timeout(1800)]


@pytest.mark.parametrize("number", [pytest.param(n, id=f"{SEED}-{n}") for n in range(-(-KILLS // ROUND))])
def test_killed_at_any_moment(homes: Homes, number: int, record_property: Callable[[str, object], None]) -> None:
    chance = random.Random(f"{SEED}-{number}")
    homes.begin()
    for _ in range(min(ROUND, KILLS - number * ROUND)):
        step = chance.choices(list(SHARES), list(SHARES.values()))[0]
        record_property("random kills", _killed_in(homes, step, chance))
    homes.recovered()


def _killed_in(homes: Homes, step: str, chance: random.Random) -> str:
    """Kill a night at a random moment after a step began; what is served must be whole. Returns the step at work."""
    seconds = homes.seconds
    until = {"prepare": seconds["build"], "build": seconds["publish"], "publish": seconds["end"]}[step]
    delay = chance.uniform(0, until - seconds[step])
    events = progress_file(homes.home, parse_instant(NIGHT, ZONE))
    events.unlink(missing_ok=True)

    night = Night(homes.home, NIGHT)
    while night.process.is_alive() and not any(event.step == step for event in read_events(events)[0]):
        time.sleep(0.01)
    time.sleep(delay)
    night.kill()
    done = night.wait()

    assert done.code in {-9, 0}, done.output[-4000:]
    assert_served_whole(homes.home, homes.evening, homes.undisturbed)
    if done.code == 0:
        homes.begin()
        return "after its end"
    return [event for event in read_events(events)[0] if event.kind == "begin"][-1].step
