"""One run at a time per data home, also across a parent's child processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from include.settings import PROJECT_ROOT
from include.warehouse.run_lock import HomeBusyError, check_owner, handed_down, run_lock, take_over

TRY = """
import sys
from pathlib import Path
from include.warehouse.run_lock import HomeBusyError, run_lock
try:
    with run_lock(Path(sys.argv[1]), shared=len(sys.argv) > 2):
        print("held")
except HomeBusyError:
    print("busy")
"""


def other_process(home: Path, *arguments: str, child: bool = False) -> str:
    environment = {**os.environ, "PYTHONPATH": str(PROJECT_ROOT)}
    if not child:
        environment.pop("METRICS_LOCK_FD", None)
    command = [sys.executable, "-c", TRY, str(home), *arguments]
    fds = handed_down() if child else ()
    return subprocess.run(
        command, env=environment, pass_fds=fds, capture_output=True, text=True, check=True
    ).stdout.strip()


def test_a_second_run_is_refused_while_the_first_one_works(tmp_path: Path) -> None:
    with run_lock(tmp_path):
        assert other_process(tmp_path) == "busy"
        assert other_process(tmp_path, "shared") == "busy"
    assert other_process(tmp_path) == "held"


def test_a_child_works_under_its_parents_lock(tmp_path: Path) -> None:
    with run_lock(tmp_path):
        assert other_process(tmp_path, child=True) == "held"
        assert other_process(tmp_path / "another_home", child=True) == "held"


def test_a_child_keeps_the_lock_when_its_parent_is_gone(tmp_path: Path) -> None:
    with run_lock(tmp_path):
        orphan = subprocess.Popen(
            [sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE, pass_fds=handed_down()
        )
    try:
        assert other_process(tmp_path) == "busy"
    finally:
        orphan.communicate()
    assert other_process(tmp_path) == "held"


def test_tasks_side_by_side_share_it(tmp_path: Path) -> None:
    with run_lock(tmp_path, shared=True):
        assert other_process(tmp_path, "shared") == "held"
        assert other_process(tmp_path) == "busy"


def test_a_descriptor_that_is_not_the_lock_counts_for_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with run_lock(tmp_path), (tmp_path / "some file").open("w") as file:
        monkeypatch.setenv("METRICS_LOCK_FD", str(file.fileno()))
        with pytest.raises(HomeBusyError), run_lock(tmp_path):
            raise AssertionError("unreachable")


def test_a_run_that_was_overtaken_stops(tmp_path: Path) -> None:
    take_over(tmp_path, "first")
    check_owner(tmp_path, "first")
    take_over(tmp_path, "second")

    with pytest.raises(HomeBusyError, match="second has taken over"):
        check_owner(tmp_path, "first")
