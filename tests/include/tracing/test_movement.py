"""Why a number moved: two nights of a handful of tickets, with one row of every cause, worked out by hand.

First responses of May, in minutes: 10, 20, 30, 40, 50, 60, 70, 90 on the first night. On the second: a late ticket (5),
a correction (10 is 100), a release (80), a rule that no longer counts one (50), a mapping that reads another time
(70 is 75). Of three invitations one is answered, and a ticket of the end of May is now old enough to be judged.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest

from include.gate.ledger import Gate
from include.settings import Settings, end_of_day
from include.tracing.movement import CAUSES, NightMovement, PeriodMovement, gate_causes, movement_between
from include.warehouse.night_summary import HEADLINES
from tests.support.warehouse_fixture import WarehouseFixture

FIRST, SECOND = "2026-06-29", "2026-06-30"
MAY = datetime(2026, 5, 12, 2)
METRICS = [metric for metrics in HEADLINES.values() for metric in metrics]


def ticket(key: str, minutes: int | None, **more: Any) -> dict[str, Any]:
    """A ticket of the twelfth of May that was answered after so many minutes."""
    answered = None if minutes is None else MAY + timedelta(minutes=minutes)
    return {"ticket_id": key, "created_at": MAY, "first_response_at": answered, **more}


def gate(batch: str, number: int, night: str, kind: str = "full", mapping: str = "m1", rules: str = "r1") -> Gate:
    """A gate of the ledger, as far as causes need it."""
    at = datetime.fromisoformat(night).replace(hour=16, tzinfo=UTC)
    return Gate.model_validate(
        {
            "batch_id": batch, "gate_no": number, "kind": kind, "night": at, "source": "desk", "feed": "ticket",
            "delivery": "incremental", "batch_order": batch, "received_at": at, "content_hash": "0",
            "records_received": 1, "status": "gated", "mapping_hash": mapping, "rules_hash": rules,
        }
    )  # fmt: skip


GATES = [
    *(gate(batch, 1, FIRST) for batch in ("b1", "b2", "b3", "b4")),
    gate("b2", 2, SECOND, rules="r2"),
    gate("b3", 2, SECOND, mapping="m2", rules="r2"),
    gate("b4", 2, SECOND, kind="moved"),
    gate("b5", 1, SECOND, rules="r2"),
    gate("b6", 1, SECOND, rules="r2"),
]


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The warehouses of two nights."""
    folder = tmp_path_factory.mktemp("movement")
    home = WarehouseFixture(folder, as_of=FIRST)
    home.deliver("survey", [{"survey_id": "after", "purpose": "transactional"}], source="survey")
    invitations = [{"invitation_id": f"I{n}", "survey_id": "after", "sent_at": MAY} for n in (1, 2, 3)]
    home.deliver("survey_invitation", invitations, source="survey")
    told = [ticket("T1", 10), ticket("T2", 20), ticket("T3", 30), ticket("T4", 40)]
    young = ticket("T11", None, created_at=datetime(2026, 5, 31, 12))
    home.deliver("ticket", [*told, young], source="desk", batch="b1")
    home.deliver("ticket", [ticket("T5", 50), ticket("T6", 60)], source="desk", batch="b2")
    home.deliver("ticket", [ticket("T7", 70)], source="desk", batch="b3")
    home.deliver("ticket", [ticket("T9", 90)], source="desk", batch="b4")
    home.build(tests=False)
    before = folder / "before.duckdb"
    shutil.copyfile(home.warehouse, before)

    home.set_as_of(SECOND)
    again: dict[str, Any] = {"source": "desk", "night": SECOND}
    home.deliver("ticket", [ticket("T5", 50, is_counted=False, not_counted_rules="ticket_x"), ticket("T6", 60)],
                 batch="b2", **again)  # fmt: skip
    home.deliver("ticket", [ticket("T7", 75)], batch="b3", **again)
    home.deliver("ticket", [ticket("T8", 80)], batch="b4", kind="moved", **again)
    home.deliver("ticket", [ticket("T10", 5)], batch="b5", **again)
    corrected = ticket("T1", 100, updated_at=datetime(2026, 6, 30, 3))
    home.deliver("ticket", [corrected], batch="b6", **again)
    response = {
        "response_id": "R1",
        "survey_id": "after",
        "invitation_id": "I1",
        "submitted_at": datetime(2026, 6, 30, 4),
    }
    home.deliver("survey_response", [response], source="survey", night=SECOND)
    home.build(tests=False)
    return before, home.warehouse


@pytest.fixture(scope="module")
def moved(nights: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> NightMovement:
    """What moved between them."""
    return movement_between(settings_in(tmp_path_factory.mktemp("home")), *nights, GATES, METRICS)


def settings_in(folder: Path) -> Settings:
    """An installation without landed files."""
    (folder / "sources").mkdir()
    return Settings(home=folder / "home", sources=folder / "sources", hash_key="a key for tests")


def of(moved: NightMovement, metric: str, grain: str = "month") -> PeriodMovement:
    (found,) = [one for one in moved.periods if (one.metric, one.grain) == (metric, grain)]
    return found


def test_a_median_is_split_by_cause(moved: NightMovement) -> None:
    found = of(moved, "first_response_median")
    assert (found.start, found.before, found.after) == ("2026-05-01", 45.0, 60.0)
    assert [(one.cause, one.rows, one.value) for one in found.steps] == [
        ("late", 1, 40.0),
        ("correction", 1, 50.0),
        ("release", 1, 55.0),
        ("rule", 1, 60.0),
        ("mapping", 1, 60.0),
    ]
    assert found.parts == [-5.0, 10.0, 5.0, 5.0, 0.0]


def test_weeks_are_told_beside_months(moved: NightMovement) -> None:
    assert of(moved, "first_response_median", "week").start == "2026-05-11"
    assert of(moved, "first_response_median", "week").parts == of(moved, "first_response_median").parts


def test_quarters_and_years_are_told_once_they_have_ended(nights: tuple[Path, Path], tmp_path: Path) -> None:
    before = tmp_path / "before.duckdb"
    shutil.copyfile(nights[0], before)
    with duckdb.connect(str(before)) as con:
        con.execute("update audit.warehouse_state set as_of_date = date '2026-12-31'")
    found = movement_between(settings_in(tmp_path), before, nights[1], GATES, ["first_response_median"])
    told = {grain: of(found, "first_response_median", grain) for grain in ("quarter", "year")}
    assert {grain: one.start for grain, one in told.items()} == {"quarter": "2026-04-01", "year": "2026-01-01"}
    for one in told.values():
        assert (one.before, one.after, one.parts) == (45.0, 60.0, [-5.0, 10.0, 5.0, 5.0, 0.0])


def test_rows_name_the_record_that_is_the_cause(moved: NightMovement) -> None:
    rows = {one.record: one for one in of(moved, "first_response_median").rows}
    assert {name: (row.cause, row.before, row.after, row.batch_id) for name, row in rows.items()} == {
        "T10": ("late", None, (5.0,), "b5"),
        "T1": ("correction", (10.0,), (100.0,), "b6"),
        "T8": ("release", None, (80.0,), "b4"),
        "T5": ("rule", (50.0,), None, "b2"),
        "T7": ("mapping", (70.0,), (75.0,), "b3"),
    }
    assert rows["T10"].number == 1  # no landed file: the number of the record


def test_an_answer_of_tonight_to_an_old_invitation_is_new(moved: NightMovement) -> None:
    found = of(moved, "response_rate_transactional")
    assert [(one.cause, one.rows, one.numerator, one.denominator) for one in found.steps] == [("new", 1, 1.0, 3.0)]
    assert (found.before, found.after) == (0.0, pytest.approx(1 / 3))
    assert [(row.entity, row.record) for row in found.rows] == [("survey_response", "I1")]


def test_a_clock_that_ran_on_is_another_cause(moved: NightMovement) -> None:
    found = of(moved, "resolution_rate")
    causes = {one.cause: one.rows for one in found.steps}
    assert causes["other"] == 1
    assert [row.record for row in found.rows if row.cause == "other"] == ["T11"]


def test_parts_add_up_to_the_change(moved: NightMovement) -> None:
    told = [one for one in moved.periods if one.change is not None]
    assert len(told) > 4
    for one in told:
        assert sum(part for part in one.parts if part is not None) == pytest.approx(one.change, abs=1e-12)
        assert one.steps[-1].value == one.after
        assert [step.cause for step in one.steps] == sorted((s.cause for s in one.steps), key=CAUSES.index)


def test_only_what_moved_and_had_ended_is_told(moved: NightMovement) -> None:
    assert {one.start for one in moved.periods if one.grain == "month"} == {"2026-05-01"}
    assert all(one.before != one.after or one.before_reason != one.after_reason for one in moved.periods)
    assert moved.before == "2026-06-29T16:00:00+00:00"
    assert moved.more == 0


def test_a_night_beside_itself_has_moved_nothing(nights: tuple[Path, Path], tmp_path: Path) -> None:
    found = movement_between(settings_in(tmp_path), nights[1], nights[1], GATES, METRICS)
    assert found.periods == ()


def test_a_definition_that_changed_is_a_cause_of_its_own(nights: tuple[Path, Path], tmp_path: Path) -> None:
    before = tmp_path / "before.duckdb"
    shutil.copyfile(nights[0], before)
    with duckdb.connect(str(before)) as con:
        con.execute("update metrics.fct_metric_period set value = value + 7 where metric = 'first_response_median'")
    found = of(movement_between(settings_in(tmp_path), before, nights[1], GATES, METRICS), "first_response_median")
    assert (found.before, found.steps[0].cause, found.parts[0]) == (52.0, "definition", -7.0)
    assert sum(part or 0 for part in found.parts) == found.change


def test_it_can_be_kept_as_json(moved: NightMovement) -> None:
    assert json.loads(json.dumps(asdict(moved)))["periods"]


def test_causes_of_gates() -> None:
    found = gate_causes(GATES, end_of(FIRST), end_of(SECOND))
    assert found == {("b2", 2): ("rule", True), ("b3", 2): ("mapping", True), ("b4", 2): ("release", False)}
    assert gate_causes(GATES, end_of(SECOND), end_of("2026-07-01")) == {}
    # came and was judged again within the nights that are compared: its records decide
    twice = [gate("b9", 1, SECOND), gate("b9", 2, SECOND, mapping="m2")]
    assert gate_causes(twice, end_of(FIRST), end_of(SECOND)) == {}


def end_of(day: str) -> datetime:
    return end_of_day(datetime.fromisoformat(day).date(), ZoneInfo("Asia/Shanghai"))
