"""A ticket's measures in plain, slow Python, written from the rules of METHODS 'Tickets' and not from the SQL.

The history is walked forward, event by event, as a person would read it; nothing is aggregated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.support.reference_business_time import WallClock

UNSOLVED = ("new", "open", "pending", "hold")
SOLVED = ("resolved", "closed")


@dataclass
class Measured:
    """What fct_ticket says of one ticket; durations in minutes, None where METHODS gives none."""

    status: str = "new"
    first_response_minutes: float | None = None
    human_reply_count: int = 0
    first_resolution_minutes: float | None = None
    service_cycle_minutes: float | None = None
    reopen_count: int = 0
    is_resolved: bool = False
    is_resolved_within_30d: bool | None = None
    requester_wait_minutes: float = 0.0
    agent_wait_minutes: float = 0.0
    agent_work_minutes: float = 0.0
    on_hold_minutes: float = 0.0
    life_minutes: float = 0.0
    first_response_business_minutes: float | None = None
    first_resolution_business_minutes: float | None = None
    service_cycle_business_minutes: float | None = None
    requester_wait_business_minutes: float = 0.0
    agent_wait_business_minutes: float = 0.0
    agent_work_business_minutes: float = 0.0
    on_hold_business_minutes: float = 0.0
    life_business_minutes: float = 0.0
    is_one_touch: bool = False


@dataclass
class _Stay:
    status: str
    entered: datetime
    left: datetime | None = None


@dataclass
class _History:
    stays: list[_Stay] = field(default_factory=list)

    @property
    def now(self) -> _Stay:
        return self.stays[-1]

    def enter(self, status: str, at: datetime) -> bool:
        """Go to a status; says whether that reopens the ticket."""
        before = self.now.status
        if before == status:
            return False
        self.now.left = at
        self.stays.append(_Stay(status, at))
        return before in SOLVED and status in UNSOLVED


@dataclass
class Held:
    """Which team held the ticket, and the hours of every team."""

    first_team: str
    events: Sequence[Mapping[str, Any]]
    clocks: Mapping[str, WallClock]

    def minutes(self, earlier: datetime, later: datetime) -> float:
        """Business minutes by the hours of the team that held the ticket at the beginning."""
        team = self.first_team
        for event in self.events:
            moves = event["event_type"] == "transfer" and event.get("to_value") in self.clocks
            if moves and event["occurred_at"] <= earlier:
                team = event["to_value"]
        return self.clocks[team].minutes(earlier, later)


def measure(
    created_at: datetime, is_agent_created: bool, events: Sequence[Mapping[str, Any]], as_of: datetime, held: Held
) -> Measured:
    """Measure one ticket from its events, given in the order in which they happened, all of them after `created_at`."""
    found = Measured()
    _measure_states(found, created_at, events, as_of, held)
    _measure_responses(found, created_at, is_agent_created, events, held)
    found.is_one_touch = found.is_resolved and found.human_reply_count <= 1 and found.reopen_count == 0
    return found


def _measure_states(
    found: Measured, created_at: datetime, events: Sequence[Mapping[str, Any]], as_of: datetime, held: Held
) -> None:
    history = _History([_Stay("new", created_at)])
    for event in events:
        if event["event_type"] == "status_change":
            found.reopen_count += history.enter(event["to_value"], event["occurred_at"])
        elif event["event_type"] == "reopen":
            found.reopen_count += history.enter("open", event["occurred_at"])
    found.status = history.now.status
    found.is_resolved = found.status in SOLVED
    resolved = [stay.entered for stay in history.stays if stay.status == "resolved"]
    closed = [stay.entered for stay in history.stays if stay.status == "closed"]
    if resolved or closed:
        found.first_resolution_minutes = _minutes(created_at, (resolved or closed)[0])
        found.first_resolution_business_minutes = held.minutes(created_at, (resolved or closed)[0])
    if found.is_resolved:
        found.service_cycle_minutes = _minutes(created_at, _last_resolution(history))
        found.service_cycle_business_minutes = held.minutes(created_at, _last_resolution(history))
    limit = created_at + timedelta(days=30)
    if as_of >= limit:
        at_limit = [s for s in history.stays if s.entered <= limit and (s.left is None or s.left > limit)]
        found.is_resolved_within_30d = any(stay.status in SOLVED for stay in at_limit)
    for stay in history.stays:
        if stay.left is None and stay.status == "closed":
            continue
        minutes = _minutes(stay.entered, stay.left or as_of)
        found.life_minutes += minutes
        found.requester_wait_minutes += minutes * (stay.status in ("new", "open", "hold"))
        found.agent_wait_minutes += minutes * (stay.status == "pending")
        found.agent_work_minutes += minutes * (stay.status in ("new", "open"))
        found.on_hold_minutes += minutes * (stay.status == "hold")
        business = held.minutes(stay.entered, stay.left or as_of)
        found.life_business_minutes += business
        found.requester_wait_business_minutes += business * (stay.status in ("new", "open", "hold"))
        found.agent_wait_business_minutes += business * (stay.status == "pending")
        found.agent_work_business_minutes += business * (stay.status in ("new", "open"))
        found.on_hold_business_minutes += business * (stay.status == "hold")


def _last_resolution(history: _History) -> datetime:
    """When the ticket was solved for the last time: resolved since the last reopening, or else closed since then."""
    solved: list[_Stay] = []
    for stay in history.stays:
        solved = [*solved, stay] if stay.status in SOLVED else []
    resolved = [stay.entered for stay in solved if stay.status == "resolved"]
    return resolved[-1] if resolved else solved[0].entered


def _measure_responses(
    found: Measured, created_at: datetime, is_agent_created: bool, events: Sequence[Mapping[str, Any]], held: Held
) -> None:
    clock: datetime | None = created_at
    handed_over = answered = written = False
    for event in events:
        kind = event["event_type"]
        if kind == "bot_handover" and not handed_over and not answered:
            clock, handed_over = event["occurred_at"], True
        if kind not in ("agent_message", "note", "customer_message"):
            continue
        is_opening = is_agent_created and not written
        written = True
        by_person = kind == "agent_message" and event["actor_type"] == "agent" and event["is_public"]
        if by_person and not is_opening:
            found.human_reply_count += 1
            if not answered:
                answered = True
                found.first_response_minutes = _minutes(clock or created_at, event["occurred_at"])
                found.first_response_business_minutes = held.minutes(clock or created_at, event["occurred_at"])


def _minutes(earlier: datetime, later: datetime) -> float:
    return (later - earlier).total_seconds() / 60
