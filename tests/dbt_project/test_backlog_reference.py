"""fct_backlog_daily against a slow reference in plain Python, on random lives of tickets; and its identities."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from tests.support.reference_backlog import Life, Step, backlog
from tests.support.warehouse_fixture import WarehouseFixture

# In the middle of a local day, so that the last day is not over.
AS_OF = datetime(2026, 6, 30, 9, 30)
ZONE = ZoneInfo("Asia/Shanghai")
DAYS = 45
TICKETS = 2000
SEED = 20260630
FLOWS = ("opening", "created", "reopened", "moved_in", "solved", "moved_out", "closing",
         "open_0_1d", "open_1_3d", "open_3_7d", "open_over_7d")  # fmt: skip
PRODUCTS = {"P1": "air", "P2": "water", None: None}
REGIONS = {"C1": "east", "C2": "west", None: None}


def _life(chance: random.Random, number: int) -> tuple[Life, dict[str, Any], list[dict[str, Any]]]:
    # on the half hour, so that creations, changes and the borders of ages often meet local midnight
    created = AS_OF - timedelta(minutes=30 * chance.randrange(1, 48 * (DAYS - 1)))
    team, priority = chance.choice([None, "T1", "T2"]), chance.choice(["high", "low", None])
    product, customer = chance.choice(list(PRODUCTS)), chance.choice(list(REGIONS))
    ticket: dict[str, Any] = {
        "ticket_id": f"K{number}",
        "created_at": created,
        "channel": chance.choice(["phone", None]),
        "customer_id": customer,
        "customer_id_space": "crm" if customer else None,
        "product_id": product,
        "product_id_space": "crm" if product else None,
        "status": "open",
    }
    fixed = (ticket["channel"], REGIONS[customer], PRODUCTS[product])
    if chance.random() < 0.2:
        return _summary_only(chance, ticket, Life(created, "open", team, priority, fixed, []))
    first = chance.choice(["new", "new", "open", "closed"])
    steps: list[Step] = []
    events = [_event(number, 0, "created", created, None, first)]
    at, now = created, {"status": first, "team": team, "priority": priority}
    for _ in range(chance.randrange(1, 8)):
        # closed and open again in one instant is a reopening that looking at instants can't see
        least = 1 if first == "closed" and not steps else 0
        at += timedelta(minutes=30 * max(chance.choice([0, 1, 12, 48, 48, 96, 144, 336]), least))
        if at > AS_OF:
            break
        # at one instant at most one change of each kind; the first change is one of status
        kinds = ["status", "status", "team", "priority"] if steps else ["status"]
        kinds = [kind for kind in kinds if not any(step.at == at and step.attribute == kind for step in steps)]
        kind = chance.choice(kinds or ["none"])
        if kind == "none":
            continue
        value = chance.choice({"status": ["open", "pending", "resolved", "resolved", "closed"],
                               "team": ["T1", "T2", "T3"], "priority": ["high", "low"]}[kind])  # fmt: skip
        name = {"status": "status_change", "team": "transfer", "priority": "priority_change"}[kind]
        events.append(_event(number, len(events), name, at, now[kind], value))
        steps.append(Step(at, kind, value))
        now[kind] = value
    # what the summary row says is what it says in the end
    ticket |= {"team_id": now["team"], "priority": now["priority"], "status": now["status"]}
    if not steps and first == "closed":
        # a log of a creation alone tells no change, so the summary row tells when
        ticket["resolved_at"] = created
    return Life(created, first, team, priority, fixed, steps), ticket, events


def _summary_only(
    chance: random.Random, ticket: dict[str, Any], life: Life
) -> tuple[Life, dict[str, Any], list[dict[str, Any]]]:
    resolved = life.created_at + timedelta(minutes=30 * chance.randrange(0, 500))
    ticket |= {"team_id": life.team, "priority": life.priority}
    if resolved > AS_OF:
        return life, ticket, []
    ticket |= {"status": "resolved", "resolved_at": resolved}
    steps = [Step(resolved, "status", "resolved")]
    return Life(life.created_at, "open", life.team, life.priority, life.fixed, steps), ticket, []


def _event(number: int, place: int, kind: str, at: datetime, before: str | None, after: str | None) -> dict[str, Any]:
    return {"event_id": f"K{number}.{place}", "ticket_id": f"K{number}", "event_type": kind, "occurred_at": at,
            "from_value": before, "to_value": after}  # fmt: skip


def test_backlog_agrees_with_the_reference(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    made = [_life(chance, number) for number in range(TICKETS)]
    home = WarehouseFixture(tmp_path, as_of=AS_OF.replace(tzinfo=UTC))
    home.deliver("customer", [{"customer_id": name, "region": region} for name, region in REGIONS.items() if name])
    home.deliver("product", [{"product_id": name, "product_line": line} for name, line in PRODUCTS.items() if name])
    home.deliver("team", [{"team_id": f"T{n}"} for n in (1, 2, 3)], source="desk")
    home.deliver("ticket", [ticket for _, ticket, _ in made], source="desk")
    events = [event for _, _, events in made for event in events]
    chance.shuffle(events)
    home.deliver("ticket_event", events, source="desk")
    home.build("--select", "+fct_backlog_daily", "+dim_team", "--indirect-selection", "cautious")
    home.dbt("test", "--select", "backlog_opens_where_it_closed", "backlog_counts_every_ticket")
    rows = home.rows(
        "select team_id as team, daily.* from marts.fct_backlog_daily daily left join marts.dim_team using (team_key)"
    )
    today = AS_OF.replace(tzinfo=UTC).astimezone(ZONE).date()
    days = [today - timedelta(days=n) for n in range(DAYS + 1, -1, -1)]
    expected = backlog([life for life, _, _ in made], days, AS_OF, ZONE)
    found = {
        (row["date_day"], (row["team"], row["priority"], row["channel"], row["region"], row["product_line"])): row
        for row in rows
    }
    assert len(found) == len(rows)
    assert set(found) == set(expected)
    differing = [(key, name, row[name], expected[key][name]) for key, row in found.items() for name in FLOWS
                 if row[name] != expected[key][name]]  # fmt: skip
    assert not differing, (len(differing), differing[:10])
    assert all(sum(row[name] for row in rows) > 50 for name in FLOWS)
