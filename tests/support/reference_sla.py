"""The clocks of a ticket's service levels in plain, slow Python, from the rules of METHODS 'SLA' and not from the SQL.

Every clock is walked from instant to instant: wherever anything may change (status, priority, policy, an opening hour)
the walk stops, looks at what holds, and counts on. Times are naive UTC, durations whole microseconds.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

UNSOLVED = ("new", "open", "pending", "hold")
SOLVED = ("resolved", "closed")
MICROSECOND = timedelta(microseconds=1)
Event = Mapping[str, Any]
Policy = Mapping[str, Any]


@dataclass
class Schedule:
    """When a team works: its open times, in order, none overlapping."""

    open_times: list[tuple[datetime, datetime]]

    @classmethod
    def weekly(
        cls, slots: Mapping[int, Sequence[tuple[str, str]]], zone: str, days: Sequence[date], off: Sequence[date] = ()
    ) -> Schedule:
        """From slots by weekday (0 is Monday) of local days; one that ends before it begins ends the next day."""
        times = []
        for day in days:
            for begin, end in slots.get(day.weekday(), ()) if day not in off else ():
                first, last = time.fromisoformat(begin), time.fromisoformat(end)
                times.append((_utc(day, first, zone), _utc(day + timedelta(days=last <= first), last, zone)))
        return cls(sorted(times))

    def is_open(self, at: datetime) -> bool:
        """Whether the team works from this instant on."""
        place = bisect_right(self.open_times, at, key=lambda pair: pair[0])
        return place > 0 and at < self.open_times[place - 1][1]

    def borders(self, after: datetime, before: datetime) -> list[datetime]:
        """Openings and closings between two instants."""
        return [at for pair in self.open_times for at in pair if after < at < before]

    def reaches(self, start: datetime, microseconds: int) -> datetime:
        """The earliest instant by which the team has worked that long (above 0) since `start`."""
        for opening, end in self.open_times:
            begin = max(opening, start)
            if begin < end:
                here = (end - begin) // MICROSECOND
                if microseconds <= here:
                    return begin + microseconds * MICROSECOND
                microseconds -= here
        raise AssertionError("the schedule of the test is too short")


@dataclass
class Clock:
    """One clock and the verdict on it."""

    name: str
    instance: int
    started_at: datetime
    stopped_at: datetime | None = None
    stopped_by: str | None = None
    policy: str | None = None
    target: int | None = None
    is_business_hours: bool | None = None
    elapsed: int | None = None
    paused: int = 0
    due_at: datetime | None = None
    state: str | None = None
    priority: str | None = None


@dataclass
class Ticket:
    """What is known of one ticket; events in their order, none before `created_at` or after as_of."""

    created_at: datetime
    is_agent_created: bool
    issue_type: str | None
    channel: str | None
    priority: str | None  # at the creation
    team: str | None  # at the creation
    tier_at: Callable[[datetime], str | None]
    events: Sequence[Event] = field(default_factory=list)

    def stays(self) -> list[tuple[str, datetime]]:
        """Each status entered, and when; staying in the same one is no entry."""
        stays = [("new", self.created_at)]
        for event in self.events:
            status = {"status_change": event.get("to_value"), "reopen": "open"}.get(event["event_type"])
            if status and status != stays[-1][0]:
                stays.append((status, event["occurred_at"]))
        return stays

    def last_value(self, kind: str, first: str | None, at: datetime) -> str | None:
        """Team or priority at an instant, from its moves."""
        moves = [e["to_value"] for e in self.events if e["event_type"] == kind and e["occurred_at"] <= at]
        return moves[-1] if moves else first


def clocks_of(
    ticket: Ticket, policies: Sequence[Policy], schedules: Mapping[str | None, Schedule], as_of: datetime
) -> list[Clock]:
    """All clocks of a ticket that counts, judged as of an instant.

    A policy: its name, targets in minutes by clock, `business`, conditions as lists or None, `since` and `until`.
    """
    clocks = [*_first_response(ticket), *_next_responses(ticket), *_resolutions(ticket)]
    for clock in clocks:
        _judge(clock, ticket, policies, schedules, as_of)
    return clocks


def _first_response(ticket: Ticket) -> list[Clock]:
    replies = _replies(ticket)
    answered = replies[0]["occurred_at"] if replies else None
    handed = [e["occurred_at"] for e in ticket.events if e["event_type"] == "bot_handover"]
    start = handed[0] if handed and (answered is None or handed[0] <= answered) else ticket.created_at
    return [Clock("first_response", 1, start, answered, "reply" if answered else None)]


def _replies(ticket: Ticket) -> list[Event]:
    """Public messages by a person, without the one with which an agent opened the ticket."""
    written = [e for e in ticket.events if e["event_type"] in ("agent_message", "note", "customer_message")]
    opening = written[:1] if ticket.is_agent_created else []
    return [
        e for e in written
        if e["event_type"] == "agent_message" and e["actor_type"] == "agent" and e["is_public"] and e not in opening
    ]  # fmt: skip


def _next_responses(ticket: Ticket) -> list[Clock]:
    replies = _replies(ticket)
    steps = [(e["occurred_at"], 0, "reply" if e in replies else "ask") for e in ticket.events
             if e in replies or e["event_type"] == "customer_message"]  # fmt: skip
    stays = ticket.stays()
    for (before, _), (status, at) in pairwise(stays):
        if (before in SOLVED) != (status in SOLVED):
            steps.append((at, 1, "solve" if status in SOLVED else "reopen"))
    found: list[Clock] = []
    asked: datetime | None = None
    waits = solved = responded = False

    def end(at: datetime | None, by: str | None) -> None:
        nonlocal asked
        thanks = by == "solved" and at == asked
        if asked is not None and responded and not thanks and (by == "reply" or waits):
            found.append(Clock("next_response", len(found) + 1, asked, at, by))
        asked = None

    for at, _, step in sorted(steps, key=lambda one: one[:2]):
        if step == "ask":
            if asked is None:
                asked, waits = at, False
            waits = waits or not solved
        elif step == "reply":
            end(at, "reply")
            responded = True
        elif step == "solve":
            end(at, "solved")
            solved = True
        else:
            solved, waits = False, True
    end(None, None)
    return found


def _resolutions(ticket: Ticket) -> list[Clock]:
    instances: list[list[tuple[str, datetime]]] = [[]]
    for status, at in ticket.stays():
        if instances[-1] and instances[-1][-1][0] in SOLVED and status in UNSOLVED:
            instances.append([])
        instances[-1].append((status, at))
    found = []
    for number, stays in enumerate(instances, 1):
        resolved = [at for status, at in stays if status == "resolved"]
        closed = [at for status, at in stays if status == "closed"]
        stop = (resolved or closed or [None])[0]
        found.append(Clock("resolution", number, stays[0][1], stop, "solved" if stop else None))
    return found


def _judge(
    clock: Clock,
    ticket: Ticket,
    policies: Sequence[Policy],
    schedules: Mapping[str | None, Schedule],
    as_of: datetime,
) -> None:
    start, end = clock.started_at, clock.stopped_at or as_of
    tier = ticket.tier_at(start)
    stays = ticket.stays() if clock.name == "resolution" else []
    passed = {True: 0, False: 0}  # by the kind of hours
    decided: Policy | None = None
    current: Policy | None = None
    reached: datetime | None = None
    counts, schedule = True, schedules[ticket.last_value("transfer", ticket.team, start)]
    priority = None
    for at, until in _steps(start, end, ticket, policies, schedules):
        began = [(entered, status) for status, entered in stays if start <= entered <= at]
        if began and end > start:
            entered, status = began[-1]
            counts = status in ("new", "open", "hold")
            schedule = schedules[ticket.last_value("transfer", ticket.team, entered)]
        priority_now = ticket.last_value("priority_change", ticket.priority, at)
        policy = _in_force(policies, ticket, tier, priority_now, at)
        if decided is None:
            if policy is not current or at == start:
                reached = None
            current, priority = policy, priority_now
        target = policy and policy["targets"].get(clock.name)
        before = dict(passed)
        length = (until - at) // MICROSECOND
        if counts:
            passed[False] += length
            passed[True] += length * schedule.is_open(at)
        else:
            clock.paused += length
        if decided is None and policy and target:
            limit, kind = target * 60_000_000, policy["business"]
            if reached is None and before[kind] >= limit:
                reached = at
            elif reached is None and passed[kind] >= limit:
                reached = at + (limit - before[kind]) * MICROSECOND
            if passed[kind] > limit:
                decided = policy
    _conclude(clock, decided, current, passed, reached, priority, counts, schedule, end)


def _steps(
    start: datetime,
    end: datetime,
    ticket: Ticket,
    policies: Sequence[Policy],
    schedules: Mapping[str | None, Schedule],
) -> list[tuple[datetime, datetime]]:
    """The time of a clock in steps inside of which nothing changes; one step without length for a clock without any."""
    borders = {event["occurred_at"] for event in ticket.events}
    borders |= {policy[name] for policy in policies for name in ("since", "until") if policy[name]}
    teams = {ticket.team, *(event["to_value"] for event in ticket.events if event["event_type"] == "transfer")}
    for team in teams:
        borders |= set(schedules[team].borders(start, end))
    inside = [start, *sorted(at for at in borders if start < at < end), end]
    return list(pairwise(inside))


def _in_force(
    policies: Sequence[Policy], ticket: Ticket, tier: str | None, priority: str | None, at: datetime
) -> Policy | None:
    known = {"tier": tier, "priority": priority, "issue_type": ticket.issue_type, "channel": ticket.channel}
    for policy in policies:
        if (policy["since"] and at < policy["since"]) or (policy["until"] and at >= policy["until"]):
            continue
        if all(not policy[name] or value in policy[name] for name, value in known.items()):
            return policy
    return None


def _conclude(
    clock: Clock,
    decided: Policy | None,
    current: Policy | None,
    passed: Mapping[bool, int],
    reached: datetime | None,
    priority: str | None,
    counts: bool,
    schedule: Schedule,
    end: datetime,
) -> None:
    clock.priority = priority
    policy = decided or current
    if policy is None:
        return
    clock.policy, clock.is_business_hours = policy["name"], policy["business"]
    clock.elapsed = passed[policy["business"]]
    target = policy["targets"].get(clock.name)
    if not target:
        return
    clock.target = target
    clock.state = "breached" if decided else "met" if clock.stopped_at else "running"
    left = target * 60_000_000 - clock.elapsed
    clock.due_at = reached
    if decided is None and reached is None and (counts or clock.stopped_at):
        clock.due_at = schedule.reaches(end, left) if policy["business"] else end + left * MICROSECOND


def _utc(day: date, local: time, zone: str) -> datetime:
    return datetime.combine(day, local, ZoneInfo(zone)).astimezone(ZoneInfo("UTC")).replace(tzinfo=None)
