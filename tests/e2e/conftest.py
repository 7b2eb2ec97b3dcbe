"""A published night of a small sample company, shared by the tests that only read it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from include.warehouse.publish import serve_file
from tests.support.nightly_run import assert_published, run_night

NIGHT = "2026-06-30"


class Night:
    """What the generator knows of a published night, and the warehouse."""

    def __init__(self, home: Path) -> None:
        self.home = home
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
    """The last night at a tenth of the size, published by the whole nightly."""
    home = tmp_path_factory.mktemp("known") / "home"
    assert_published(run_night(home, NIGHT, METRICS_SAMPLE_SCALE="0.1"), home)
    return Night(home)
