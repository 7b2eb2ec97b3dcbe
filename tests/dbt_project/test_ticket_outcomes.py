"""Contacts, repeats, call-backs and the days of agents against slow references in plain Python, on random histories."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.support.reference_outcomes import History, judge, repeated
from tests.support.warehouse_fixture import WarehouseFixture

AS_OF = datetime(2026, 6, 30, 16)
TICKETS = 2500
SEED = 20260630
HALF_DAY = timedelta(hours=12)
# Minutes between events: on, just under and just over the limit of a contact, and steps that meet the windows of days.
GAPS = (1, 30, 239, 240, 241, 720, 720, 1440, 1440, 7 * 1440)
KINDS = ("status_change",) * 4 + ("customer_message", "agent_message", "agent_message", "note", "call", "reopen",
         "automatic_reply", "bot_message", "transfer")  # fmt: skip


@dataclass
class Company:
    """The built home, and the histories behind it by ticket."""

    home: WarehouseFixture
    histories: list[History]
    rows: dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    chance = random.Random(SEED)
    histories = [_history(chance, number) for number in range(TICKETS)]
    home = WarehouseFixture(tmp_path_factory.mktemp("outcomes"))
    home.deliver("ticket", _shuffled(chance, (one.ticket for one in histories)), source="desk")
    for entity, of_one in (("ticket_event", "events"), ("visit", "visits"), ("follow_up", "follow_ups")):
        rows = _shuffled(chance, (row for one in histories for row in getattr(one, of_one)))
        home.deliver(entity, rows, source="desk")
    selected = ("fct_ticket_repeat", "fct_agent_daily")
    home.build("--select", *(f"+{mart}" for mart in selected), "--indirect-selection", "cautious")
    for one in histories:
        one.settle(AS_OF)
    rows_of = {row["ticket_id"]: row for row in home.rows("select * from marts.fct_ticket")}
    return Company(home, histories, rows_of)


def _shuffled(chance: random.Random, rows: Iterator[Any]) -> list[Any]:
    listed = list(rows)
    chance.shuffle(listed)
    return listed


def _history(chance: random.Random, number: int) -> History:
    created = AS_OF - HALF_DAY * chance.randrange(1, 180)
    name = f"T{number}"
    customer = chance.choice([None, *range(12), *range(80)])
    ticket = {
        "ticket_id": name,
        "customer_id": None if customer is None else f"C{customer}",
        "issue_type": chance.choice(["repair", "repair", "usage", None]),
        "product_id": chance.choice([None, "P1", "P1"]),
        "asset_id": chance.choice([None, None, "X1", "X2"]),
        "agent_id": chance.choice([None, "A1", "A2", "A3"]),
        "exclusion": "spam" if chance.random() < 0.04 else None,
        "merged_into_ticket_id": f"T{number - 1}" if number and chance.random() < 0.04 else None,
        "handling_minutes": chance.choice([None, 12]),
        "status": "open",
        "created_at": created,
    }
    events = list(_events(chance, name, created))
    visits = [
        {"visit_id": f"{name}.{n}", "ticket_id": name, "arrived_at": at, "finished_at": at + timedelta(minutes=45),
         "outcome": chance.choice(["solved", "no_access", "cancelled", None])}
        for n in range(chance.choice([0, 0, 0, 1, 2]))
        if (at := created + HALF_DAY * chance.randrange(1, 8)) <= AS_OF
    ]  # fmt: skip
    # half a minute off every other contact, so that no two begin at once
    for visit in visits:
        visit["arrived_at"] += timedelta(seconds=30 + visits.index(visit))
    calls = [
        {"follow_up_id": f"{name}.{n}", "ticket_id": name, "contacted_at": at if at <= AS_OF else None,
         "is_reached": chance.choice([True, False, None]), "is_confirmed_solved": chance.choice([True, False, None])}
        for n in range(chance.choice([0, 0, 1, 2]))
        for at in [created + HALF_DAY * chance.randrange(1, 20)]
    ]  # fmt: skip
    return History(ticket, events, [visit for visit in visits if visit["arrived_at"] <= AS_OF], calls)


def _events(chance: random.Random, ticket: str, created: datetime) -> Iterator[dict[str, Any]]:
    at = created
    for n in range(chance.randrange(1, 9)):
        # the first one tells the state, so that no ticket is known by its summary row
        kind = chance.choice(KINDS) if n else "status_change"
        event = {"event_id": f"{ticket}.{n}", "ticket_id": ticket, "event_type": kind, "occurred_at": at,
                 "actor_type": "agent", "agent_id": chance.choice([None, "A1", "A2"])}  # fmt: skip
        if kind == "status_change":
            event["to_value"] = chance.choice(["open", "pending", "resolved", "resolved", "resolved", "closed"])
            event["to_value"] = event["to_value"] if n else "open"
        if kind == "agent_message":
            event |= {"is_public": chance.random() < 0.8, "actor_type": chance.choice(["agent", "agent", "bot"])}
        if kind == "customer_message":
            event["actor_type"] = "customer"
        yield event
        at += timedelta(minutes=chance.choice(GAPS))
        if at > AS_OF:
            return


def test_outcomes_agree_with_the_reference(company: Company) -> None:
    differing = []
    seen: Counter[tuple[str, Any]] = Counter()
    for one in company.histories:
        row = company.rows[one.ticket["ticket_id"]]
        assert row["resolved_at"] == one.resolved_at
        for name, expected in judge(one, company.histories, AS_OF).items():
            if row[name] != expected:
                differing.append((row["ticket_id"], name, row[name], expected))
            if expected is None or isinstance(expected, bool):
                seen[name, expected] += 1
    assert not differing, (len(differing), differing[:10])
    # every answer is there often enough to be about something
    judged = {name for name, value in seen if isinstance(value, bool)}
    assert judged == {
        "is_first_contact_resolved", "is_followed_by_repeat", "is_first_time_fix", "is_follow_up_due",
        "is_followed_up_within_limit", "is_follow_up_reached", "is_follow_up_confirmed_solved",
    }  # fmt: skip
    assert min(seen[name, value] for name in judged for value in (True, False, None)) > 10, seen


def test_repeats_name_the_ticket_before_and_its_agent(company: Company) -> None:
    by_key = {row["ticket_key"]: row for row in company.rows.values()}
    of_name = {one.ticket["ticket_id"]: one for one in company.histories}
    chains: dict[str, list[str]] = {}
    for name, row in company.rows.items():
        may_repeat = [other.ticket["ticket_id"] for other in repeated(of_name[name], company.histories)]
        before = by_key[row["repeat_of_ticket_key"]]["ticket_id"] if row["repeat_of_ticket_key"] else None
        assert (before in may_repeat) if may_repeat else (before is None), (name, before, may_repeat)
        if before:
            chains[name] = [before]
    expected = []
    for name, chain in chains.items():
        while chain[-1] in chains and len(chain) < 20:
            chain.append(chains[chain[-1]][0])
        assert company.rows[name]["repeat_number"] == len(chain) + 1
        expected += [(name, n, earlier, by_key_agent(company, earlier)) for n, earlier in enumerate(chain, start=1)]
    found = company.home.rows(
        "select ticket_id, steps_back, earlier_ticket_id, earlier_agent_key from marts.fct_ticket_repeat"
    )
    assert sorted(tuple(row.values()) for row in found) == sorted(expected)
    assert max(len(chain) for chain in chains.values()) > 5
    numbers = Counter(row["repeat_number"] for row in company.rows.values())
    assert numbers[1] > 100 and numbers[None] > 100


def by_key_agent(company: Company, ticket_id: str) -> int:
    """The agent of a ticket."""
    agent: int = company.rows[ticket_id]["agent_key"]
    return agent


def test_days_of_agents_agree_with_a_recount(company: Company) -> None:
    zone, utc = ZoneInfo("Asia/Shanghai"), ZoneInfo("UTC")

    def day_of(at: datetime) -> date:
        return at.replace(tzinfo=utc).astimezone(zone).date()

    counts: dict[tuple[str, date], Counter[str]] = {}
    touched: set[tuple[str, date, str]] = set()
    for one in company.histories:
        if not one.counts:
            continue
        name, agent = one.ticket["ticket_id"], one.ticket["agent_id"]
        for event in one.events:
            if event["agent_id"] is None or event["actor_type"] != "agent":
                continue
            key = (event["agent_id"], day_of(event["occurred_at"]))
            counts.setdefault(key, Counter())
            if (*key, name) not in touched:
                touched.add((*key, name))
                counts[key]["tickets_touched"] += 1
            counts[key]["reply_count"] += bool(event["event_type"] == "agent_message" and event["is_public"])
        if agent is not None and one.resolved_at is not None:
            solved = counts.setdefault((agent, day_of(one.resolved_at)), Counter())
            row = company.rows[name]
            minutes = row["handling_minutes"] if row["handling_minutes"] is not None else row["visit_minutes"]
            solved["tickets_solved"] += 1
            solved["solved_reply_count"] += row["human_reply_count"]
            solved["handled_count"] += minutes is not None
            solved["handling_minutes"] += minutes or 0
    rows = company.home.rows(
        "select daily.*, agent_id from marts.fct_agent_daily daily join marts.dim_agent using (agent_key)"
    )
    assert {(row["agent_id"], row["date_day"]) for row in rows} == set(counts)
    for row in rows:
        for name, value in counts[row["agent_id"], row["date_day"]].items():
            assert (row[name] or 0) == pytest.approx(value, abs=1e-5), (row, name, value)
    assert sum(row["handling_minutes"] is None and row["tickets_solved"] > 0 for row in rows) > 0
