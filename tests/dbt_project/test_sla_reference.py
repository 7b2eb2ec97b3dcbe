"""fct_ticket_sla: cases worked out by hand, and thousands of random histories against a slow reference; one build."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from include.configuration.sla import ServiceLevels
from include.configuration.sla_tables import sla_policy_rows
from include.settings import PROJECT_ROOT
from tests.support.reference_sla import Clock, Policy, Schedule, Ticket, clocks_of
from tests.support.warehouse_fixture import WarehouseFixture

AS_OF = datetime(2026, 6, 30, 16)
TICKETS = 2000
SEED = 20260701
ZONE = "Asia/Shanghai"
HOLIDAY = date(2026, 6, 19)
DAYS = [date(2026, 4, 1) + timedelta(days=n) for n in range(300)]
CALENDARS = """\
calendars:
  office:
    time_zone: Asia/Shanghai
    slots: {mon: &day ["09:00-12:00", "13:00-18:00"], tue: *day, wed: *day, thu: *day, fri: *day}
    holidays: {2026-06-19: {zh: 端午, en: Dragon Boat Festival}}
  nights:
    time_zone: Europe/London
    slots: {mon: ["22:00-06:00"], wed: ["22:00-06:00"], sat: ["10:00-14:30"]}
  hotline: {always: true}
default: office
teams: {T2: hotline, T3: nights}
"""
OFFICE = Schedule.weekly({n: [("09:00", "12:00"), ("13:00", "18:00")] for n in range(5)}, ZONE, DAYS, [HOLIDAY])
NIGHTS = Schedule.weekly(
    {0: [("22:00", "06:00")], 2: [("22:00", "06:00")], 5: [("10:00", "14:30")]}, "Europe/London", DAYS
)
HOTLINE = Schedule([(datetime(2026, 4, 1), datetime(2027, 1, 1))])
SCHEDULES = {"T1": OFFICE, "T2": HOTLINE, "T3": NIGHTS, None: OFFICE}


def policy(
    name: str, targets: tuple[int, int, int] | dict[str, int], hours: str = "business", **more: Any
) -> dict[str, Any]:
    """One entry of sla.yml."""
    if isinstance(targets, tuple):
        targets = dict(zip(("first_response", "next_response", "resolution"), targets, strict=True))
    return {"name": name, "words": {"en": name, "zh": name}, "targets": targets, "hours": hours, **more}


POLICIES = [
    policy("exempt", {}, issue_type=["recall"]),
    policy("campaign", (10, 20, 300), "calendar", channel=["chat", "phone"], valid_from="2026-06-05",
           valid_to="2026-06-12"),
    policy("vip_urgent", (15, 30, 240), "calendar", tier=["vip"], priority=["urgent"]),
    policy("vip", (60, 60, 960), tier=["vip", "key_account"]),
    policy("urgent", (30, 60, 480), "calendar", priority=["urgent"]),
    policy("high_messages", {"first_response": 120, "next_response": 180}, priority=["high"]),
    policy("standard", (240, 480, 1440), valid_from="2026-05-20"),
]  # fmt: skip


def reference_policies() -> list[Policy]:
    """The same for the reference: local days as UTC instants, Shanghai being eight hours ahead."""
    eight = timedelta(hours=8)
    return [
        {
            "name": one["name"], "targets": one["targets"], "business": one["hours"] == "business",
            **{name: one.get(name) for name in ("tier", "priority", "issue_type", "channel")},
            "since": datetime.fromisoformat(one["valid_from"]) - eight if "valid_from" in one else None,
            "until": datetime.fromisoformat(one["valid_to"]) + timedelta(days=1) - eight if "valid_to" in one else None,
        }
        for one in POLICIES
    ]  # fmt: skip


@dataclass
class Case:
    """A ticket as delivered, with its events, and the customer that it is of."""

    ticket: dict[str, Any]
    events: list[dict[str, Any]]
    first_priority: str | None = None
    first_team: str | None = None


# Customers: always of one tier, or of another one from the change on; C4 is known to nobody.
CHANGED = datetime(2026, 6, 10, 2, 0, 0, 1)
TIERS: dict[str, tuple[str | None, str | None]] = {
    "C1": ("vip", "vip"), "C2": ("standard", "standard"), "C3": ("standard", "vip"), "C4": (None, None),
}  # fmt: skip


def random_case(chance: random.Random, number: int) -> Case:
    """A ticket of May or June 2026 with up to a dozen events, some of them at one instant."""
    # every third one is young, so that clocks are still running
    young = chance.random() < 0.3
    created = AS_OF - timedelta(microseconds=chance.randrange((2 if young else 50) * 86_400_000_000))
    if chance.random() < 0.5:  # on the minute, so that targets are reached at borders
        created = created.replace(second=0, microsecond=0, minute=created.minute // 15 * 15)
    created = min(created, AS_OF - timedelta(minutes=1))
    name, at = f"R{number}", created
    priority = first_priority = chance.choice(["urgent", "high", "normal", "low", None])
    team = first_team = chance.choice(["T1", "T2", "T3", None])
    events: list[dict[str, Any]] = [
        {"event_type": "status_change", "from_value": "new", "to_value": "open", "occurred_at": created}
    ]
    kinds = ["status_change"] * 5 + ["reopen"] + ["customer_message", "agent_message"] * 4 + [
        "note", "automatic_reply", "bot_handover", "transfer", "transfer", "priority_change", "priority_change",
    ]  # fmt: skip
    for _ in range(chance.randrange(12)):
        step = chance.choice([0, 60, 900, 900, 3600, 3600, 10800, *([] if young else [86400, 3 * 86400])])
        at += timedelta(seconds=step * chance.randrange(1, 4)) + timedelta(
            microseconds=chance.choice([0, 0, 0, 1, 417])
        )
        if at > AS_OF:
            break
        event: dict[str, Any] = {"event_type": chance.choice(kinds), "occurred_at": at, "actor_type": "agent"}
        if event["event_type"] == "status_change":
            event["to_value"] = chance.choice(["open", "pending", "pending", "hold", "resolved", "resolved", "closed"])
        elif event["event_type"] == "agent_message":
            event |= {
                "is_public": chance.random() < 0.85,
                "actor_type": chance.choice(["agent", "agent", "agent", "bot"]),
            }
        elif event["event_type"] == "transfer":
            event |= {"from_value": team, "to_value": chance.choice(["T1", "T2", "T3"])}
            team = event["to_value"]
        elif event["event_type"] == "priority_change":
            event |= {"from_value": priority, "to_value": chance.choice(["urgent", "high", "normal"])}
            priority = event["to_value"]
        events.append(event)
    ticket = {
        "ticket_id": name, "customer_id": chance.choice(list(TIERS)), "customer_id_space": "crm", "created_at": created,
        "status": "open", "priority": priority, "team_id": team, "is_agent_created": chance.random() < 0.1,
        "channel": chance.choice(["chat", "mail", None]), "issue_type": chance.choice(["leak", "leak", "recall", None]),
    }  # fmt: skip
    for n, event in enumerate(events):
        event |= {"event_id": f"{name}.{n}", "ticket_id": name}
    return Case(ticket, events, first_priority, first_team)


def expected(case: Case) -> list[Clock]:
    """What the reference says."""
    ticket = case.ticket
    before, after = TIERS[ticket["customer_id"]]
    known = Ticket(
        ticket["created_at"], ticket["is_agent_created"], ticket["issue_type"], ticket["channel"], case.first_priority,
        case.first_team, lambda at: after if at >= CHANGED else before, case.events,
    )  # fmt: skip
    return clocks_of(known, reference_policies(), SCHEDULES, AS_OF)


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    chance = random.Random(SEED)
    return [random_case(chance, number) for number in range(TICKETS)]


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory, cases: list[Case]) -> Iterator[WarehouseFixture]:
    home = WarehouseFixture(tmp_path_factory.mktemp("sla"))
    home.calendars(CALENDARS)
    home.control("sla_policy", sla_policy_rows(ServiceLevels.model_validate({"policies": POLICIES}), ZONE))
    since = datetime(2025, 1, 1)
    first = [{"customer_id": name, "tier": tier, "updated_at": since} for name, (tier, _) in TIERS.items()]
    home.deliver("customer", first, source="crm", night="2026-05-01")
    home.deliver("customer", [{"customer_id": "C3", "tier": "vip", "updated_at": CHANGED}], source="crm")
    home.deliver("team", [{"team_id": name} for name in ("T1", "T2", "T3")], source="desk")
    by_hand = [Case(*HAND[name]) for name in HAND]
    home.deliver("ticket", [case.ticket for case in [*cases, *by_hand]], source="desk")
    events = [event for case in [*cases, *by_hand] for event in case.events]
    random.Random(SEED).shuffle(events)
    home.deliver("ticket_event", events, source="desk")
    home.deliver("ticket", SUMMARIES, source="plain")
    home.build("--select", "+fct_ticket_sla", "+dim_agent", "--indirect-selection", "cautious")
    yield home


def test_random_histories_agree_with_the_reference(warehouse: WarehouseFixture, cases: list[Case]) -> None:
    rows = warehouse.rows("select * from marts.fct_ticket_sla where ticket_id like 'R%'")
    found = {(row["ticket_id"], row["sla_clock"], row["instance"]): row for row in rows}
    wanted = {(case.ticket["ticket_id"], one.name, one.instance): one for case in cases for one in expected(case)}
    assert set(found) == set(wanted)
    assert len(found) == len(rows) > 2 * TICKETS
    differing = []
    for key, one in wanted.items():
        row = found[key]
        compared = {
            "started_at": one.started_at, "stopped_at": one.stopped_at, "stopped_by": one.stopped_by,
            "policy": one.policy, "target_minutes": one.target, "is_business_hours": one.is_business_hours,
            "elapsed_minutes": None if one.elapsed is None else one.elapsed / 60_000_000,
            "paused_minutes": one.paused / 60_000_000, "due_at": one.due_at, "state": one.state,
            "priority": one.priority, "breached_at": one.due_at if one.state == "breached" else None,
            "minutes_left": (one.target or 0) - (one.elapsed or 0) / 60_000_000 if one.state == "running" else None,
        }  # fmt: skip
        for name, value in compared.items():
            if row[name] != (pytest.approx(value, abs=1e-9) if isinstance(value, float) else value):
                differing.append((*key, name, row[name], value))
    assert not differing, (len(differing), differing[:10])
    # the histories reach what the rules are about
    states = Counter((one.name, one.state) for one in wanted.values())
    for clock in ("first_response", "next_response", "resolution"):
        assert min(states[clock, state] for state in ("met", "breached", "running", None)) > 5, states
    assert sum(one.instance > 1 for one in wanted.values() if one.name == "resolution") > 100
    assert sum(one.stopped_by == "solved" for one in wanted.values() if one.name == "next_response") > 20
    assert sum(one.state == "breached" and one.stopped_at is None for one in wanted.values()) > 50
    assert sum(one.state == "running" and one.due_at is None for one in wanted.values()) > 5  # paused
    assert sum(one.paused > 0 and bool(one.is_business_hours) for one in wanted.values()) > 50


def at(text: str) -> datetime:
    """Local time in Shanghai, in June 2026 (`day hour:minute…`), as UTC."""
    day, clock = text.split()
    return datetime.fromisoformat(f"2026-06-{int(day):02} {clock}") - timedelta(hours=8)


def hand(name: str, created: str, *events: tuple[Any, ...], **more: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A ticket of the standard customer, team T1 (office hours), and its events: (when, type, values)."""
    ticket = {"ticket_id": name, "customer_id": "C2", "customer_id_space": "crm", "status": "new", "team_id": "T1",
              "priority": "normal", "created_at": at(created), **more}  # fmt: skip
    told: list[dict[str, Any]] = [{"event_id": f"{name}.0", "event_type": "created", "occurred_at": at(created)}]
    for n, (when, kind, *values) in enumerate(events, 1):
        told.append({"event_id": f"{name}.{n}", "event_type": kind, "occurred_at": at(when), "actor_type": "agent",
                     "is_public": True, **(values[0] if values else {})})  # fmt: skip
    return ticket, [{**event, "ticket_id": name} for event in told]


REPLY, ASK, NOTE = "agent_message", "customer_message", "note"
CHANGE = "status_change"


def to(value: str, before: str | None = None) -> dict[str, Any]:
    """Values of a change."""
    return {"to_value": value, "from_value": before}


# 2026-06-15 is a Monday. Office hours are 9 to 12 and 13 to 18; standard is 240 / 480 / 1440 business minutes, urgent
# 30 / 60 / 480 around the clock.
HAND = {
    name: hand(name, *told, **more)
    for name, told, more in [
        ("exactly", ("15 09:00", ("15 14:00", REPLY)), {}),
        ("later", ("15 09:00", ("15 14:00:00.000001", REPLY)), {}),
        ("overdue", ("29 09:00", ("29 09:30", NOTE)), {}),
        ("not_yet", ("30 15:00", ("30 15:30", NOTE)), {}),
        ("raised", ("15 09:00", ("15 10:00", "priority_change", to("urgent", "normal")), ("15 10:30", REPLY)),
         {"priority": "urgent"}),
        ("lowered", ("15 09:00", ("15 09:40", "priority_change", to("normal", "urgent")), ("15 09:45", REPLY)), {}),
        ("lowered_in_time", ("15 09:00", ("15 09:20", "priority_change", to("normal", "urgent")), ("15 11:00", REPLY)),
         {}),
        ("paused", ("15 09:00", ("15 10:00", CHANGE, to("pending", "new")), ("17 10:00", CHANGE, to("open", "pending")),
                    ("17 11:00", CHANGE, to("resolved", "open"))), {}),
        ("waiting", ("29 09:00", ("29 10:00", CHANGE, to("pending", "new"))), {}),
        ("reopened", ("15 09:00", ("15 11:00", CHANGE, to("resolved", "new")),
                      ("16 09:00", CHANGE, to("open", "resolved")), ("16 09:30", CHANGE, to("resolved", "open"))), {}),
        ("weekend", ("12 17:00", ("15 10:00", REPLY)), {}),
        ("holiday", ("18 17:00", ("22 09:00", REPLY)), {}),
        ("campaign", ("4 23:40", ("5 00:05", REPLY)), {"channel": "chat"}),
        ("campaign_over", ("12 23:55", ("13 00:30", REPLY)), {"channel": "chat"}),
        ("next", ("15 09:00", ("15 09:00", ASK), ("15 09:30", REPLY), ("15 10:00", ASK), ("15 10:30", ASK),
                  ("15 14:00", REPLY), ("15 14:30", ASK), ("15 15:00", CHANGE, to("resolved", "new")),
                  ("15 16:00", ASK)), {}),
        ("spam", ("15 09:00", ("15 10:00", REPLY)), {"exclusion": "spam"}),
        ("gone", ("15 09:00", ("15 10:00", CHANGE, to("deleted", "new"))), {}),
        ("bot", ("15 09:00", ("15 09:20", "bot_handover"), ("15 13:20", REPLY)), {}),
    ]
}  # fmt: skip
SUMMARIES: list[dict[str, Any]] = [
    {"ticket_id": name, "created_at": at("15 09:00"), "priority": "normal", "customer_id": "C2",
     "customer_id_space": "crm", **told}
    for name, told in [
        ("s_solved", {"status": "resolved", "resolved_at": at("17 18:00"), "first_response_at": at("15 09:30")}),
        ("s_reopened", {"status": "resolved", "resolved_at": at("17 18:00"), "reopen_count": 1}),
        ("s_open", {"status": "open"}),
    ]
]  # fmt: skip


def clock(home: WarehouseFixture, ticket: str, name: str = "first_response", instance: int = 1) -> dict[str, Any]:
    (row,) = home.rows(
        "select * from marts.fct_ticket_sla where ticket_id = ? and sla_clock = ? and instance = ?",
        ticket,
        name,
        instance,
    )
    return row


@pytest.mark.parametrize(
    ("ticket", "state", "target", "elapsed", "due"),
    [
        ("exactly", "met", 240, 240, "15 14:00"),
        ("later", "breached", 240, 240 + 1 / 60_000_000, "15 14:00"),
        ("overdue", "breached", 240, 960, "29 14:00"),
        ("not_yet", "running", 240, 180, "1 10:00"),
        # an hour had passed when 30 minutes became the target
        ("raised", "breached", 30, 90, "15 10:00"),
        ("lowered", "breached", 30, 45, "15 09:30"),
        ("lowered_in_time", "met", 240, 120, "15 14:00"),
        ("weekend", "met", 240, 120, "15 12:00"),
        ("holiday", "met", 240, 60, "22 12:00"),
        # the campaign's 10 minutes hold from midnight on, of a clock that had run since the creation
        ("campaign", "breached", 10, 25, "5 00:00"),
        # it ended at midnight, 5 of its 10 minutes had passed; then standard in business hours, on Monday
        ("campaign_over", "met", 240, 0, "15 14:00"),
        ("bot", "met", 240, 180, "15 14:20"),
        ("s_solved", "met", 240, 30, "15 14:00"),
    ],
)
def test_first_response(
    warehouse: WarehouseFixture, ticket: str, state: str, target: int, elapsed: float, due: str
) -> None:
    row = clock(warehouse, ticket)
    assert (row["state"], row["target_minutes"]) == (state, target)
    assert row["elapsed_minutes"] == pytest.approx(elapsed, abs=1e-9)
    assert row["due_at"] == (datetime(2026, 7, 1, 2) if ticket == "not_yet" else at(due))
    assert row["breached_at"] == (row["due_at"] if state == "breached" else None)
    assert row["minutes_left"] == (60 if ticket == "not_yet" else None)


def test_the_resolution_pauses_while_the_customer_is_asked(warehouse: WarehouseFixture) -> None:
    row = clock(warehouse, "paused", "resolution")
    # 9 to 10 on Monday, 10 to 11 on Wednesday; two days of pause
    assert (row["state"], row["elapsed_minutes"], row["paused_minutes"]) == ("met", 120, 2880)
    assert (row["wait_minutes"], row["wait_business_minutes"]) == (3000, 18 * 60)
    # 22 hours were left at 11 on Wednesday: 6 on that day, 8 on Thursday, none on the holiday, 8 on Monday
    assert row["due_at"] == at("22 18:00")
    waiting = clock(warehouse, "waiting", "resolution")
    assert (waiting["state"], waiting["elapsed_minutes"], waiting["minutes_left"]) == ("running", 60, 1380)
    assert waiting["due_at"] is None


def test_a_reopening_starts_the_next_instance(warehouse: WarehouseFixture) -> None:
    first, second = (clock(warehouse, "reopened", "resolution", n) for n in (1, 2))
    assert (first["started_at"], first["stopped_at"], first["elapsed_minutes"]) == (at("15 09:00"), at("15 11:00"), 120)
    assert (second["started_at"], second["stopped_at"], second["elapsed_minutes"]) == (
        at("16 09:00"),
        at("16 09:30"),
        30,
    )
    assert warehouse.value("select count(*) from marts.fct_ticket_sla where ticket_id = 'reopened'") == 3


def test_next_responses_are_runs_after_the_first_response(warehouse: WarehouseFixture) -> None:
    rows = warehouse.rows(
        "select instance, started_at, stopped_at, stopped_by, wait_minutes, wait_business_minutes, state "
        "from marts.fct_ticket_sla where ticket_id = 'next' and sla_clock = 'next_response' order by instance"
    )
    # the message that opened the ticket is the first response's; thanks after the solving wait for nobody
    assert [tuple(row.values()) for row in rows] == [
        (1, at("15 10:00"), at("15 14:00"), "reply", 240, 180, "met"),
        (2, at("15 14:30"), at("15 15:00"), "solved", 30, 30, "met"),
    ]


def test_tickets_that_do_not_count_have_no_clocks(warehouse: WarehouseFixture) -> None:
    assert warehouse.value("select count(*) from marts.fct_ticket_sla where ticket_id in ('spam', 'gone')") == 0


def test_a_summary_row_knows_of_no_pauses(warehouse: WarehouseFixture) -> None:
    solved = clock(warehouse, "s_solved", "resolution")
    assert (solved["told_by"], solved["paused_minutes"], solved["elapsed_minutes"]) == ("summary", None, 1440)
    assert solved["state"] == "met"
    # when a reopened ticket was first solved, its summary does not say
    assert (
        warehouse.rows("select * from marts.fct_ticket_sla where ticket_id = 's_reopened' and sla_clock = 'resolution'")
        == []
    )
    still = clock(warehouse, "s_open", "resolution")
    assert (still["state"], still["stopped_at"], still["paused_minutes"]) == ("breached", None, None)
    assert clock(warehouse, "exactly", "resolution")["paused_minutes"] == 0


def test_the_documented_list_begins_with_what_is_overdue(warehouse: WarehouseFixture) -> None:
    page = (PROJECT_ROOT / "docs" / "service_levels.md").read_text(encoding="utf-8")
    (query,) = re.findall(r"```sql\n(.*?);\n```", page, re.DOTALL)
    rows = warehouse.rows(query)
    states = [row["state"] for row in rows]
    assert states == sorted(states) and {"breached", "running"} == set(states)
    left = [row["minutes_left"] for row in rows if row["state"] == "running"]
    assert left == sorted(left)
    found = {(row["ticket_id"], row["sla_clock"]): row for row in rows}
    assert found["overdue", "first_response"]["minutes_over"] == 720
    assert found["not_yet", "first_response"]["minutes_left"] == 60
    assert not {"exactly", "spam", "gone"} & {row["ticket_id"] for row in rows if row["sla_clock"] == "first_response"}
