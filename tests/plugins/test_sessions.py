"""Whatever a session holds is found and ended, and nobody else's process ever is."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import psutil
import pytest
from service_metrics import sessions
from service_metrics.sessions import Session

# A child in a process group of its own that ignores being asked, as one of Airflow's tasks may.
STUBBORN = """
import os, signal, time
os.setpgid(0, 0)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", flush=True)
time.sleep(600)
"""
LEADER = f"import subprocess, sys; sys.exit(subprocess.call([sys.executable, '-c', {STUBBORN!r}]))"


@pytest.fixture
def leader() -> Iterator[subprocess.Popen[bytes]]:
    """A session with a leader and a stubborn child."""
    process = subprocess.Popen([sys.executable, "-c", LEADER], start_new_session=True, stdout=subprocess.PIPE)
    session = Session.begun_by(process.pid)
    assert process.stdout and process.stdout.readline() == b"ready\n"
    yield process
    sessions.end(session, 0)
    process.stdout.close()
    process.wait()


def test_a_session_ends_with_all_that_is_in_it(leader: subprocess.Popen[bytes]) -> None:
    session = Session.begun_by(leader.pid)
    inside = sessions.members(session)

    assert sessions.end(session, 5) == []

    assert sessions.members(session) == []
    assert not any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in inside)


def test_what_a_killed_leader_left_is_found(leader: subprocess.Popen[bytes]) -> None:
    session = Session.begun_by(leader.pid)
    leader.kill()
    leader.wait()
    assert not sessions.leader_lives(session)
    assert len(sessions.members(session)) == 1

    assert sessions.end(session, 5) == []
    assert sessions.members(session) == []


def test_a_process_that_got_the_number_later_is_left_alone(leader: subprocess.Popen[bytes]) -> None:
    session = Session.begun_by(leader.pid)
    for other in (replace(session, created=session.created - 3600), replace(session, booted=session.booted - 86400)):
        assert sessions.members(other) == []
        assert sessions.end(other, 0) == []
    assert sessions.leader_lives(session)
    assert len(sessions.members(session)) == 2


def test_a_boot_time_told_one_second_off_loses_no_process(
    leader: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    session = Session.begun_by(leader.pid)
    told = psutil.boot_time()
    monkeypatch.setattr(psutil, "boot_time", lambda: told + 1)
    assert sessions.leader_lives(session)
    assert len(sessions.members(session)) == 2
