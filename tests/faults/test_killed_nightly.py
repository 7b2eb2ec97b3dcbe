"""A nightly killed at any point leaves what is served whole, and the next run gives the undisturbed result."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Sequence
from pathlib import Path

import pytest

from include.warehouse.publish import served_as_of
from tests.support.nightly_run import assert_published, differences, published, run_night

BEFORE = "2026-06-29"
NIGHT = "2026-06-30"
pytestmark = [
    pytest.mark.faults,
    pytest.mark.nightly,
    pytest.mark.timeout(900),
]


@pytest.fixture(scope="module")
def evening(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data home in which the night before was published."""
    home = tmp_path_factory.mktemp("evening") / "home"
    assert_published(run_night(home, BEFORE), home)
    return home


@pytest.fixture(scope="module")
def undisturbed(evening: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same data home one undisturbed night later."""
    home = tmp_path_factory.mktemp("undisturbed") / "home"
    shutil.copytree(evening, home)
    assert_published(run_night(home, NIGHT), home)
    assert differences(evening, home), "the night brought nothing: comparing with it would show nothing"
    return home


@pytest.mark.parametrize(
    "places",
    [
        ("landing:before_commit@2", "settle:before_commit@2"),
        ("build:dbt_node@40",),
        ("publish:before_swap",),
    ],
    ids=["landing", "building", "publishing"],
)
def test_killed_and_run_again(evening: Path, undisturbed: Path, tmp_path: Path, places: Sequence[str]) -> None:
    """Killed at one place after the other, then run to its end (publishing: to just after the swap, then killed)."""
    home = tmp_path / "home"
    shutil.copytree(evening, home)
    before = served_as_of(home)
    for place in places:
        assert_killed_at(place, home)
        # Whole: it opens, is that of the night before, and holds what that night published.
        assert served_as_of(home) == before
        assert differences(evening, home) == []

    if places[-1].startswith("publish:"):
        assert_killed_at("publish:after_swap", home)
    else:
        assert_published(run_night(home, NIGHT), home)

    assert differences(undisturbed, home) == []
    assert len(published(home)) > 20


def assert_killed_at(place: str, home: Path) -> None:
    done = run_night(home, NIGHT, failpoint=place)
    assert done.returncode == -signal.SIGKILL, f"{place} was not reached:\n{done.stdout}"
