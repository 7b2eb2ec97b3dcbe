"""Contacts, first-contact resolution, repeats, visits and call-backs in plain, slow Python.

Written from METHODS 'Tickets': every ticket is compared with every other one, without groups and windows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.support.reference_ticket import Held, measure

CONTACT_GAP = timedelta(minutes=240)
FIRST_CONTACT_WINDOW = timedelta(days=7)
REPEAT_WINDOW = timedelta(days=30)
FOLLOW_UP_LIMIT = timedelta(days=3)


class _NoHours(Held):
    """Outcomes have nothing to do with working hours."""

    def minutes(self, earlier: datetime, later: datetime) -> float:
        return 0.0


@dataclass
class History:
    """All that is delivered of one ticket; times in UTC, events in the order in which they happened."""

    ticket: Mapping[str, Any]
    events: Sequence[Mapping[str, Any]] = ()
    visits: Sequence[Mapping[str, Any]] = ()
    follow_ups: Sequence[Mapping[str, Any]] = ()
    resolved_at: datetime | None = None
    reopen_count: int = 0
    contacts: list[list[datetime]] = field(default_factory=list)

    def settle(self, as_of: datetime) -> None:
        """Find its last resolution, its reopenings and its contacts."""
        measured = measure(self.created_at, False, self.events, as_of, _NoHours("", (), {}))
        if measured.service_cycle_minutes is not None:
            self.resolved_at = self.created_at + timedelta(minutes=measured.service_cycle_minutes)
        self.reopen_count = measured.reopen_count
        self.contacts = _contacts(self)

    @property
    def created_at(self) -> datetime:
        created: datetime = self.ticket["created_at"]
        return created

    @property
    def counts(self) -> bool:
        return self.ticket.get("exclusion") is None and self.ticket.get("merged_into_ticket_id") is None

    @property
    def has_matter(self) -> bool:
        known = (self.ticket.get("customer_id"), self.ticket.get("issue_type"))
        return self.counts and None not in known


def is_same_matter(one: History, other: History) -> bool:
    """The same customer and issue type, and the same asset where both name one, else the same product."""
    if not (one.has_matter and other.has_matter):
        return False
    if any(one.ticket[name] != other.ticket[name] for name in ("customer_id", "issue_type")):
        return False
    assets = one.ticket.get("asset_id"), other.ticket.get("asset_id")
    if None not in assets:
        return assets[0] == assets[1]
    return one.ticket.get("product_id") == other.ticket.get("product_id")


def judge(one: History, every: Sequence[History], as_of: datetime) -> dict[str, Any]:
    """What fct_ticket says of one ticket among all of them; all are settled."""
    arrived = _arrived(one)
    found: dict[str, Any] = {
        "contact_count": len(one.contacts),
        "first_contact_ended_at": one.contacts[0][-1] if one.contacts else None,
        "is_first_contact_resolved": None,
        "is_followed_by_repeat": None,
        "visit_count": len(arrived),
        "is_first_time_fix": None,
        **_called_back(one, as_of),
    }
    if one.resolved_at is None or not one.has_matter:
        return found
    later = [other.created_at for other in every if other is not one and is_same_matter(one, other)]
    later = [created for created in later if created > one.resolved_at]
    if as_of >= one.resolved_at + FIRST_CONTACT_WINDOW:
        found["is_first_contact_resolved"] = (
            sum(contact[0] <= one.resolved_at for contact in one.contacts) <= 1
            and one.reopen_count == 0
            and not any(created <= one.resolved_at + FIRST_CONTACT_WINDOW for created in later)
        )
    if as_of >= one.resolved_at + REPEAT_WINDOW:
        repeated = any(created <= one.resolved_at + REPEAT_WINDOW for created in later)
        found["is_followed_by_repeat"] = repeated
        if arrived:
            found["is_first_time_fix"] = len(arrived) == 1 and not repeated
    return found


def repeated(one: History, every: Sequence[History]) -> list[History]:
    """What a ticket may be a repeat of: of the tickets resolved in the 30 days before it, those resolved last."""
    before = [
        other
        for other in every
        if other is not one
        and is_same_matter(one, other)
        and other.resolved_at is not None
        and other.resolved_at < one.created_at <= other.resolved_at + REPEAT_WINDOW
    ]
    last = max((other.resolved_at for other in before if other.resolved_at), default=None)
    return [other for other in before if other.resolved_at == last]


def _contacts(one: History) -> list[list[datetime]]:
    """The times in each contact, contacts by their beginning."""
    contacts = [[event["occurred_at"]] for event in one.events if event["event_type"] == "call"]
    contacts += [[visit["arrived_at"], visit["finished_at"]] for visit in _arrived(one)]
    run: list[datetime] = []
    for event in one.events:
        by_person = event["event_type"] == "agent_message" and event["actor_type"] == "agent" and event["is_public"]
        if event["event_type"] != "customer_message" and not by_person:
            continue
        if run and event["occurred_at"] - run[-1] < CONTACT_GAP:
            run.append(event["occurred_at"])
        else:
            run = [event["occurred_at"]]
            contacts.append(run)
    return sorted(contacts, key=lambda contact: (contact[0], contact[-1]))


def _arrived(one: History) -> list[Mapping[str, Any]]:
    return [visit for visit in one.visits if visit["arrived_at"] is not None and visit["outcome"] != "cancelled"]


def _called_back(one: History, as_of: datetime) -> dict[str, Any]:
    due = one.counts and one.resolved_at is not None and as_of >= one.resolved_at + FOLLOW_UP_LIMIT
    after = [call for call in one.follow_ups if call["contacted_at"] and one.resolved_at]
    after = [call for call in after if one.resolved_at and call["contacted_at"] >= one.resolved_at]
    in_time = [call for call in after if one.resolved_at and call["contacted_at"] <= one.resolved_at + FOLLOW_UP_LIMIT]
    return {
        "is_follow_up_due": due if one.counts else None,
        "followed_up_at": min((call["contacted_at"] for call in after), default=None),
        "is_followed_up_within_limit": bool(in_time) if due else None,
        "is_follow_up_reached": _said(in_time, "is_reached") if due else None,
        "is_follow_up_confirmed_solved": _said(in_time, "is_confirmed_solved") if due else None,
    }


def _said(calls: Sequence[Mapping[str, Any]], answer: str) -> bool | None:
    # a customer who was not reached has confirmed nothing
    answers = {False if call[answer] is None and call["is_reached"] is False else call[answer] for call in calls}
    if True in answers:
        return True
    return None if answers == {None} else False
