"""Business time in plain, slow Python: look at the clock on the wall minute by minute.

Written from METHODS 'Time' and from what a calendar's file says, not from the program: slots are taken as their text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate
from zoneinfo import ZoneInfo

NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MINUTE = timedelta(minutes=1)


@dataclass
class Hours:
    """A calendar as a person would say it: slots by weekday as text, days off, days worked like another weekday."""

    zone: str = "UTC"
    slots: Mapping[str, Sequence[str]] = field(default_factory=dict)
    off: frozenset[date] = frozenset()
    worked: Mapping[date, str] = field(default_factory=dict)
    always: bool = False

    def open_minutes(self, day: date) -> set[int]:
        """Minutes of the wall clock, from the day's midnight on, that its slots cover; up to 2880 over midnight."""
        if day in self.worked:
            texts = self.slots.get(self.worked[day], ())
        elif day in self.off:
            texts = ()
        else:
            texts = self.slots.get(NAMES[day.weekday()], ())
        found: set[int] = set()
        for text in texts:
            begin, end = (int(part[:2]) * 60 + int(part[3:]) for part in text.split("-"))
            found.update(range(begin, end if end > begin else end + 1440))
        return found

    def as_yaml(self) -> str:
        """The same as the mapping of a calendar in calendars.yml, in YAML's short form."""
        if self.always:
            return f"{{always: true, time_zone: {self.zone}}}"
        slots = ", ".join(f"{day}: [{', '.join(repr(one) for one in self.slots[day])}]" for day in self.slots)
        off = ", ".join(f"{day}: {{}}" for day in sorted(self.off))
        worked = ", ".join(f"{day}: {{like: {self.worked[day]}}}" for day in sorted(self.worked))
        return f"{{time_zone: {self.zone}, slots: {{{slots}}}, holidays: {{{off}}}, workdays: {{{worked}}}}}"


class WallClock:
    """The business time of hours that follow one another, looked up for every minute of some UTC days."""

    def __init__(self, sequence: Sequence[tuple[date | None, Hours]], first: date, last: date) -> None:
        """`sequence`: hours, each with the date of its own zone from which they hold (none: since ever)."""
        self.begin = datetime(first.year, first.month, first.day, tzinfo=UTC)
        count = (last - first).days * 1440 + 1440
        self.is_open = [self._is_open(sequence, self.begin + number * MINUTE) for number in range(count)]
        self.before = [0, *accumulate(self.is_open)]

    def _is_open(self, sequence: Sequence[tuple[date | None, Hours]], at: datetime) -> bool:
        hours = sequence[0][1]
        for since, later in sequence[1:]:
            if since is not None and at.astimezone(ZoneInfo(later.zone)).date() >= since:
                hours = later
        if hours.always:
            return True
        local = at.astimezone(ZoneInfo(hours.zone))
        minute = local.hour * 60 + local.minute
        return minute in self._open(hours, local.date()) or minute + 1440 in self._open(
            hours, local.date() - timedelta(days=1)
        )

    def _open(self, hours: Hours, day: date) -> set[int]:
        known = self.__dict__.setdefault("_known", {})
        key = (id(hours), day)
        if key not in known:
            known[key] = hours.open_minutes(day)
        return known[key]

    def microseconds(self, earlier: datetime, later: datetime) -> int:
        """Business time between two naive UTC instants, in microseconds."""
        return self._at(later) - self._at(earlier)

    def minutes(self, earlier: datetime, later: datetime) -> float:
        """Business time between two naive UTC instants, in minutes."""
        return self.microseconds(earlier, later) / 60_000_000

    def _at(self, instant: datetime) -> int:
        passed = (instant.replace(tzinfo=UTC) - self.begin) // timedelta(microseconds=1)
        whole, rest = divmod(passed, 60_000_000)
        return self.before[whole] * 60_000_000 + (rest if rest and self.is_open[whole] else 0)
