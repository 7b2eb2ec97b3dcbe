"""`make up` gives a real Airflow on this machine alone; `make down` leaves nothing of it."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from service_metrics import sessions
from service_metrics.names import NIGHTLY
from service_metrics.notices import read_notices
from service_metrics.serve import Running, read_running

from include.settings import PROJECT_ROOT
from include.warehouse.publish import serve_file
from tests.support.airflow_rest import AirflowRest
from tests.support.small_installation import NIGHT, small_installation

SECONDS = 600
pytestmark = [pytest.mark.nightly, pytest.mark.timeout(1200)]


@dataclass(frozen=True)
class Installation:
    """What `make up` and `make down` are run with."""

    home: Path
    settings: dict[str, str]

    def make(self, target: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run `make up` or `make down`."""
        environment = {one: value for one, value in os.environ.items() if not one.startswith(("METRICS_", "AIRFLOW"))}
        path = os.pathsep.join([str(PROJECT_ROOT), str(PROJECT_ROOT / "plugins")])
        return subprocess.run(
            [sys.executable, "-m", "service_metrics.serve", target],
            env=environment | self.settings | {"PYTHONPATH": path} | more,
            cwd=PROJECT_ROOT,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    @property
    def running(self) -> Running:
        found = read_running(self.home)
        assert found is not None
        return found


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("up")
    home = folder / "home"
    settings = small_installation(folder).settings(home) | {"METRICS_SCHEDULE": "none"}
    installation = Installation(home, settings)
    try:
        done = installation.make("up")
        assert done.returncode == 0, done.stdout + done.stderr
        (home / "said").write_text(done.stdout, encoding="utf-8")
        yield installation
    finally:
        installation.make("down")


@pytest.fixture(scope="module")
def rest(up: Installation) -> AirflowRest:
    """Logged in with what `make up` printed."""
    said = (up.home / "said").read_text(encoding="utf-8")
    url = re.search(r"http://127\.0\.0\.1:\d+", said)
    password = re.search(r"user admin, password (\S+)", said)
    assert url and password
    client = AirflowRest(url[0])
    assert client.log_in("admin", password[1]) == 201
    return client


def test_a_night_that_is_started_from_the_page_is_published(up: Installation, rest: AirflowRest) -> None:
    run_id = rest.trigger(NIGHTLY, as_of=NIGHT)

    state = rest.wait(NIGHTLY, run_id, SECONDS)

    assert state == "success", [(one["task_id"], one["state"]) for one in rest.tasks(NIGHTLY, run_id)]
    assert serve_file(up.home).exists()
    assert read_notices(up.home) == []


def test_strangers_get_nothing(rest: AirflowRest) -> None:
    stranger = AirflowRest(rest.url)
    assert stranger.call(f"/api/v2/dags/{NIGHTLY}")[0] == 401
    assert stranger.call(f"/api/v2/dags/{NIGHTLY}/dagRuns", {"logical_date": None})[0] == 401
    assert stranger.log_in("admin", "admin") == 401
    for path in ("/reports/", "/reports/audit/", "/reports/audit/index.en.html", "/reports/metrics/index.zh.html"):
        assert stranger.page(path)[0] == 401, path


def test_the_pages_of_the_night_are_behind_the_log_in(rest: AirflowRest) -> None:
    status, text = rest.page("/reports/audit/")
    assert status == 200 and "Data quality audit" in text and NIGHT in text
    assert rest.page("/reports/metrics/")[0] == 200
    assert rest.page("/reports/audit/night/none.en.html")[0] == 404
    links = rest.call("/api/v2/plugins")[1]["plugins"]
    (views,) = [one["external_views"] for one in links if one["name"] == "service_metrics"]
    assert [view["href"] for view in views] == ["/reports/metrics/", "/reports/audit/"]


def test_it_listens_on_this_machine_only(up: Installation) -> None:
    listening = {
        connection.laddr
        for process in sessions.members(up.running.session)
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert listening == {("127.0.0.1", up.running.port)}


def test_secrets_are_their_owners_alone(up: Installation) -> None:
    assert (up.home / "airflow").stat().st_mode & 0o077 == 0
    password = json.loads((up.home / "airflow" / "passwords.json").read_text(encoding="utf-8"))["admin"]
    assert len(password) >= 12
    assert password not in (up.home / "logs" / "airflow.log").read_text(encoding="utf-8", errors="replace")


def test_up_again_says_that_it_is_up(up: Installation) -> None:
    done = up.make("up")
    assert done.returncode == 0
    assert "up already" in done.stdout and up.running.url in done.stdout


def test_a_component_that_dies_is_started_again(up: Installation) -> None:
    def triggerers() -> list[psutil.Process]:
        supervisor = psutil.Process(up.running.session.pid)
        children = [one for one in supervisor.children() if one.status() != psutil.STATUS_ZOMBIE]
        return [one for one in children if "triggerer" in one.cmdline()]

    (first,) = triggerers()
    first.kill()

    deadline = time.monotonic() + 60
    while (found := triggerers()) == [] or found[0].pid == first.pid:
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_down_leaves_nothing_also_of_an_airflow_whose_supervisor_was_killed(up: Installation) -> None:
    session = up.running.session
    os.kill(session.pid, signal.SIGKILL)
    assert sessions.members(session)

    done = up.make("down")

    assert done.returncode == 0, done.stdout
    assert "none of its processes is left" in done.stdout
    assert sessions.members(session) == []
    assert read_running(up.home) is None
    assert "not up" in up.make("down").stdout


def test_a_port_that_is_taken_is_named(up: Installation) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = up.make("up", METRICS_PORT=str(taken.getsockname()[1]))
    assert done.returncode == 2
    assert "METRICS_PORT" in done.stdout and "[SM502]" in done.stdout
    assert read_running(up.home) is None
