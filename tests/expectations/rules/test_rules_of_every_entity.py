"""The rules that every entity has, at their boundaries."""

from __future__ import annotations

from datetime import datetime, timedelta

import duckdb
import pytest

from include.contracts import load_contracts
from include.gate.judging import open_tables, record_failures
from include.gate.rules import load_rules
from tests.expectations.rules import test_core_rules, test_service_and_loop_rules
from tests.support.rule_files import OF_EVERY_ENTITY, tried_rules

NIGHT_END = datetime(2026, 6, 1, 16)
CHANGING = [entity for entity, contract in load_contracts().items() if contract.change_time]


@pytest.mark.parametrize("entity", CHANGING)
def test_a_change_a_day_after_the_night_is_granted_and_no_more(entity: str) -> None:
    day = NIGHT_END + timedelta(days=1)
    changed = [None, NIGHT_END, day, day + timedelta(seconds=1), datetime(2099, 1, 1)]
    (rule,) = (one for one in load_rules().of(entity, "gate") if one.id == f"{entity}_changed_in_future")
    with duckdb.connect() as con:
        open_tables(con, [entity])
        for row_id, change_time in enumerate(changed):
            con.execute(
                f"insert into m_{entity} by name select ?::bigint as row_id, ?::timestamp as _change_time, "
                "?::timestamp as _night_end",
                [row_id, change_time, NIGHT_END],
            )
        record_failures(con, entity, f"m_{entity}", [rule])
        found = con.execute("select row_id, verdict from failure order by row_id").fetchall()
    assert found == [(3, "unusable"), (4, "unusable")]


def test_every_rule_is_tried() -> None:
    """What takes melted answers or many rows is tried in `tests/include/gate/test_survey_rules.py`."""
    tried = tried_rules(test_core_rules.FILES) | tried_rules(test_service_and_loop_rules.FILES)
    assert {name for name in OF_EVERY_ENTITY if not any(rule.endswith(name) for rule in tried)} == set()
    own = {
        rule.id for rules in load_rules().by_entity.values() for rule in rules if not rule.id.endswith(OF_EVERY_ENTITY)
    }
    assert own - tried == {
        *(f"survey_answer_{name}" for name in ("out_of_scale", "parent_unusable")),
        *(f"survey_response_{name}" for name in (
            "straight_lined", "reversed_items_conflict", "constant_block", "fast", "fast_per_rating", "careless",
            "required_unanswered", "too_many_gaps", "opposites_agreed", "contradicted", "lowest_with_complaint",
            "extreme_duration",
        )),
        "ticket_extreme_cycle",
    }  # fmt: skip


def test_what_has_no_change_time_has_no_rule_about_it() -> None:
    named = {rule.id for rules in load_rules().by_entity.values() for rule in rules}
    having = [entity for entity in load_contracts() if f"{entity}_changed_in_future" in named]
    assert having == CHANGING
    assert len(load_contracts()) - len(CHANGING) == 2


def test_a_date_is_not_held_against_an_instant() -> None:
    """The night's end is a UTC instant; where clocks are ahead of it the next day has begun."""
    held = {
        (rule.expectation.type, load_contracts()[entity].columns[rule.expectation.kwargs["column"]].type)
        for entity, rules in load_rules().by_entity.items()
        for rule in rules
        if rule.expectation and rule.expectation.type.endswith("BeforeNightEnd")
    }
    assert held == {("ExpectDateBeforeNightEnd", "date"), ("ExpectTimeBeforeNightEnd", "timestamp")}
