"""The topology of the compose file, by hand: PostgreSQL, Redis, Celery and the rest of Airflow as processes here.

Their environment is that of `docker-compose.yml`, and the project is read-only to them where the machine lets us.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from service_metrics.names import NIGHTLY
from service_metrics.notices import read_notices

from tests.support.airflow_rest import AirflowRest
from tests.support.faults_homes import assert_published
from tests.support.faults_night import run
from tests.support.nightly_run import differences
from tests.support.small_installation import NIGHT, SmallInstallation, small_installation
from tests.support.team_processes import AIRFLOW_SERVICES, Team, running_team, server_program

LACKING = [
    package
    for package, program in {"postgresql": "initdb", "redis-server": "redis-server"}.items()
    if not server_program(program)
]
NIGHT_SECONDS = 600.0
pytestmark = [
    pytest.mark.nightly,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(bool(LACKING), reason=f"needs Debian's package {' and '.join(LACKING)}"),
]


@dataclass(frozen=True)
class TeamNight:
    """A night that the team's installation ran."""

    team: Team
    rest: AirflowRest
    run_id: str
    state: str
    installation: SmallInstallation


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TeamNight]:
    folder = tmp_path_factory.mktemp("team")
    installation = small_installation(folder)
    home = folder / "home"
    settings = installation.settings(home) | {"METRICS_SCHEDULE": "none"}
    # PostgreSQL's user must be able to reach its data: not below pytest's private folder.
    scratch = Path(tempfile.mkdtemp(prefix="service-metrics-team-"))
    scratch.chmod(0o755)
    try:
        with running_team(scratch, home, settings) as team:
            rest = AirflowRest(team.url)
            assert rest.log_in("admin", team.password) == 201
            run_id = rest.trigger(NIGHTLY, as_of=NIGHT)
            state = rest.wait(NIGHTLY, run_id, NIGHT_SECONDS)
            yield TeamNight(team, rest, run_id, state, installation)
    finally:
        shutil.rmtree(scratch)


def test_the_night_ran_on_celery_and_was_published(night: TeamNight) -> None:
    tasks = night.rest.tasks(NIGHTLY, night.run_id)
    assert night.state == "success", [(one["task_id"], one["state"]) for one in tasks]
    ran = [one for one in tasks if one["state"] == "success"]
    steps = {"prepare", "crm.land", "crm.gate", "settle", "build", "publish", "reports", "audit"}
    assert {one["task_id"] for one in ran} >= steps
    assert _done_by_celery(night.team, len(ran)) >= len(ran)
    ((dialect,),) = night.team.query("select version()")
    assert dialect.startswith("PostgreSQL")


def _done_by_celery(team: Team, awaited: int) -> int:
    """The tasks that Celery has written down as done: a moment after Airflow has, for the last of them."""
    until = time.monotonic() + 30
    while True:
        ((done,),) = team.query("select count(*) from celery_taskmeta where status = 'SUCCESS'")
        if done >= awaited or time.monotonic() > until:
            return int(done)
        time.sleep(0.2)


def test_every_service_passes_its_health_check(night: TeamNight) -> None:
    assert [name for name in AIRFLOW_SERVICES if not night.team.is_healthy(name)] == []


def test_a_stranger_gets_nothing(night: TeamNight) -> None:
    stranger = AirflowRest(night.team.url)
    assert stranger.call("/api/v2/dags")[0] == 401
    assert stranger.log_in("admin", "admin") == 401


def test_every_service_works_in_the_data_home_alone(night: TeamNight) -> None:
    """What the containers may write to: the data home and a scratch folder that is forgotten."""
    assert (night.team.home / "airflow" / "logs" / f"dag_id={NIGHTLY}").is_dir()
    assert read_notices(night.team.home) == []
    assert (night.team.home / "airflow").stat().st_mode & 0o077 == 0


@pytest.mark.soak
def test_it_publishes_what_one_process_publishes(night: TeamNight, tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert_published(run(home, NIGHT, **night.installation.settings(home)))

    assert differences(night.team.home, home) == []
