"""Killed at every named place at which a file of the data home changes, stage by stage, many times in one night.

After each kill what is served is whole; after all kills of a stage the night runs to its end, as if there were none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from include import files
from include.failpoints import PLACES, room_of
from include.warehouse.build_file import build_file
from include.warehouse.kept_models import models_folder
from tests.support.faults_homes import NIGHT, Homes
from tests.support.faults_night import STEPS
from tests.support.faults_verdict import flip, truncate
from tests.support.nightly_run import run_night

pytestmark = [pytest.mark.faults, pytest.mark.timeout(3600)]
Preparation = Callable[[Path], None]


@dataclass(frozen=True)
class Stage:
    """Places in the order in which a night passes them; the steps that pass them, if not the whole night."""

    places: tuple[str, ...]
    steps: str = ""
    # What has to be done before a place can be reached.
    before: tuple[tuple[str, Preparation], ...] = ()


def written(*rooms: str) -> tuple[str, ...]:
    return tuple(f"{room}:{moment}" for room in rooms for moment in ("before_rename", "after_rename"))


def removed(*rooms: str) -> tuple[str, ...]:
    return tuple(f"{room}:{moment}" for room in rooms for moment in ("before_remove", "while_removing"))


def damage_raw_rows(home: Path) -> None:
    # Again and again: a bit that is flipped twice is as it was.
    truncate(max(home.glob("landing/desk/tickets/*/rows.parquet")))


def damage_build_file(home: Path) -> None:
    flip(build_file(home))
    (build_file(home).parent / "set_aside").mkdir(exist_ok=True)


def forget_models(home: Path) -> None:
    # Those of the evening before hold for this night, too: without them they are fitted again.
    files.remove(models_folder(home))


def leave_a_model_of_no_night(home: Path) -> None:
    files.write_json(models_folder(home) / "no_night.json", {"fits": []})


STAGES = {
    "prepare": Stage(written("owner", "plan", "versions", "context")),
    "land": Stage(
        (
            "landing:before_write",
            "landing:before_commit",
            *written("batch", "landing", "known", "identical", "landed"),
            *removed("landed_before"),
        )
    ),
    "gate": Stage(
        (
            *written("silent"),
            "gate:before_candidate",
            *written("raw_rows", "figures", "candidate_record", "candidate"),
            *removed("candidate"),
            *written("gated"),
            *removed("gated_before"),
        ),
        before=tuple((place, damage_raw_rows) for place in written("raw_rows")),
    ),
    "settle": Stage(
        ("settle:before_commit", *written("clean", "held", "quarantine", "ledger"), *removed("work")),
    ),
    "build": Stage(
        (
            *written("inputs", "empty_inputs"),
            *removed("build_record", "set_aside", "build_file"),
            "build:dbt_node",
            *written("model"),
            "build:before_record",
            *written("build_record", "built"),
        ),
        steps="settle,build",
        before=(
            ("build_record:before_remove", damage_build_file),
            *((place, forget_models) for place in written("model")),
        ),
    ),
    "publish": Stage(
        (
            "publish:copied",
            *written("history_record", "history"),
            *removed("history"),
            "publish:before_swap",
            *written("serve"),
            "publish:after_swap",
            *removed("model"),
        ),
        steps="publish",
        before=tuple((place, leave_a_model_of_no_night) for place in removed("model")),
    ),
    "reports": Stage(written("report"), steps="reports"),
    "audit": Stage(written("movement", "effect", "audit_page"), steps="audit"),
}
# Where a stage that does not run the whole night begins.
BEGINNINGS = {
    "build": "settle:before_commit",
    "publish": "publish:copied",
    "reports": "publish:after_swap",
    "audit": "publish:after_swap",
}
# Passed by the runner before the first step, once in the life of a data home.
SET_UP = written("airflow")
# Passed beside the nights, when a person decides: killed at in tests/include/gate/test_decisions.py.
BESIDE = written("decision")


def test_every_place_is_killed_at() -> None:
    assert sorted([*SET_UP, *BESIDE, *(place for stage in STAGES.values() for place in stage.places)]) == sorted(PLACES)


@pytest.mark.soak
@pytest.mark.parametrize("name", STAGES)
def test_killed_at_every_place_of_a_stage(
    homes: Homes, name: str, record_property: Callable[[str, object], None]
) -> None:
    stage = STAGES[name]
    home = homes.begin()
    if stage.steps:
        homes.killed_at(BEGINNINGS[name])
    for place in stage.places:
        for prepare in (one for at, one in stage.before if at == place):
            prepare(home)
        homes.killed_at(place, **({STEPS: stage.steps} if stage.steps else {}))
        record_property("kills at named places", place)
    homes.recovered()


@pytest.mark.soak
@pytest.mark.parametrize("place", SET_UP)
def test_killed_while_airflow_is_set_up(
    homes: Homes, place: str, record_property: Callable[[str, object], None]
) -> None:
    home = homes.begin()
    assert run_night(home, NIGHT, failpoint=place).returncode == -9
    record_property("kills at named places", place)
    homes.recovered()


@pytest.mark.soak
def test_every_file_of_a_data_home_has_a_place(homes: Homes) -> None:
    """A file that `include.files` writes and that no room names would be written without a failpoint."""
    home = homes.undisturbed
    by_others = ("inbox/", "logs/", "airflow/", "warehouse/dbt/", "nights/run.lock")
    unnamed = [
        path.relative_to(home).as_posix()
        for path in sorted(home.rglob("*"))
        # A folder that is written whole gives its files their names.
        if path.is_file() and not any(room_of(one) for one in (path, *path.parents) if one.is_relative_to(home))
    ]
    assert unnamed != []
    assert [name for name in unnamed if not name.startswith(by_others)] == []
