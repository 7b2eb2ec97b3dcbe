"""Runs of the DAG `release_rows` in Airflow itself, answered as its page answers.

`python -m tests.support.release_runs '[…]'`: the argument is a JSON list of runs, each with `conf`, `option`, `why`;
the states of their tasks are printed as JSON.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from typing import Any

from airflow.cli.cli_parser import get_parser

USER = "chen.wei"
DAG = "release_rows"


class _User:
    """Who is logged in."""

    def get_id(self) -> str:
        return "7"

    def get_name(self) -> str:
        return USER


def _answer(option: str, why: str, is_over: threading.Event) -> None:
    """Answer the next question that a run asks."""
    from airflow.api_fastapi.core_api.datamodels.hitl import UpdateHITLDetailPayload
    from airflow.api_fastapi.core_api.routes.public.hitl import update_hitl_detail
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from sqlalchemy import select

    payload = UpdateHITLDetailPayload(chosen_options=[option], params_input={"why": why})
    has_waited = False
    while not is_over.is_set():
        with create_session() as session:
            waits = session.scalars(select(TaskInstance).where(TaskInstance.state == "awaiting_input")).first()
            # An answer within milliseconds is lost: the run that asks is still writing that it waits.
            if waits and has_waited:
                update_hitl_detail(DAG, waits.run_id, waits.task_id, payload, _User(), session)
                return
        has_waited = waits is not None
        time.sleep(1 if has_waited else 0.2)


def run(conf: dict[str, str], option: str, why: str) -> dict[str, str]:
    """Run the DAG once. Returns the states of its tasks."""
    from airflow.dag_processing.dagbag import DagBag

    from include.settings import PROJECT_ROOT

    dag = DagBag(dag_folder=str(PROJECT_ROOT / "dags")).dags[DAG]
    is_over = threading.Event()
    answering = threading.Thread(target=_answer, args=(option, why, is_over), daemon=True)
    answering.start()
    done = dag.test(run_conf=conf)
    is_over.set()
    answering.join()
    return {one.task_id: str(one.state) for one in done.get_task_instances()}


def main() -> None:
    """Make the metadata database, and run what is asked for."""
    command = get_parser().parse_args(["db", "migrate"])
    command.func(command)
    states: list[dict[str, Any]] = [run(**one) for one in json.loads(sys.argv[1])]
    print("states:", json.dumps(states))


if __name__ == "__main__":
    main()
