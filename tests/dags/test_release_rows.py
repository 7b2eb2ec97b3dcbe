"""The DAG `release_rows` in Airflow itself: a person approves, rejects, or gives no reason."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from service_metrics.airflow_home import airflow_environment

from include.gate.decisions import read_decisions
from include.gate.ledger import read_ledger
from include.settings import PROJECT_ROOT
from tests.support.mini_company import EVENT_HEADER, TICKET_HEADER, MiniCompany, ticket
from tests.support.release_runs import USER

NIGHT = "2026-06-01"
pytestmark = [pytest.mark.nightly, pytest.mark.timeout(1200)]


def test_a_decision_is_kept_only_if_a_person_approves_it_with_a_reason(company: MiniCompany, tmp_path: Path) -> None:
    company.deliver(NIGHT, "tickets.csv", TICKET_HEADER + ticket("T1"))
    company.deliver(NIGHT, "events.csv", EVENT_HEADER + "E1,T2,created,2026-06-01T01:00:00Z\n")
    company.run(NIGHT)
    batch = next(one.batch_id for one in read_ledger(company.home, company.night(NIGHT)) if one.feed == "events")
    given = {"batch": batch, "decision": "release", "rows": "1"}
    runs = [
        {"conf": given, "option": "Reject", "why": "no"},
        {"conf": given, "option": "Approve", "why": " "},
        {"conf": {**given, "rows": "2"}, "option": "Approve", "why": "asked for a row that does not wait"},
        {"conf": given, "option": "Approve", "why": "T2 was deleted by mistake"},
    ]

    states = _run(company, tmp_path, runs)

    assert states == [
        {"ask": "success", "approve": "success", "record": "skipped"},
        {"ask": "success", "approve": "success", "record": "failed"},
        {"ask": "failed", "approve": "upstream_failed", "record": "upstream_failed"},
        {"ask": "success", "approve": "success", "record": "success"},
    ]
    (decision,) = read_decisions(company.home)
    assert (decision.batch_id, decision.verdict, decision.rows) == (batch, "release", {"ticket_event": "1"})
    assert (decision.who, decision.why) == (USER, "T2 was deleted by mistake")
    assert decision.after == company.night(NIGHT)


def _run(company: MiniCompany, folder: Path, runs: list[dict[str, object]]) -> list[dict[str, str]]:
    (folder / "outside").mkdir()
    environment = airflow_environment(folder / "outside") | {
        "METRICS_HOME": str(company.home),
        "METRICS_SOURCES": str(company.sources),
        "METRICS_HASH_KEY": "a key for tests",
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.release_runs", json.dumps(runs)],
        env={**os.environ, **environment},
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    said = [line for line in done.stdout.splitlines() if line.startswith("states: ")]
    assert said, done.stdout[-3000:] + done.stderr[-3000:]
    found: list[dict[str, str]] = json.loads(said[0].removeprefix("states: "))
    return found
