"""The nightly in one process and without Airflow's, so that hundreds of them can be killed.

The steps are those of the DAG (`service_metrics.steps`), in its order and with its rules for what may fail; a stand-in
takes the place of Airflow's context. Every night is forked from a server that has imported everything once, and leads
a session of its own.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.context import ForkServerContext
from pathlib import Path
from zoneinfo import ZoneInfo

from include.files import read_json
from include.processes import die_with_parent
from include.settings import load_settings, night_text, parse_instant
from tests.support import parsed_project
from tests.support.nightly_run import ONE_THREAD, PARSED_BY_NIGHTS

PUBLISHED, FAILED = 0, 1
SECONDS = 300
GROUPS = ("tickets", "crm", "surveys", "reviews")
# The steps to run of a night that has begun, comma separated; all where it is not set.
STEPS = "FAULTS_STEPS"
# `step:bytes`: before that step the disk is filled until no more than these bytes are free.
BALLAST = "FAULTS_BALLAST"
BALLAST_FILE = "ballast"
# Imported once, by the server.
PRELOAD = [
    "great_expectations",
    "include.gate.gating",
    "include.gate.gx_duckdb",
    "include.gate.settling",
    "include.landing",
    "include.reporting",
    "include.reporting.audit",
    "include.warehouse.publish",
    "service_metrics.steps",
    "tests.support.faults_night",
]


@dataclass(frozen=True)
class Done:
    """How a night ended: its exit code (negative: the signal that ended it) and what it wrote."""

    code: int
    output: str


class Night:
    """A night at work."""

    def __init__(self, home: Path, as_of: str, **environment: str) -> None:
        self.log = home.with_name(f"{home.name}.{time.monotonic_ns()}.out")
        self.home = home
        parsed_project.lend(parsed_project.target_of(home), PARSED_BY_NIGHTS)
        given = {"METRICS_HOME": str(home), "METRICS_AS_OF": as_of, **environment}
        self.process = _server().Process(target=_work, args=(given, self.log))
        self.process.start()
        assert self.process.pid is not None
        self.session = self.process.pid

    def kill(self) -> None:
        """Cut the power: SIGKILL to the night and all that it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.session, signal.SIGKILL)

    def wait(self, seconds: float = SECONDS) -> Done:
        """Wait for its end; nothing of its session may be left then."""
        self.process.join(seconds)
        if self.process.exitcode is None:
            self.kill()
            raise AssertionError(f"the night did not end in {seconds} s:\n{self.output()}")
        # What was killed with it may need a moment to be gone.
        until = time.monotonic() + 10
        while (left := processes_of(self.session)) and time.monotonic() < until:
            time.sleep(0.05)
        assert not left, f"left running: {left}"
        if self.process.exitcode == PUBLISHED:
            parsed_project.keep(parsed_project.target_of(self.home), PARSED_BY_NIGHTS)
        return Done(self.process.exitcode, self.output())

    def output(self) -> str:
        """What it has written so far."""
        return self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""


def run(home: Path, as_of: str, **environment: str) -> Done:
    """Run one night to its end."""
    return Night(home, as_of, **environment).wait()


def processes_of(session: int) -> list[int]:
    """The living processes of a session."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, *rest = path.read_text().rpartition(")")[2].split()
            if int(rest[2]) == session and state != "Z":
                found.append(int(path.parent.name))
    return found


def _server() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOAD)
    return context


def _work(environment: dict[str, str], log: Path) -> None:
    die_with_parent(os.getppid())  # the server, which ends with the tests
    os.setsid()
    for name in [name for name in os.environ if name.startswith("METRICS_")]:
        del os.environ[name]
    os.environ.update({"METRICS_SAMPLE_SCALE": "0.01", **ONE_THREAD, **environment})
    with log.open("wb") as out:
        os.dup2(out.fileno(), 1)
        os.dup2(out.fileno(), 2)
    sys.stdout = sys.stderr = os.fdopen(1, "w", buffering=1, encoding="utf-8", closefd=False)
    try:
        _night(os.environ["METRICS_AS_OF"])
    except BaseException:
        traceback.print_exc()
        sys.exit(FAILED)


def _night(night: str) -> None:
    """The DAG `nightly`, step by step."""
    from service_metrics import steps

    from include.sample_company import generate
    from include.warehouse.run_lock import run_lock

    settings = load_settings()
    zone = ZoneInfo(settings.timezone)
    context = {"params": {"as_of": night}, "run_id": f"run-{os.getpid()}"}
    steps.get_current_context = lambda: context  # type: ignore[assignment]
    if STEPS in os.environ:
        context["run_id"] = read_json(settings.home / "nights" / "owner.json")["run_id"]
        with run_lock(settings.home):
            for name in os.environ[STEPS].split(","):
                getattr(steps, name)(night_text(parse_instant(night, zone)))
        return
    with run_lock(settings.home):
        if settings.is_sample:
            generate(settings.home / "inbox", scale=settings.sample_scale)
        as_of = steps.prepare()
        for group in GROUPS:
            for feed in steps.list_feeds(as_of, group):
                _may_fail("land", lambda feed=feed: steps.land(as_of, feed))
            _may_fail("gate", lambda group=group: steps.gate(as_of, group))
        for name in ("settle", "build", "publish", "reports", "audit"):
            _fill_disk(name)
            getattr(steps, name)(as_of)


def _may_fail(name: str, step: Callable[[], None]) -> None:
    """A source that fails stops neither the others nor the night."""
    _fill_disk(name)
    try:
        step()
    except Exception:
        traceback.print_exc()


def _fill_disk(step: str) -> None:
    """Leave as many bytes free on the data home's disk as FAULTS_BALLAST says for this step, once."""
    name, _, free = os.environ.get(BALLAST, "").partition(":")
    if name != step:
        return
    del os.environ[BALLAST]
    home = load_settings().home
    status = os.statvfs(home)
    size = status.f_bavail * status.f_frsize - int(free)
    with (home.parent / BALLAST_FILE).open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, max(size, 1))
