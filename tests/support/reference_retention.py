"""Renewal, silence, repurchase and cohorts by slow and obvious code, from lists of contracts and days of orders."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

GRACE = 30
ACTIVE_ORDER_DAYS = 365
INTERVALS = 3
DAY = timedelta(days=1)
FOREVER = date(2999, 12, 31)


@dataclass(eq=False)
class Contract:
    """What the CRM says of one contract."""

    name: str
    currency: str
    start: date
    end: date | None
    amount: int
    renews: Contract | None = None
    billing_months: int = 12

    @property
    def last(self) -> date:
        return self.end or FOREVER


@dataclass
class Renewal:
    """What became of a contract that was due."""

    is_decided: bool
    by: Contract | None
    kind: str | None
    amount: float
    is_open_ended: bool = False


def open_ended_terms(contracts: list[Contract], as_of: date) -> set[int]:
    """Billing terms that know no last day: of what runs, as much or more has none as has one. Of all customers."""
    running = [one for one in contracts if one.start <= as_of < one.last]
    return {
        months
        for months in {one.billing_months for one in running}
        if sum(one.end is None for one in running if one.billing_months == months)
        >= sum(one.end is not None for one in running if one.billing_months == months)
    }


def reached(contract: Contract, everything: list[Contract]) -> date:
    """The last day in force: the day before the renewal that names it, if that comes first."""
    starts = [other.start for other in everything if other.renews is contract and other.start > contract.start]
    return min([contract.last, *(start - DAY for start in starts)])


def in_force(contracts: list[Contract]) -> dict[Contract, tuple[date, date]]:
    """From when to when each contract of one customer and currency is in force, gaps of at most 30 days closed."""
    until = {one: reached(one, contracts) for one in contracts}
    named = {}
    for one in contracts:
        named[one] = one.start
        if one.renews is not None:
            last = until[one.renews]
            if last < one.start <= last + GRACE * DAY:
                named[one] = last + DAY
    placed = {}
    for one in contracts:
        before = [until[other] for other in contracts if named[other] < named[one]]
        start = named[one]
        if before and max(before) < start <= max(before) + GRACE * DAY:
            start = max(before) + DAY
        placed[one] = (start, until[one])
    return placed


def followers(contract: Contract, contracts: list[Contract]) -> tuple[list[Contract], str | None]:
    """Contracts that renew one, and how."""
    assert contract.end is not None
    named = [
        other
        for other in contracts
        if other.renews is contract and contract.start < other.start <= contract.end + GRACE * DAY
    ]
    if named:
        return named, "explicit"
    placed = in_force(contracts)
    unnamed = [
        other
        for other in contracts
        if other.renews is None
        and other.start > contract.start
        and other.start >= contract.end
        and placed[other][0] <= contract.end + DAY
        and placed[other][1] > contract.end
    ]
    return unnamed, "new_contract" if unnamed else None


def renewals(contracts: list[Contract], as_of: date, open_ended: set[int]) -> dict[str, Renewal]:
    """What became of each contract of one customer and currency whose last day has come.

    One of an open-ended billing term was ended on that day; it was never due, so nobody can have renewed it.
    """
    ending = [one for one in contracts if one.end is not None]
    following = {one: followers(one, contracts) for one in ending}
    found = {}
    for one in ending:
        if one.last > as_of:
            continue
        after, kind = following[one]
        amount = 0.0
        for other in after:
            together = sum(before.amount for before in ending if other in following[before][0])
            amount += round(other.amount * one.amount / together, 12)
        first = min(after, key=lambda other: other.start, default=None)
        is_decided = as_of >= one.last + GRACE * DAY
        is_open_ended = one.billing_months in open_ended
        found[one.name] = Renewal(is_decided, first, kind, min(amount, one.amount), is_open_ended)
    return found


def months(first: date, as_of: date) -> Iterator[tuple[date, date]]:
    """First day and last one, capped at the as-of day, of every month from that of `first` on."""
    month = first.replace(day=1)
    while month <= as_of:
        following = (month + 32 * DAY).replace(day=1)
        yield month, min(following - DAY, as_of)
        month = following


def silence(orders: list[date], until: date) -> tuple[float, bool] | None:
    """Mean interval between days of orders until a day, and whether three of them have passed; None: too few."""
    days = sorted({day for day in orders if day <= until})
    if len(days) < 3:
        return None
    intervals = [(later - earlier).days for earlier, later in pairwise(days)]
    mean = sum(intervals) / len(intervals)
    return mean, (until - days[-1]).days > INTERVALS * mean


def is_active(contracts: list[Contract], orders: list[date], month: date, until: date) -> bool:
    """Whether a contract was in force on any day of a month, or an order came in the year before it or in it."""
    currencies = {one.currency for one in contracts}
    spans = [
        span
        for currency in currencies
        for span in in_force([one for one in contracts if one.currency == currency]).values()
    ]
    by_contract = any(start <= until and end >= month for start, end in spans)
    return by_contract or any(month - ACTIVE_ORDER_DAYS * DAY <= day <= until for day in orders)
