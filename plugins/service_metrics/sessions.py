"""Find and end every process of a session, however deep: Airflow's tasks leave their parent's process group."""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass

import psutil

# The boot time is told in whole seconds and may be told as another one from one look to the next.
_CLOCK_SECONDS = 2.0
# Between two boots lies more than what a clock is set right by.
_BOOT_SECONDS = 60.0


@dataclass(frozen=True)
class Session:
    """A session by the process that began it. Its times tell it from a later one with the same number.

    `created` is in seconds after the machine's boot (`booted`, seconds since the epoch), which moves with its clock.
    """

    pid: int
    created: float
    booted: float

    @classmethod
    def begun_by(cls, pid: int) -> Session:
        """The session that a process began."""
        return cls(pid, _created(pid), psutil.boot_time())


def leader_lives(session: Session) -> bool:
    """Whether the process that began the session is alive."""
    try:
        return _is_leader(session) and psutil.Process(session.pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def members(session: Session) -> list[psutil.Process]:
    """Every living process of the session; none if its number belongs to another by now."""
    if not _is_this_boot(session):
        return []
    with contextlib.suppress(psutil.NoSuchProcess):
        # No new process gets the number of a session that still has members.
        if not _is_leader(session):
            return []
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError, PermissionError):
            if os.getsid(process.pid) == session.pid and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def _is_leader(session: Session) -> bool:
    """Whether the process of the session's number is the one that began it."""
    return _is_this_boot(session) and abs(_created(session.pid) - session.created) < _CLOCK_SECONDS


def _is_this_boot(session: Session) -> bool:
    return abs(session.booted - psutil.boot_time()) < _BOOT_SECONDS


def _created(pid: int) -> float:
    return psutil.Process(pid).create_time() - psutil.boot_time()


def end(session: Session, seconds: float) -> list[psutil.Process]:
    """Ask the leader to end, wait at most `seconds`, and kill whatever is left. Returns what even that did not end."""
    if leader_lives(session):
        with contextlib.suppress(psutil.NoSuchProcess):
            psutil.Process(session.pid).terminate()
    deadline = time.monotonic() + seconds
    while leader_lives(session) and time.monotonic() < deadline:
        time.sleep(0.1)
    # What is left may start more while it is being killed.
    for _ in range(10):
        left = members(session)
        if not left:
            return []
        for process in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(left, timeout=2)
    return members(session)
