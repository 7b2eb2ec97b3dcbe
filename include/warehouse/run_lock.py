"""One run at a time per data home.

`make run` holds the lock from its first step to its last, and hands it down to its child processes, so that an orphan
keeps it until it is gone. Under Airflow's scheduler every task holds it while it works (tasks that may run side by side
share it), and the run that began last owns the data home: a task of an older run stops.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from include import files
from include.errors import MetricsError

INHERITED = "METRICS_LOCK_FD"


class HomeBusyError(MetricsError):
    """Another run works in this data home, or has taken it over."""

    default_code = "SM401"


@contextmanager
def run_lock(home: Path, *, shared: bool = False) -> Iterator[None]:
    """Hold the data home's lock; nothing to do where a parent process holds it for us.

    Raises:
        HomeBusyError: another run holds it.
    """
    path = _lock_file(home)
    if _is_inherited(path):
        yield
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise HomeBusyError(f"another run is at work in {home}; wait for its end") from error
        os.set_inheritable(descriptor, True)
        before = os.environ.get(INHERITED)
        os.environ[INHERITED] = str(descriptor)
        try:
            yield
        finally:
            if before is None:
                del os.environ[INHERITED]
            else:
                os.environ[INHERITED] = before
    finally:
        os.close(descriptor)


def handed_down() -> tuple[int, ...]:
    """The descriptors that a child process must inherit (`pass_fds`) to keep the lock as long as it lives."""
    text = os.environ.get(INHERITED)
    return (int(text),) if text else ()


def take_over(home: Path, run_id: str) -> None:
    """Make this run the owner of the data home."""
    files.write_json(_owner_file(home), {"run_id": run_id})


def check_owner(home: Path, run_id: str) -> None:
    """Make sure that no later run has taken the data home over.

    Raises:
        HomeBusyError: one has.
    """
    path = _owner_file(home)
    owner = files.read_json(path)["run_id"] if path.exists() else None
    if owner != run_id:
        raise HomeBusyError(f"run {owner} has taken over {home} since {run_id} began; start this night again")


def _lock_file(home: Path) -> Path:
    return home / "nights" / "run.lock"


def _owner_file(home: Path) -> Path:
    return home / "nights" / "owner.json"


def _is_inherited(path: Path) -> bool:
    held = handed_down()
    if not held or not path.exists():
        return False
    try:
        mine = os.fstat(held[0])
    except OSError:
        return False
    return os.path.samestat(mine, path.stat())
