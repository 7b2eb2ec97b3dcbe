"""fct_ticket against a slow reference in plain Python, on random histories; and its events over several nights."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.reference_business_time import NAMES, Hours, WallClock
from tests.support.reference_ticket import Held, measure
from tests.support.warehouse_fixture import WarehouseFixture

AS_OF = datetime(2026, 6, 30, 16)
FIRST_DAY = date(2026, 4, 30)  # no ticket is older
TICKETS = 2000
SEED = 20260630
MEASURES = (
    "status", "first_response_minutes", "human_reply_count", "first_resolution_minutes", "service_cycle_minutes",
    "reopen_count", "is_resolved", "is_resolved_within_30d", "requester_wait_minutes", "agent_wait_minutes",
    "agent_work_minutes", "on_hold_minutes", "life_minutes", "is_one_touch", "first_response_business_minutes",
    "first_resolution_business_minutes", "service_cycle_business_minutes", "requester_wait_business_minutes",
    "agent_wait_business_minutes", "agent_work_business_minutes", "on_hold_business_minutes", "life_business_minutes",
)  # fmt: skip

_DAY = ("09:00-12:00", "13:00-18:00")
OFFICE = Hours(
    "Asia/Shanghai", dict.fromkeys(NAMES[:5], _DAY), frozenset({date(2026, 6, 19)}), {date(2026, 6, 14): "fri"}
)
NIGHT = Hours("America/New_York", dict.fromkeys(NAMES, ("22:00-06:00",)))
ALWAYS = Hours(always=True)
# Team -> its hours, one after another; T0 is in no list, so the default is its.
TEAMS = {
    "T0": [(None, OFFICE)],
    "T1": [(None, NIGHT)],
    "T2": [(None, ALWAYS)],
    "T3": [(None, OFFICE), (date(2026, 6, 10), NIGHT)],
}
CALENDARS = f"""
calendars: {{office: {OFFICE.as_yaml()}, night: {NIGHT.as_yaml()}, always: {ALWAYS.as_yaml()}}}
default: office
teams: {{T1: night, T2: always, T3: [{{calendar: office}}, {{calendar: night, from: 2026-06-10}}]}}
"""


def only(model: str) -> tuple[str, ...]:
    """Options of a build of one mart and what it needs, with the tests that need no more than that."""
    return "--select", f"+{model}", "--indirect-selection", "cautious"


def _history(chance: random.Random, number: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A ticket and its events, in order; one without a status change says that it was created, and is still new."""
    created = AS_OF - timedelta(seconds=chance.randrange(60, 60 * 86400))
    ticket = {"ticket_id": f"T{number}", "status": "hold", "created_at": created, "reopen_count": 99,
              "first_response_at": created, "is_agent_created": chance.random() < 0.2,
              "team_id": chance.choice(list(TEAMS))}  # fmt: skip
    events: list[dict[str, Any]] = []
    kinds = ["status_change"] * 5 + ["reopen", "agent_message", "agent_message", "note", "customer_message",
             "automatic_reply", "bot_message", "bot_handover", "transfer", "transfer"]  # fmt: skip
    if chance.random() < 0.1:
        ticket["status"], kinds = "new", kinds[6:]
        events.append({"event_id": f"{number}.created", "ticket_id": f"T{number}", "event_type": "created",
                       "occurred_at": created, "actor_type": "customer"})  # fmt: skip
    at = created
    for n in range(chance.randrange(1, 12)):
        at += timedelta(seconds=chance.choice([1, 60, 7200, 86400, 10 * 86400]) * chance.randrange(1, 5))
        if at > AS_OF and events:
            break
        kind = chance.choice(kinds) if events else "status_change"
        events.append({"ticket_id": f"T{number}", **_event(chance, f"{number}.{n}", kind, min(at, AS_OF))})
    for event in events:
        if event["event_type"] == "transfer":
            # to a team, or to something that is none; the summary row says where the ticket is in the end
            event["from_value"] = ticket["team_id"]
            event["to_value"] = chance.choice([*TEAMS, "a queue"])
            ticket.setdefault("first_team", ticket["team_id"])
            ticket["team_id"] = event["to_value"] if event["to_value"] in TEAMS else ticket["team_id"]
    return ticket, events


def _event(chance: random.Random, name: str, kind: str, at: datetime) -> dict[str, Any]:
    event: dict[str, Any] = {"event_id": name, "event_type": kind, "occurred_at": at, "actor_type": "agent"}
    if kind == "status_change":
        event["to_value"] = chance.choice(["new", "open", "pending", "hold", "resolved", "resolved", "closed"])
    if kind == "agent_message":
        event["is_public"] = chance.random() < 0.8
        event["actor_type"] = chance.choice(["agent", "agent", "agent", "bot"])
    return event


def _deliver_silent_tickets(home: WarehouseFixture) -> None:
    """A source whose summary rows tell of no response, and whose log holds messages and a transfer of one ticket."""
    created = {"talked": 10, "silent": 12, "solved": 12, "young": 30, "older": 9}
    tickets = [{"ticket_id": name, "status": "open", "created_at": datetime(2026, 6, day, 14, 30)}
               for name, day in created.items()]  # fmt: skip
    tickets[2] |= {"status": "resolved", "resolved_at": datetime(2026, 6, 13)}
    home.deliver("ticket", tickets, source="chat")
    kinds = ["customer_message", "agent_message", "transfer"]
    home.deliver(
        "ticket_event",
        [{"event_id": f"chat{n}", "ticket_id": "talked", "event_type": kind,
          "actor_type": "customer" if kind == "customer_message" else "agent",
          "occurred_at": datetime(2026, 6, 10, 14, 40 + n)} for n, kind in enumerate(kinds)],
        source="chat",
    )  # fmt: skip


def _check_silent_tickets(home: WarehouseFixture) -> None:
    rows = home.rows(
        "select ticket_id, is_response_told, is_first_response_within_2h, is_first_response_within_4h,"
        " first_response_open_wait_minutes, transfer_count, escalation_count from marts.fct_ticket"
        " where source = 'chat' order by ticket_id"
    )
    assert [tuple(row.values()) for row in rows] == [
        # the log had not begun
        ("older", False, None, None, None, None, None),
        ("silent", True, False, False, 18 * 1440 + 90, 0, None),
        # nobody waits for the answer any more, but it was due
        ("solved", True, False, False, None, 0, None),
        ("talked", True, True, True, None, 1, None),
        # too young for either limit
        ("young", True, None, None, 90, 0, None),
    ]


def test_random_histories_agree_with_the_reference(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    histories = [_history(chance, number) for number in range(TICKETS)]
    first_teams = {ticket["ticket_id"]: ticket.pop("first_team", ticket["team_id"]) for ticket, _ in histories}
    home = WarehouseFixture(tmp_path)
    home.calendars(CALENDARS)
    home.deliver("team", [{"team_id": team} for team in TEAMS], source="desk")
    home.deliver("ticket", [ticket for ticket, _ in histories], source="desk")
    events = [event for _, events in histories for event in events]
    chance.shuffle(events)
    home.deliver("ticket_event", events, source="desk")
    _deliver_silent_tickets(home)
    home.build(*only("fct_ticket"))
    _check_silent_tickets(home)
    rows = {row["ticket_id"]: row for row in home.rows("select * from marts.fct_ticket where source = 'desk'")}
    assert len(rows) == TICKETS
    differing = []
    clocks = {team: WallClock(hours, FIRST_DAY, AS_OF.date()) for team, hours in TEAMS.items()}
    for ticket, events in histories:
        row = rows[ticket["ticket_id"]]
        held = Held(first_teams[ticket["ticket_id"]], events, clocks)
        expected = measure(ticket["created_at"], ticket["is_agent_created"], events, AS_OF, held)
        for name in MEASURES:
            if row[name] != pytest.approx(getattr(expected, name), abs=1e-6):
                differing.append((ticket["ticket_id"], name, row[name], getattr(expected, name)))
    assert not differing, differing[:10]
    # the histories reach what the rules are about
    assert {row["states_from"] for row in rows.values()} == {"events"}
    assert min(sum(row[name] > 0 for row in rows.values()) for name in ("reopen_count", "on_hold_minutes")) > 20
    assert sum(row["first_response_minutes"] is None for row in rows.values()) > 20
    assert sum(0 < (row["service_cycle_business_minutes"] or 0) < row["service_cycle_minutes"] for row in rows.values()
               if row["service_cycle_minutes"]) > 20  # fmt: skip
    assert (
        home.value("select count(*) from (select ticket_key from intermediate.int_ticket_span where position > 1)") > 20
    )
    assert {row["is_resolved_within_30d"] for row in rows.values()} == {True, False, None}


def test_events_follow_versions_replaced_gates_and_deletions(tmp_path: Path) -> None:
    home = WarehouseFixture(tmp_path)
    day = datetime(2026, 6, 1)
    home.deliver("ticket", [{"ticket_id": "T1"}], source="desk", night="2026-06-28")

    def event(number: int, to_value: str, version: int = 1, **more: Any) -> dict[str, Any]:
        return {"event_id": f"E{number}", "ticket_id": "T1", "event_type": "status_change", "occurred_at": day,
                "to_value": to_value, "updated_at": day + timedelta(hours=version), **more}  # fmt: skip

    history = [event(1, "open"), event(2, "open"), event(3, "open"), event(4, "open")]
    home.deliver("ticket_event", history, source="desk", night="2026-06-28", batch="first")
    home.build(*only("fct_ticket_event"))
    corrected = [event(1, "pending", 2), event(2, "pending", 2), event(4, "open", 2, is_deleted=True)]
    home.deliver("ticket_event", corrected, source="desk", night="2026-06-29", batch="second")
    home.build(*only("fct_ticket_event"))
    query = "select event_id, to_value, batch_id from marts.fct_ticket_event order by event_id"
    assert [tuple(row.values()) for row in home.rows(query)] == [
        ("E1", "pending", "second"), ("E2", "pending", "second"), ("E3", "open", "first"),
    ]  # fmt: skip
    # the second batch is gated again and E2 is no longer in it: its first version holds again
    home.deliver("ticket_event", [event(1, "hold", 2)], source="desk", night="2026-06-29", batch="second")
    home.build(*only("fct_ticket_event"))
    expected = [("E1", "hold", "second"), ("E2", "open", "first"), ("E3", "open", "first"), ("E4", "open", "first")]
    assert [tuple(row.values()) for row in home.rows(query)] == expected
    whole = "select * from marts.fct_ticket_event order by event_key"
    incremental = home.rows(whole)
    # nothing says by which gate, or in which place of a file, an event came in
    assert not {"gate_no", "row_number", "row_id"} & set(incremental[0])
    home.build(*only("fct_ticket_event"), full_refresh=True)
    assert home.rows(whole) == incremental
