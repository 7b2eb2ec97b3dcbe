"""Every DAG loads, is known, follows the policy, and is cheap to parse."""

from __future__ import annotations

import subprocess
import sys

import pytest
from service_metrics.names import BUILD_POOL, OPEN_APPROVALS, OWNER, Tag
from service_metrics.notices import on_failure, on_success

from include.settings import PROJECT_ROOT
from include.sources import GROUPS

DAGS = PROJECT_ROOT / "dags"
KNOWN = {"nightly", "release_rows"}
# Nights are run in order; what waits for a person keeps nobody else waiting.
ACTIVE_RUNS = {"nightly": 1, "release_rows": OPEN_APPROVALS}
PARSE_SECONDS = 1.0
PARSE = """
import time
import airflow.sdk
from airflow.sdk import CronDataIntervalTimetable, Param, TriggerRule, dag, task, task_group
import importlib.util
begun = time.perf_counter()
spec = importlib.util.spec_from_file_location("parsed", {path!r})
spec.loader.exec_module(importlib.util.module_from_spec(spec))
print(time.perf_counter() - begun)
"""


@pytest.fixture(scope="module")
def dags(tmp_path_factory: pytest.TempPathFactory):
    import os

    home = tmp_path_factory.mktemp("airflow")
    os.environ["AIRFLOW_HOME"] = str(home)
    os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = f"sqlite:///{home / 'airflow.db'}"
    os.environ["AIRFLOW__CORE__PLUGINS_FOLDER"] = str(PROJECT_ROOT / "plugins")
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(dag_folder=str(DAGS))
    assert bag.import_errors == {}
    return bag.dags


def test_the_dags_are_those_that_are_known(dags) -> None:
    assert set(dags) == KNOWN
    assert {path.stem for path in DAGS.glob("*.py")} == KNOWN


def test_policy(dags) -> None:
    for dag_id, dag in dags.items():
        assert dag.doc_md and "When it fails" in dag.doc_md, dag_id
        assert dag.tags and set(dag.tags) <= {tag.value for tag in Tag}, dag_id
        assert dag.catchup is False and dag.max_active_runs == ACTIVE_RUNS[dag_id], dag_id
        assert dag.start_date.utcoffset().total_seconds() == 0, dag_id
        assert (dag.on_failure_callback, dag.on_success_callback) == (on_failure, on_success), dag_id
        for task in dag.tasks:
            assert task.owner == OWNER, task.task_id
            assert task.retries >= 1, task.task_id
            assert task.execution_timeout, task.task_id


def test_the_nightly_has_a_data_interval_that_ends_at_local_midnight(dags) -> None:
    timetable = dags["nightly"].timetable
    assert type(timetable).__name__ == "CronDataIntervalTimetable"
    assert str(timetable.timezone) == "Asia/Shanghai"


def test_the_nightly_is_wired_as_the_design_says(dags) -> None:
    dag = dags["nightly"]
    groups = {f"{group}.{step}" for group in GROUPS for step in ("list_feeds", "land", "gate")}
    assert {task.task_id for task in dag.tasks} == {
        *("prepare", "settle", "build", "publish", "reports", "audit"),
        *groups,
    }
    for group in GROUPS:
        assert dag.get_task(f"{group}.gate").upstream_task_ids == {"prepare", f"{group}.land"}
        assert dag.get_task(f"{group}.gate").trigger_rule == "all_done"
        assert dag.get_task(f"{group}.land").is_mapped
    settle = dag.get_task("settle")
    assert settle.upstream_task_ids == {"prepare", *(f"{group}.gate" for group in GROUPS)}
    assert settle.trigger_rule == "all_done"
    assert dag.get_task("build").upstream_task_ids == {"prepare", "settle"}
    assert dag.get_task("publish").upstream_task_ids == {"prepare", "build"}
    assert dag.get_task("reports").upstream_task_ids == {"prepare", "publish"}
    assert dag.get_task("reports").trigger_rule == "all_success"
    assert dag.get_task("audit").upstream_task_ids == {"prepare", "publish"}
    assert dag.get_task("audit").trigger_rule == "all_done"
    # A run is what its leaves are: were `audit` the only one, a failed night would look good.
    assert {task.task_id for task in dag.leaves} == {"reports", "audit"}
    for task_id in ("build", "publish"):
        assert dag.get_task(task_id).pool == BUILD_POOL
        assert dag.get_task(task_id).trigger_rule == "all_success"


def test_a_decision_is_recorded_once_it_is_approved(dags) -> None:
    dag = dags["release_rows"]
    assert type(dag.timetable).__name__ == "NullTimetable", "people start it"
    assert {task.task_id: task.upstream_task_ids for task in dag.tasks} == {
        "ask": set(),
        "approve": {"ask"},
        "record": {"approve"},
    }
    approve = dag.get_task("approve")
    assert approve.defaults == ["Reject"] and approve.response_timeout.days == 7
    assert set(approve.params) == {"why"}
    assert dag.get_task("record").trigger_rule == "all_success"


@pytest.mark.parametrize("path", sorted(DAGS.glob("*.py")), ids=lambda path: path.stem)
def test_parsing_costs_little_beyond_importing_the_sdk(path) -> None:
    def seconds() -> float:
        code = PARSE.format(path=str(path))
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PROJECT_ROOT
        )
        return float(done.stdout.splitlines()[-1])

    # The best of two: the machine may be busy with other tests.
    assert min(seconds(), seconds()) <= PARSE_SECONDS
