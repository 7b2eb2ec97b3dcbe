"""One fault of each kind, in the order in which a night meets them; the night goes on from each to its end.

Each test begins where the one before it ended, which is how a data home meets faults, and costs one night instead of
ten. `make soak` has the rest.
"""

from __future__ import annotations

import os
import shutil
import signal
import time
from pathlib import Path

import pytest

from include.backup import back_up, restore
from include.settings import load_settings
from include.warehouse.build_file import build_file, wal_of
from tests.support.faults_homes import EVENING, NIGHT, Homes
from tests.support.faults_night import FAILED, STEPS, Night, processes_of
from tests.support.faults_verdict import assert_as_undisturbed, assert_served_whole, flip, left_over, truncate

pytestmark = [pytest.mark.faults, pytest.mark.nightly, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Homes:
    """A night that begins from an evening that is settled, not built."""
    return Homes(tmp_path_factory.mktemp("night"), is_built=False)


@pytest.fixture(scope="module")
def home(homes: Homes) -> Path:
    return homes.begin()


def test_the_home_is_lost_and_restored_from_a_backup(homes: Homes, home: Path, tmp_path: Path) -> None:
    """The drill of the runbook: the evening's back-up, a lost disk, and the night after it, whose faults follow."""
    settings = load_settings().model_copy(update={"home": home})
    kept = back_up(settings, tmp_path / "kept")
    inbox = shutil.move(home / "inbox", tmp_path / "inbox")
    shutil.rmtree(home)
    home.mkdir()
    shutil.move(inbox, home / "inbox")

    assert restore(settings, tmp_path / "kept").files == kept.files
    assert_served_whole(home, homes.evening)


def test_killed_while_landing(homes: Homes, home: Path) -> None:
    homes.killed_at("landing:before_rename@2")
    assert left_over(home)


def test_raw_rows_damaged_before_they_were_judged(homes: Homes, home: Path) -> None:
    homes.killed_at("gate:before_candidate")
    flip(max(home.glob("landing/desk/tickets/*/rows.parquet")))  # read again from the original


def test_killed_while_settling(homes: Homes, home: Path) -> None:
    homes.killed_at("ledger:before_rename@2")


def test_disk_full_while_settling(homes: Homes, home: Path) -> None:
    before = left_over(home)
    homes.refused("No space left on device", METRICS_DISK_FULL_AFTER="40000", **{STEPS: "settle"})
    assert left_over(home) == before


def test_damaged_files_are_named_and_nothing_is_published(homes: Homes, home: Path) -> None:
    homes.killed_at("inputs:before_rename", **{STEPS: "settle,build"})
    for step, *damages in (
        ("settle", ("clean/ticket/*.parquet", flip), ("quarantine/ticket/*.[0-9].parquet", truncate)),
        ("settle", ("quarantine/ticket_event/*.held.parquet", flip)),
        ("settle", ("ledger/desk.tickets.*/1.json", flip)),
        ("settle", ("ledger/crm.orders.*/1.json", truncate)),
        ("build", ("clean/ticket_event/*.parquet", flip)),
    ):
        paths = [max(home.glob(pattern)) for pattern, _ in damages]
        contents = [path.read_bytes() for path in paths]
        for path, (_, damage) in zip(paths, damages, strict=True):
            damage(path)
        homes.refused("SM404", "damaged", *(path.name for path in paths), **{STEPS: step})
        for path, content in zip(paths, contents, strict=True):
            path.write_bytes(content)


def test_nothing_is_left_of_a_build_whose_night_was_killed(homes: Homes, home: Path) -> None:
    night = Night(home, NIGHT)
    until = time.monotonic() + 120
    while len(processes_of(night.session)) < 2 and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(0.5)
    os.kill(night.session, signal.SIGKILL)  # only the night's own process, not the group
    assert night.wait().code == -signal.SIGKILL  # and dbt is gone
    assert_served_whole(home, homes.evening)
    wal_of(build_file(home)).write_bytes(b"left by a power cut")


def test_two_at_once_an_older_one_and_a_kill_while_publishing(homes: Homes, home: Path) -> None:
    first = Night(home, NIGHT, METRICS_FAILPOINT="serve:before_rename")
    second = Night(home, NIGHT, METRICS_FAILPOINT="serve:before_rename")
    ended = [first.wait(), second.wait()]
    assert sorted(one.code for one in ended) == [-signal.SIGKILL, FAILED]
    assert "SM401" in next(one.output for one in ended if one.code == FAILED)
    assert_served_whole(home, homes.evening)

    homes.refused("is older than", "SM402", METRICS_AS_OF=EVENING)

    # As after a person cleared the task `publish`.
    published = Night(home, NIGHT, **{STEPS: "publish"}).wait()
    assert published.code == 0, published.output
    assert_as_undisturbed(home, homes.undisturbed)


def test_the_same_night_again_changes_nothing(homes: Homes, home: Path) -> None:
    homes.recovered()
