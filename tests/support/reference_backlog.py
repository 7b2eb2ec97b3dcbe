"""The backlog in plain, slow Python: every ticket is looked at on every day, as METHODS 'Backlog' reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

OPEN = ("new", "open", "pending", "hold")
AGES = (1, 3, 7)
Cell = tuple[str | None, ...]


@dataclass(frozen=True)
class Step:
    """What changes when: attribute is status, team or priority; times are UTC."""

    at: datetime
    attribute: str
    value: str | None


@dataclass(frozen=True)
class Life:
    """A ticket's first state and all that changed; the fixed part of its cell is channel, region and product line."""

    created_at: datetime
    status: str
    team: str | None
    priority: str | None
    fixed: Cell
    steps: Sequence[Step]

    def state_at(self, instant: datetime, *, including: bool = False) -> tuple[bool, Cell] | None:
        """Whether it is open, and its cell, just before an instant (or after it); None before its creation."""
        if self.created_at > instant or (self.created_at == instant and not including):
            return None
        now: dict[str, str | None] = {"status": self.status, "team": self.team, "priority": self.priority}
        for step in self.steps:
            if step.at < instant or (including and step.at == instant):
                now[step.attribute] = step.value
        return now["status"] in OPEN, (now["team"], now["priority"], *self.fixed)


def backlog(
    lives: Iterable[Life], days: Sequence[date], as_of: datetime, zone: ZoneInfo
) -> dict[tuple[date, Cell], Counter[str]]:
    """Every day's figures by cell, without those of cells in which nothing is open and nothing happened."""
    found: dict[tuple[date, Cell], Counter[str]] = {}
    for life in lives:
        for day in days:
            begin, end = _midnight(day, zone), _midnight(day + timedelta(days=1), zone)
            if begin > as_of:
                continue
            for cell, name in _of_day(life, begin, end, as_of):
                found.setdefault((day, cell), Counter())[name] += 1
    return found


def _of_day(life: Life, begin: datetime, end: datetime, as_of: datetime) -> Iterable[tuple[Cell, str]]:
    before = life.state_at(begin)
    if before and before[0]:
        yield before[1], "opening"
    moments = sorted({life.created_at, *(step.at for step in life.steps)})
    for moment, _ in groupby(moments):
        if begin <= moment < end and moment <= as_of:
            yield from _happened(life, moment)
    after = life.state_at(end) if end <= as_of else life.state_at(as_of, including=True)
    if after and after[0]:
        passed = [life.created_at + timedelta(days=age) for age in AGES]
        band = sum(border < end and border <= as_of for border in passed)
        yield after[1], "closing"
        yield after[1], ("open_0_1d", "open_1_3d", "open_3_7d", "open_over_7d")[band]


def _happened(life: Life, moment: datetime) -> Iterable[tuple[Cell, str]]:
    before, after = life.state_at(moment), life.state_at(moment, including=True)
    assert after is not None
    if before is None:
        yield after[1], "created"
        if not after[0]:
            yield after[1], "solved"
        return
    (was_open, old), (is_open, new) = before, after
    if was_open and not is_open:
        yield old, "solved"
    if is_open and not was_open:
        yield new, "reopened"
    if was_open and is_open and old != new:
        yield old, "moved_out"
        yield new, "moved_in"


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC).replace(tzinfo=None)
