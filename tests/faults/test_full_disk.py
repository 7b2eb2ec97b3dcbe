"""The disk is full: the night fails and says so, readers keep what they have, and with room again all is as it was.

The disk is a real one of limited size where this user may mount it (tmpfs); elsewhere `include.files` acts it out.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator

import pytest

from tests.support.faults_homes import Homes
from tests.support.faults_night import BALLAST, BALLAST_FILE
from tests.support.faults_verdict import left_over

pytestmark = [pytest.mark.faults, pytest.mark.soak, pytest.mark.timeout(900)]
SIZE = "2g"


@pytest.fixture(scope="module")
def small_disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Homes | None]:
    """Homes on a disk of their own; none where it can't be had."""
    folder = tmp_path_factory.mktemp("disk")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        yield None
        return
    try:
        yield Homes(folder)
    finally:
        subprocess.run(["umount", folder], check=True)


@pytest.mark.parametrize(
    ("step", "free"),
    [
        ("land", 0),
        ("land", 60_000),
        ("gate", 0),
        ("gate", 400_000),
        ("gate", 3_000_000),
        ("settle", 0),
        ("settle", 300_000),
        ("build", 0),
        ("build", 1_000_000),
        ("build", 20_000_000),
        ("publish", 10_000_000),
    ],
)
def test_a_disk_that_fills_up(
    small_disk: Homes | None, step: str, free: int, record_property: Callable[[str, object], None]
) -> None:
    if small_disk is None:
        pytest.skip("only where tmpfs can be mounted (root); test_a_disk_that_is_said_to_be_full runs everywhere")
    ballast = small_disk.folder / BALLAST_FILE
    home = small_disk.begin()

    small_disk.refused(**{BALLAST: f"{step}:{free}"})

    assert ballast.stat().st_size > 0
    ballast.unlink()
    assert not [path for path in left_over(home) if path.endswith(".tmp")]
    small_disk.recovered()
    record_property("full disks (tmpfs)", step)


@pytest.mark.parametrize("written", [0, 50_000, 200_000, 400_000, 600_000, 10_000_000, 70_000_000])
def test_a_disk_that_is_said_to_be_full(
    homes: Homes, written: int, record_property: Callable[[str, object], None]
) -> None:
    homes.begin()
    homes.refused("No space left on device", METRICS_DISK_FULL_AFTER=str(written))
    homes.recovered()
    record_property("full disks (acted out)", f"after {written}")
