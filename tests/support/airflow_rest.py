"""Talk to a running Airflow as a person or a script would: through its REST API, with a log-in."""

from __future__ import annotations

import json
import time
import urllib.request
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote


class AirflowRest:
    """A client of one API server."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.token: str | None = None

    def call(self, path: str, body: object = None, method: str | None = None) -> tuple[int, Any]:
        """Status and JSON body of one call; a body makes it a POST."""
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.load(answer)
        except HTTPError as error:
            return error.code, json.loads(error.read() or b"null")

    def page(self, path: str) -> tuple[int, str]:
        """Status and text of a page, where redirections lead."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        try:
            with urllib.request.urlopen(urllib.request.Request(self.url + path, headers=headers), timeout=30) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as error:
            return error.code, error.read().decode()

    def log_in(self, user: str, password: str) -> int:
        """Get a token. Returns the status."""
        status, answer = self.call("/auth/token", {"username": user, "password": password})
        if status == 201:
            self.token = answer["access_token"]
        return status

    def trigger(self, dag: str, **conf: str) -> str:
        """Start a run; waits until the DAG is known. Returns the run's id."""
        deadline = time.monotonic() + 60
        while True:
            status, answer = self.call(f"/api/v2/dags/{dag}/dagRuns", {"logical_date": None, "conf": conf})
            if status == 200:
                return str(answer["dag_run_id"])
            # Healthy, and the DAG file not read yet.
            assert status == 404 and time.monotonic() < deadline, (status, answer)
            time.sleep(0.5)

    def wait(self, dag: str, run_id: str, seconds: float) -> str:
        """The state in which a run ends."""
        deadline = time.monotonic() + seconds
        state = "unknown"
        while time.monotonic() < deadline:
            state = self.call(f"/api/v2/dags/{dag}/dagRuns/{quote(run_id)}")[1]["state"]
            if state in ("success", "failed"):
                return state
            time.sleep(0.5)
        raise AssertionError(f"{run_id} is still {state} after {seconds} s: {self.tasks(dag, run_id)}")

    def tasks(self, dag: str, run_id: str) -> list[dict[str, Any]]:
        """All task instances of a run."""
        path = f"/api/v2/dags/{dag}/dagRuns/{quote(run_id)}/taskInstances?limit=500"
        return list(self.call(path)[1]["task_instances"])
