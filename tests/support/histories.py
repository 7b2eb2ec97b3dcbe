"""Random histories of a company's records, and ways in which they can arrive.

A record has versions, each with a change time of its own; a version can be delivered on any night after the latest time
that it states: late, out of order, twice, in a file that comes into an older folder. The same versions delivered once,
in one night, are what every way of arriving has to amount to.
"""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from include.contracts import load_contracts
from include.gate.context import Context, Spread, write_context
from include.settings import night_id, parse_instant
from include.survey_quality.norms import Norms
from tests.support.mini_company import ZONE

Row = dict[str, str]
# Nights need not follow one another; tests use as many of the last ones as they have time for.
NIGHTS = ("2026-06-02", "2026-06-03", "2026-06-10", "2026-06-12", "2026-06-15", "2026-06-16")
BEGIN = datetime(2026, 4, 10, tzinfo=UTC)
SURVEY = "s1"
ITEMS = ("q1", "q2", "q3", "q4")
# The feeds of which the second night brings nothing but the first night's files again, under other names.
RENAMED = ("orders", "visits")
# The feeds whose folders get files on later nights. That delivers all that lies there once more, so of the others what
# came once has to hold for ever.
LATE_FILES = ("contracts", "tickets", "usage")
GROUPS = {"crm": "crm", "desk": "tickets", "survey": "surveys", "shop": "reviews"}
CRM_KEYS = {"product_id": "crm", "asset_id": "crm", "service_partner_id": "crm", "order_id": "crm"}


@dataclass(frozen=True)
class FeedPlan:
    """A feed: its source and entities, and whose ids it names."""

    source: str
    entities: tuple[str, ...]
    is_snapshot: bool = False
    key_spaces: dict[str, str] = field(default_factory=dict)


FEEDS = {
    "customers": FeedPlan("crm", ("customer",)),
    "contracts": FeedPlan("crm", ("contract",)),
    "orders": FeedPlan("crm", ("order",)),
    "assets": FeedPlan("crm", ("asset",)),
    "usage": FeedPlan("crm", ("usage",)),
    "actions": FeedPlan("crm", ("improvement_action",)),
    "products": FeedPlan("crm", ("product",), is_snapshot=True),
    "partners": FeedPlan("crm", ("service_partner",), is_snapshot=True),
    "tickets": FeedPlan("desk", ("ticket",), key_spaces=CRM_KEYS),
    "events": FeedPlan("desk", ("ticket_event",)),
    "visits": FeedPlan("desk", ("visit",), key_spaces=CRM_KEYS),
    "follow_ups": FeedPlan("desk", ("follow_up",), key_spaces={"response_id": "survey", "review_id": "shop"}),
    "users": FeedPlan("desk", ("customer_identity",), is_snapshot=True, key_spaces={"external_id": "crm"}),
    "agents": FeedPlan("desk", ("agent",), is_snapshot=True),
    "teams": FeedPlan("desk", ("team",), is_snapshot=True),
    "contacts": FeedPlan("survey", ("customer_identity",)),
    "invitations": FeedPlan("survey", ("survey_invitation",), key_spaces={"ticket_id": "desk"}),
    "responses": FeedPlan("survey", ("survey_response", "survey_answer"), key_spaces={"ticket_id": "desk"}),
    "answers": FeedPlan("survey", ("survey_answer",)),
    "reviews": FeedPlan("shop", ("review",), key_spaces={**CRM_KEYS, "ticket_id": "desk"}),
}


@dataclass(frozen=True)
class Version:
    """A version of a record: its row, and the latest time that it states, before which nobody can deliver it."""

    key: str
    row: Row
    stated: datetime
    # It corrects a row of the same change time, so it holds only where it comes after that one.
    is_correction: bool = False
    is_corrected: bool = False


@dataclass(frozen=True)
class Arrival:
    """A file that is there from a night on, in the folder of that night or of one before it."""

    night: int
    folder: str
    feed: str
    name: str
    rows: tuple[Row, ...]


Histories = dict[str, list[Version]]


# --- what happens ----------------------------------------------------------------------------------------------------


class _Company:
    """Makes up histories, hundreds of records that change each on its own."""

    def __init__(self, seed: int, nights: Sequence[str]) -> None:
        self.random = random.Random(seed)
        self.first, *_, self.end = instants(nights)
        self.histories: Histories = {feed: [] for feed in FEEDS}

    def all(self) -> Histories:
        for count, make in (
            (12, self.product),
            (6, self.partner),
            (6, self.team),
            (14, self.agent),
            (70, self.customer),
            (60, self.user),
            (50, self.contact),
            (70, self.contract),
            (160, self.order),
            (40, self.asset),
            (80, self.usage),
            (15, self.action),
            (160, self.ticket),
            (60, self.visit),
            (60, self.follow_up),
            (120, self.invitation),
            (140, self.response),
            (60, self.review),
        ):
            for number in range(count):
                make(number)
        return self.histories

    def pick(self, *values: str) -> str:
        return self.random.choice(values)

    def some(self, prefix: str, count: int, empty: float = 0.1) -> str:
        """The id of one of `count` records, now and then of none, or of one that nobody delivers."""
        if self.random.random() < empty:
            return ""
        return f"{prefix}{self.random.randrange(int(count * 1.1) + 1)}"

    def moment(self, since: datetime = BEGIN, spread: float = 1.0) -> datetime:
        """A time between `since` and the end, whole seconds; a smaller spread is nearer to `since`."""
        room = int((self.end - since).total_seconds() * spread) - 1
        return since + timedelta(seconds=self.random.randint(0, max(room, 0)))

    def day(self, since: datetime = BEGIN) -> str:
        return str(self.moment(since).date())

    def record(
        self,
        feed: str,
        key: str,
        born: datetime,
        change: Callable[[Row], Row],
        *,
        versions: int = 3,
        deleted: float = 0.1,
        corrected: float = 0.05,
        at: str = "updated_at",
    ) -> None:
        """Versions of one record: `change` gives what differs from the row before (`{}` at first)."""
        times = sorted({self.moment(born) for _ in range(self.random.randint(1, versions))})
        row: Row = {}
        found: list[Version] = []
        for number, time in enumerate(times):
            row = row | change(row) | {at: _text(time), "is_deleted": ""}
            if number and self.random.random() < deleted:
                row["is_deleted"] = "true"
            found.append(self.version(key, row, time))
        if self.random.random() < corrected and found[-1].stated <= self.first:
            last = found[-1]
            again = row | {name: value for name, value in change(row).items() if bool(value) == bool(row[name])}
            found[-1] = Version(last.key, last.row, last.stated, is_corrected=True)
            found.append(Version(key, again, max(_latest(again), last.stated), is_correction=True))
        self.histories[feed] += found

    def version(self, key: str, row: Row, time: datetime) -> Version:
        return Version(key, dict(row), max(time, _latest(row)))

    # One method per entity: what a record is, and what changes in it.

    def product(self, n: int) -> None:
        def change(row: Row) -> Row:
            return {"product_id": f"P{n}", "product_name": f"Pump {n}", "product_line": self.pick("a", "b", "c")} | {
                "model": self.pick("m1", "m2", "m3")
            }

        self.record("products", f"P{n}", self.moment(spread=0.5), change, deleted=0)

    def partner(self, n: int) -> None:
        def change(row: Row) -> Row:
            return {"service_partner_id": f"S{n}", "partner_name": f"Partner {n}", "region": self.pick("east", "west")}

        self.record("partners", f"S{n}", self.moment(spread=0.5), change, deleted=0)

    def team(self, n: int) -> None:
        def change(row: Row) -> Row:
            return {"team_id": f"T{n}", "team_name": f"Team {n}", "region": self.pick("east", "west")}

        self.record("teams", f"T{n}", self.moment(spread=0.5), change, deleted=0)

    def agent(self, n: int) -> None:
        def change(row: Row) -> Row:
            return {
                "agent_id": f"A{n}",
                "team_id": self.some("T", 6),
                "role": self.pick("agent", "agent", "lead", "bot"),
            }

        self.record("agents", f"A{n}", self.moment(spread=0.5), change, deleted=0)

    def customer(self, n: int) -> None:
        def change(row: Row) -> Row:
            # Only into a lower number: two that merge into each other are nobody's survivor.
            merged = f"C{self.random.randrange(n)}" if n and self.random.random() < 0.08 else ""
            return {
                "customer_id": f"C{n}",
                "email": row.get("email") or f"c{n}@example.com",
                "phone": self.pick(row.get("phone", ""), f"+86138000{n:05}"),
                "tier": self.pick("vip", "key_account", "standard"),
                "customer_type": self.pick("company", "person"),
                "region": self.pick("east", "west", "north", ""),
                "industry": self.pick("retail", "education", ""),
                "acquired_date": row.get("acquired_date") or self.day(),
                "stated_status": self.pick("active", "churned", ""),
                "merged_into_customer_id": merged,
            }

        self.record("customers", f"C{n}", self.moment(spread=0.8), change, versions=4)

    def user(self, n: int) -> None:
        def change(row: Row) -> Row:
            return {
                "customer_id": f"U{n}",
                "external_id": self.some("C", 70, empty=0.4),
                "email": self.pick("", f"c{self.random.randrange(70)}@example.com"),
                "phone": self.pick("", f"+86138000{self.random.randrange(70):05}"),
            }

        self.record("users", f"U{n}", self.moment(spread=0.8), change, deleted=0)

    def contact(self, n: int) -> None:
        def change(row: Row) -> Row:
            return {
                "customer_id": f"V{n}",
                "email": self.pick("", f"c{self.random.randrange(70)}@example.com"),
                "phone": self.pick("", f"+86138000{self.random.randrange(70):05}"),
            }

        self.record("contacts", f"V{n}", self.moment(), change)

    def contract(self, n: int) -> None:
        start = self.moment(spread=0.9)

        def change(row: Row) -> Row:
            end = start + timedelta(days=self.random.choice((20, 45, 90, 365)))
            return {
                "contract_id": f"K{n}",
                "customer_id": row.get("customer_id") or self.some("C", 70, empty=0) or "C0",
                "product_id": self.some("P", 12),
                "start_date": str(start.date()),
                "end_date": self.pick(str(end.date()), ""),
                "billing_term_months": self.pick("1", "12"),
                "monthly_amount": str(self.random.randrange(10, 500)),
                "monthly_cost": self.pick("", "7.5"),
                "currency": self.pick("CNY", "CNY", "USD"),
                "renews_contract_id": f"K{n - 1}" if n and self.random.random() < 0.2 else "",
            }

        self.record("contracts", f"K{n}", start, change)

    def order(self, n: int) -> None:
        ordered = self.moment()

        def change(row: Row) -> Row:
            return {
                "order_id": f"O{n}",
                "customer_id": self.some("C", 70),
                "product_id": self.some("P", 12),
                "ordered_at": _text(ordered),
                "amount": str(self.random.randrange(-20, 900)),
                "cost": str(self.random.randrange(1, 90)),
                "refund_amount": self.pick("", "5"),
                "currency": "CNY",
                "channel": self.pick("web", "store"),
                "delivered_date": self.pick("", str(ordered.date())),
                "is_correct": self.pick("true", "false", ""),
            }

        self.record("orders", f"O{n}", ordered, change)

    def asset(self, n: int) -> None:
        def change(row: Row) -> Row:
            return {
                "asset_id": f"X{n}",
                "customer_id": self.some("C", 70),
                "product_id": self.some("P", 12),
                "service_partner_id": self.some("S", 6),
                "installed_date": "2026-02-01",
                "warranty_end_date": self.pick("2026-05-01", "2027-02-01"),
                "region": self.pick("east", "west", ""),
            }

        self.record("assets", f"X{n}", self.moment(), change)

    def usage(self, n: int) -> None:
        used = self.moment(spread=0.9)

        def change(row: Row) -> Row:
            customer = row.get("customer_id") or f"C{self.random.randrange(75)}"
            return {
                "customer_id": customer,
                "usage_date": str(used.date()),
                "usage_count": str(self.random.randrange(-1, 50)),
                "active_minutes": str(self.random.randrange(200)),
            }

        self.record("usage", f"{n}", used + timedelta(days=1), change)

    def action(self, n: int) -> None:
        def change(row: Row) -> Row:
            return {
                "action_id": f"M{n}",
                "action_text": "Train the team",
                "metric": self.pick("csat_transactional", "first_response_minutes"),
                "started_date": self.day(),
                "done_date": self.pick("", self.day()),
                "difficulty": self.pick("1", "3", "5"),
            }

        self.record("actions", f"M{n}", self.moment(), change)

    def ticket(self, n: int) -> None:
        created = self.moment(spread=0.9)

        def change(row: Row) -> Row:
            status = self.pick("new", "open", "pending", "hold", "resolved", "closed", "deleted")
            return {
                "ticket_id": f"D{n}",
                "customer_id": self.some("U", 60),
                "product_id": self.some("P", 12),
                "agent_id": self.some("A", 14),
                "team_id": self.some("T", 6),
                "asset_id": self.some("X", 40, empty=0.6),
                "service_partner_id": self.some("S", 6, empty=0.6),
                "status": status,
                "priority": self.pick("low", "normal", "urgent"),
                "channel": self.pick("phone", "web", "wechat"),
                "issue_type": self.pick("repair", "billing"),
                # A row without it is unusable, and so are its events until a better one comes.
                "created_at": "" if self.random.random() < 0.08 else _text(created),
                "resolved_at": _text(self.moment(created)) if status in ("resolved", "closed") else "",
                "is_complaint": self.pick("true", "false"),
                "exclusion": self.pick("", "", "", "spam"),
                "merged_into_ticket_id": f"D{self.random.randrange(n)}" if n and self.random.random() < 0.06 else "",
                "subject": "Pump leaks",
            }

        if self.random.random() < 0.95:
            self.record("tickets", f"D{n}", created, change, versions=4)
        for number in range(self.random.randint(0, 6)):
            self.event(n, number, created)

    def event(self, ticket: int, number: int, created: datetime) -> None:
        happened = created if number == 0 else self.moment(created, spread=0.7)

        def change(row: Row) -> Row:
            kind = "created" if number == 0 else self.pick("status_change", "agent_message", "customer_message", "call")
            return {
                "event_id": f"E{ticket}-{number}",
                "ticket_id": f"D{ticket}",
                "event_type": row.get("event_type") or kind,
                "occurred_at": _text(happened + timedelta(seconds=self.random.randrange(60))),
                "actor_type": self.pick("agent", "customer", "bot"),
                "agent_id": self.some("A", 14),
                "is_public": self.pick("true", "false"),
                "to_value": self.pick("open", "pending", "resolved", "closed"),
                "message": self.pick("", "Done."),
            }

        self.record("events", f"E{ticket}-{number}", happened + timedelta(minutes=1), change, versions=2)

    def visit(self, n: int) -> None:
        promised = self.moment(spread=0.85)

        def change(row: Row) -> Row:
            return {
                "visit_id": f"G{n}",
                "ticket_id": self.some("D", 160),
                "agent_id": self.some("A", 14),
                "asset_id": self.some("X", 40),
                "promised_from": _text(promised),
                "promised_to": _text(promised + timedelta(hours=2)),
                "arrived_at": self.pick("", _text(promised + timedelta(hours=self.random.randrange(4)))),
                "outcome": self.pick("solved", "not_solved", "no_access"),
            }

        self.record("visits", f"G{n}", promised, change)

    def follow_up(self, n: int) -> None:
        due = self.moment(spread=0.9)

        def change(row: Row) -> Row:
            reached = self.pick("true", "false")
            return {
                "follow_up_id": f"H{n}",
                "ticket_id": self.some("D", 160, empty=0.4),
                "response_id": self.some("R", 140, empty=0.4),
                "review_id": self.some("W", 60, empty=0.8),
                "agent_id": self.some("A", 14),
                "due_at": _text(due),
                "contacted_at": _text(due + timedelta(hours=1)),
                "is_reached": reached,
                "is_confirmed_solved": self.pick(reached, "", "true"),
            }

        self.record("follow_ups", f"H{n}", due, change)

    def invitation(self, n: int) -> None:
        sent = self.moment(spread=0.9)

        def change(row: Row) -> Row:
            return {
                "invitation_id": f"I{n}",
                "survey_id": SURVEY,
                "customer_id": self.some("V", 50),
                "ticket_id": self.some("D", 160),
                "channel": self.pick("sms", "email"),
                "stratum": self.pick("vip", "other"),
                "sampling_probability": self.pick("1", "0.3"),
                "sent_at": _text(sent),
                "is_delivered": self.pick("true", "false", ""),
                "opened_at": self.pick("", _text(sent + timedelta(hours=3))),
            }

        self.record("invitations", f"I{n}", sent, change)

    def response(self, n: int) -> None:
        submitted = self.moment(spread=0.9)

        def change(row: Row) -> Row:
            straight = self.random.random() < 0.1
            return {
                "response_id": f"R{n}",
                "invitation_id": self.some("I", 120),
                "customer_id": self.some("V", 50, empty=0.6),
                "ticket_id": self.some("D", 160, empty=0.6),
                "channel": self.pick("sms", "email"),
                "submitted_at": _text(submitted),
                "duration_seconds": self.pick("20", "90", "150", ""),
                "is_complete": self.pick("true", "true", "false"),
                **{item: "4" if straight else self.pick("1", "2", "3", "4", "5", "9", "") for item in ITEMS},
                "text": self.pick("", "Good", "Slow"),
            }

        if self.random.random() < 0.95:
            self.record("responses", f"R{n}", submitted, change, versions=4)
        if self.random.random() < 0.3:
            self.answer(n, submitted)

    def answer(self, n: int, submitted: datetime) -> None:
        """An answer that comes by itself, maybe before its response."""

        def change(row: Row) -> Row:
            return {"response_id": f"R{n}", "question_id": f"{SURVEY}.extra", "answer_value": self.pick("1", "3", "5")}

        self.record("answers", f"R{n}", submitted, change)

    def review(self, n: int) -> None:
        written = self.moment(spread=0.9)

        def change(row: Row) -> Row:
            return {
                "review_id": f"W{n}",
                "platform": self.pick("tmall", "jd"),
                "product_id": self.some("P", 12),
                "order_id": self.some("O", 160),
                "rating": self.pick("1", "3", "5"),
                "rating_min": "1",
                "rating_max": "5",
                "reviewed_at": _text(written),
                "answered_at": self.pick("", _text(written + timedelta(days=1))),
            }

        self.record("reviews", f"W{n}", written + timedelta(days=1), change)


def random_histories(seed: int, nights: Sequence[str]) -> Histories:
    """Versions of each feed's records up to the last night; the same seed gives the same ones."""
    return _Company(seed, nights).all()


def instants(nights: Sequence[str]) -> list[datetime]:
    """The ends of nights (UTC)."""
    return [parse_instant(text, ZONE) for text in nights]


# --- how it arrives --------------------------------------------------------------------------------------------------


def night_by_night(histories: Histories, seed: int, nights: Sequence[str]) -> list[Arrival]:
    """Every version on some night after it was made, some on several, in files in any order."""
    chance = random.Random(seed + 1)
    placed: dict[tuple[int, str, str, int], list[Row]] = {}
    for feed in (name for name, plan in FEEDS.items() if not plan.is_snapshot):
        corrected_in: dict[str, int] = {}
        # Some records come whole on the last night, after all that speak of them.
        late = {key for key in sorted({one.key for one in histories[feed]}) if chance.random() < 0.25}
        for version in histories[feed]:
            able = _able(version, feed, nights, corrected_in)
            if version.is_corrected:
                able = [chance.choice(able)]
                corrected_in[version.key] = able[0]
            elif version.key in late:
                able = able[-1:]
            assert able, f"nobody can deliver {version}"
            times = 1 if version.is_corrected or chance.random() < 0.7 else 2
            for night in chance.sample(able, min(times, len(able))):
                folder = night
                # A file that is late for its folder; a correction there would come before what it corrects.
                is_movable = feed in LATE_FILES and not (version.is_correction or version.is_corrected)
                if is_movable and chance.random() < 0.1:
                    folder = chance.choice([n for n in able if n <= night])
                file = (night, nights[folder], feed, chance.randrange(2))
                copies = 2 if chance.random() < 0.03 else 1
                placed.setdefault(file, []).extend([version.row] * copies)
    arrivals = []
    for (night, folder, feed, number), rows in sorted(placed.items()):
        chance.shuffle(rows)
        arrivals.append(Arrival(night, folder, feed, f"{feed}-{night}-{number}.csv", tuple(rows)))
    for feed in RENAMED:
        first = [one for one in arrivals if (one.feed, one.night) == (feed, 0)]
        arrivals += [Arrival(1, nights[1], feed, f"copy-of-{one.name}", one.rows) for one in first]
    return arrivals + _snapshots(histories, chance, nights)


def in_one_night(histories: Histories, snapshots: Sequence[Arrival], seed: int, nights: Sequence[str]) -> list[Arrival]:
    """All on the last night: every version once, in one file, a correction in a file after it; snapshots as before."""
    chance = random.Random(seed + 2)
    last = len(nights) - 1
    folders = {False: night_id(instants(nights)[-1] - timedelta(seconds=1)), True: nights[-1]}
    arrivals = [
        Arrival(last, one.folder, one.feed, one.name, one.rows) for one in snapshots if FEEDS[one.feed].is_snapshot
    ]
    for feed in (name for name, plan in FEEDS.items() if not plan.is_snapshot):
        for is_correction, folder in folders.items():
            rows = [one.row for one in histories[feed] if one.is_correction == is_correction]
            chance.shuffle(rows)
            if rows:
                arrivals.append(Arrival(last, folder, feed, f"{feed}.csv", tuple(rows)))
    return arrivals


def _able(version: Version, feed: str, nights: Sequence[str], corrected_in: dict[str, int]) -> list[int]:
    """The nights on which a version can come."""
    found = [
        number
        for number, night in enumerate(instants(nights))
        if night >= version.stated and not (feed in RENAMED and number == 1)
    ]
    if version.is_corrected:
        return found[:-1]  # its correction comes after it
    return [n for n in found if n > corrected_in[version.key]] if version.is_correction else found


def _snapshots(histories: Histories, chance: random.Random, nights: Sequence[str]) -> list[Arrival]:
    """On each night a part of the keys, each in a version that existed by then, not always the latest.

    The last night leaves out one that came before, so that every feed has a deleted key.
    """
    arrivals = []
    for feed in (name for name, plan in FEEDS.items() if plan.is_snapshot):
        came: dict[str, None] = {}
        for number, night in enumerate(instants(nights)):
            gone = chance.choice(list(came)) if number == len(nights) - 1 else None
            rows = []
            for key in dict.fromkeys(one.key for one in histories[feed]):
                known = [one.row for one in histories[feed] if one.key == key and one.stated <= night]
                if known and key != gone and chance.random() < 0.85:
                    rows.append(chance.choice(known[-2:]))
                    came[key] = None
            chance.shuffle(rows)
            arrivals.append(Arrival(number, nights[number], feed, f"{feed}.csv", tuple(rows)))
    return arrivals


def deliver(home: Path, arrivals: Sequence[Arrival], night: int) -> None:
    """Put the files that a night brings into the inbox."""
    for one in arrivals:
        if one.night == night:
            path = home / "inbox" / FEEDS[one.feed].source / one.folder / one.feed / one.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(_csv(FEEDS[one.feed], one.rows), encoding="utf-8")


# Of q1 to q4 on 1-5: means of 3, variances of about 1, no covariance.
NORMS = Norms(
    items=tuple(f"{SURVEY}.q{n}" for n in range(1, 5)),
    cases=100,
    sums=(200,) * 4,
    products=(500, 400, 400, 400, 500, 400, 400, 500, 400, 500),
)
USUAL = Spread(log_median=4.6, log_mad=0.5)
CONTEXT = Context(
    median_duration_seconds={SURVEY: 100.0},
    response_spread={SURVEY: USUAL},
    cycle_spread=USUAL,
    survey_norms={SURVEY: NORMS},
)


def fix_context(home: Path, nights: Sequence[str]) -> None:
    """The same context on every night, so that what rules know of the past does not depend on the way here."""
    for night in instants(nights):
        for source in GROUPS:
            write_context(home, night, source, CONTEXT)


# --- how it is read --------------------------------------------------------------------------------------------------


def write_sources(folder: Path) -> None:
    """One YAML per source; every column is named as the contract names it."""
    folder.mkdir(parents=True, exist_ok=True)
    for source, group in GROUPS.items():
        content: dict[str, Any] = {
            "source": source,
            "system": source,
            "group": group,
            "folder": f"{{home}}/inbox/{source}",
            "time_zone": "UTC",
            "feeds": {
                name: {
                    "delivery": "snapshot" if plan.is_snapshot else "incremental",
                    "files": f"{{night}}/{name}/*.csv",
                    "entities": {entity: _entity(name, plan, entity) for entity in plan.entities},
                }
                for name, plan in FEEDS.items()
                if plan.source == source
            },
        }
        if source == "survey":
            content["questionnaires"] = {SURVEY: _questionnaire()}
            content["feeds"]["questionnaire"] = {"delivery": "snapshot", "questionnaires": True}
        (folder / f"{source}.yml").write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")


def _entity(feed: str, plan: FeedPlan, entity: str) -> dict[str, Any]:
    columns: dict[str, Any] = {name: [name] for name in _columns(plan, entity)}
    mapping: dict[str, Any] = {}
    if feed == "responses":
        if entity == "survey_answer":
            mapping["questionnaire"] = SURVEY
            columns = {name: [name] for name in ("response_id", "updated_at", "is_deleted")}
        else:
            columns["survey_id"] = {"constant": SURVEY}
    spaces = {name: space for name, space in plan.key_spaces.items() if name in columns}
    return mapping | ({"key_spaces": spaces} if spaces else {}) | {"columns": columns}


def _columns(plan: FeedPlan, entity: str) -> list[str]:
    return list(load_contracts()[entity].mapped_columns())


def _questionnaire() -> dict[str, Any]:
    roles = ("csat", "dimension", "dimension", "ces")
    questions = [
        {
            "id": f"{SURVEY}.{item}",
            "headers": [item],
            "block": "main",
            "scale": [1, 5],
            "role": role,
            "required": item == "q1",
            "satisfied_min": 4,
            "dimension": f"part_{item}",
        }
        for item, role in zip(ITEMS, roles, strict=True)
    ]
    extra = {"id": f"{SURVEY}.extra", "headers": ["extra"], "scale": [1, 5]}
    text = {"id": f"{SURVEY}.text", "headers": ["text"], "role": "open"}
    return {"survey_name": "Service", "purpose": "transactional", "questions": [*questions, extra, text]}


def _csv(plan: FeedPlan, rows: Sequence[Row]) -> str:
    """Rows as CSV with a column for all that any entity of the feed could take."""
    header = list(dict.fromkeys(name for entity in plan.entities for name in _columns(plan, entity)))
    if "survey_response" in plan.entities:
        header = [name for name in header if not name.startswith(("question_", "answer_"))] + [*ITEMS, "text"]
    out = io.StringIO()
    writer = csv.DictWriter(out, header, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def _text(time: datetime) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S")


def _latest(row: Row) -> datetime:
    """The latest time (UTC) that a row states, dates as the ends of their days."""
    found = [BEGIN]
    for name, value in row.items():
        if value and name.endswith("_at"):
            found.append(datetime.fromisoformat(value).replace(tzinfo=UTC))
    return max(found)
