"""Older numbers that a night moved, made by hand: every cause, every kind of place, and values that are not there."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path

from include import files
from include.reporting.audit.kept_movement import KeptMovement, movement_file
from include.tracing.movement import MovedRow, NightMovement, PeriodMovement, Step

MARKUP = "<script>alert(1)</script>"
ROW = MovedRow("late", "fct_ticket", MARKUP, None, (5.0,), "ticket", "desk.tickets.1", "工单.csv", None, 17, 16)
MEDIAN = PeriodMovement(
    metric="first_response_median", name_en="First response, median", name_zh="首次响应时长（中位数）", unit="minutes",
    grain="month", start="2026-05-01", before=45.0, after=60.0, before_reason=None, after_reason=None,
    steps=(
        Step("late", 1, 40.0, None, None), Step("correction", 2, 60.0, None, None),
        Step("mapping", 1, 60.0, None, None),
    ),
    rows=(ROW, replace(ROW, cause="correction", record="T1", before=(10.0,), after=(100.0,), sheet="表", file="a.xlsx"),
          replace(ROW, cause="correction", record="T2", line=None, file=None),
          replace(ROW, cause="mapping", record="T3", after=None, entity=None, batch_id=None, file=None, number=None)),
)  # fmt: skip
YOUNG = replace(
    MEDIAN, metric="churn_rate", unit="share", before=None, before_reason="immature", after=0.02,
    steps=(Step("other", 3, 0.02, 1.0, 50.0),), rows=(),
)  # fmt: skip
RIPE = replace(YOUNG, metric="resolution_rate", steps=())
MOVED = NightMovement("2026-06-29T16:00:00+00:00", "CNY", (MEDIAN, YOUNG, RIPE), 4)


def keep(home: Path, night: datetime, found: KeptMovement) -> None:
    """Keep a movement of a night, as if it had been made there."""
    files.write_json(movement_file(home, night), asdict(found))
