"""A published night of a small sample company, shared by the tests that only read it."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path
from typing import Any

import duckdb
import pytest

from include.warehouse.publish import serve_file
from tests.support.nightly_run import assert_published, run_night

NIGHT = "2026-06-30"
SCALE = "0.1"


class Night:
    """What the generator knows of a published night, and the warehouse."""

    def __init__(self, home: Path, said: str) -> None:
        self.home = home
        self.said = said  # by the run, on its terminal
        self.known: dict[str, Any] = json.loads((home / "inbox" / "known_answers.json").read_text(encoding="utf-8"))
        self.con = duckdb.connect(str(serve_file(home)), read_only=True)

    def one(self, sql: str, *values: object) -> tuple[Any, ...]:
        row = self.con.execute(sql, list(values)).fetchone()
        assert row is not None
        return row

    def parts(self, metric: str) -> tuple[float, float]:
        """Numerator and denominator of a metric over all years."""
        return self.one(
            "select sum(numerator), sum(denominator) from metrics.fct_metric_period "
            "where metric = ? and grain = 'year' and segment = 'all'",
            metric,
        )

    def defect(self, name: str) -> int:
        return int(self.known["defects"].get(name, {"total": 0})["total"])


@pytest.fixture(scope="session")
def night(tmp_path_factory: pytest.TempPathFactory) -> Night:
    """The last night at a tenth of the size, published by the whole nightly: once, for all workers together."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "known"
    folder.mkdir(exist_ok=True)
    home, said = folder / "home", folder / "said.txt"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not said.exists():
            done = run_night(home, NIGHT, METRICS_SAMPLE_SCALE=SCALE)
            assert_published(done, home)
            said.write_text(done.stdout, encoding="utf-8")
    return Night(home, said.read_text(encoding="utf-8"))
