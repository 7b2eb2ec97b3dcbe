"""What people decided, in the marts: an event without its ticket, discarded rows, and the decisions themselves."""

from __future__ import annotations

from datetime import datetime

import pytest

from tests.support.warehouse_fixture import WarehouseFixture

DECISION = {
    "decision_number": 1,
    "decision_id": "20260629T160000Z.00001.0a1b2c3d",
    "batch_id": "desk.events.20260629T160000Z.abc",
    "source": "desk",
    "feed": "events",
    "verdict": "release",
    "entity": "ticket_event",
    "row_numbers": "2",
    "rule_id": "ticket_event_without_ticket",
    "row_count": 1,
    "who": "Chen Wei",
    "why": "call [phone]",
    "decided_at": datetime(2026, 6, 30, 9),
    "after_night": datetime(2026, 6, 29, 16),
    "effect_night": datetime(2026, 6, 30, 16),
    "effect_gate_no": 2,
}
MARTS = ("+fct_ticket", "+dim_agent", "+fct_ticket_event", "+audit_decision", "+audit_quarantined_row", "+audit_batch")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> WarehouseFixture:
    """A ticket with its event; one event released without its ticket, another one discarded."""
    made = WarehouseFixture(tmp_path_factory.mktemp("decided"))
    made.deliver("ticket", [{"ticket_id": "T1", "created_at": datetime(2026, 6, 1)}], source="desk")
    events = [
        {"event_id": "E1", "ticket_id": "T1", "event_type": "created", "occurred_at": datetime(2026, 6, 1)},
        {"event_id": "E2", "ticket_id": "T2", "event_type": "agent_message", "occurred_at": datetime(2026, 6, 2),
         "agent_id": "A9"},
    ]  # fmt: skip
    orphan = {"rule_id": "ticket_event_without_ticket"}
    discarded = {"business_key": "E3", "row_id": 3, "row_number": 3, "status": "discarded"}
    quarantined = [
        {**orphan, "business_key": "E2", "row_id": 2, "row_number": 2, "status": "released"},
        {**orphan, **discarded},
        {**discarded, "rule_id": "row_discarded"},
    ]
    made.deliver("ticket_event", events, source="desk", quarantined=quarantined)
    made.control("decision", [DECISION])
    # Tests of marts that are not built here are left out.
    made.build("--select", *MARTS, "--indirect-selection", "buildable")
    return made


def test_a_released_event_stands_in_its_fact_and_makes_no_ticket(home: WarehouseFixture) -> None:
    events = home.rows("select event_id, ticket_id from marts.fct_ticket_event order by event_id")
    assert [tuple(row.values()) for row in events] == [("E1", "T1"), ("E2", "T2")]
    assert home.rows("select ticket_id from marts.fct_ticket where ticket_key <> 0") == [{"ticket_id": "T1"}]
    assert home.rows("select is_inferred from marts.dim_agent where agent_id = 'A9'") == [{"is_inferred": True}]


def test_rows_say_what_became_of_them(home: WarehouseFixture) -> None:
    rows = home.rows("select business_key, rule_id, status from audit.audit_quarantined_row order by all")
    assert [tuple(row.values()) for row in rows] == [
        ("E2", "ticket_event_without_ticket", "released"),
        ("E3", "row_discarded", "discarded"),
        ("E3", "ticket_event_without_ticket", "discarded"),
    ]


def test_a_decision_is_a_row(home: WarehouseFixture) -> None:
    (row,) = home.rows("select * exclude (decision_key) from audit.audit_decision")
    expected = {name: value for name, value in DECISION.items() if name != "verdict"}
    assert row == expected | {"decision_verdict": "release"}
