"""Working hours: `calendars.yml` says which calendars there are and which team works by which, since when.

A calendar is a week of slots in a time zone, less holidays, plus days that are worked instead (调休). An instant is
business time if the clock on the wall shows a time inside a slot of that local day (or of the day before, for a slot
over midnight). So a day on which the clock goes back has 25 hours, and an hour that it skips is in no slot.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from include.configuration.loading import ConfigurationError, read_part
from include.yaml_file import line_of, text_of

FILE = "calendars.yml"
DEFAULT = "default"
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY_MINUTES = 1440
_SLOT = re.compile(r"^(\d{2}):(\d{2})-(\d{2}):(\d{2})$")
_DATE = re.compile(r"^\d{4}-\d{2}-\d{2}$")


def _slot(value: Any) -> tuple[int, int]:
    """`09:00-18:00` as minutes since the day's midnight; a slot over midnight ends after 1440."""
    found = _SLOT.match(str(value))
    if not found:
        raise ValueError(f"a slot reads like 09:00-18:00, not {value}")
    begin_hour, begin_minute, end_hour, end_minute = map(int, found.groups())
    begin, end = begin_hour * 60 + begin_minute, end_hour * 60 + end_minute
    if max(begin_minute, end_minute) > 59 or begin >= _DAY_MINUTES or end > _DAY_MINUTES:
        raise ValueError(f"{value} has a time that no clock shows")
    if begin == end:
        raise ValueError(f"{value} is empty; a whole day is 00:00-24:00")
    return begin, end if end > begin else end + _DAY_MINUTES


def _day(value: Any) -> date:
    if isinstance(value, date):
        return value
    if not _DATE.match(str(value)):
        raise ValueError(f"a date reads like 2026-01-31, not {value}")
    return date.fromisoformat(str(value))


Slot = Annotated[tuple[int, int], BeforeValidator(_slot)]
Day = Annotated[date, BeforeValidator(_day)]
Weekday = Annotated[str, Field(pattern="^(mon|tue|wed|thu|fri|sat|sun)$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Named(_Strict):
    """A day off and its names."""

    zh: str = ""
    en: str = ""


class Workday(Named):
    """A day that is worked with the slots of another weekday, as the state swaps days (调休)."""

    like: Weekday


class Country(_Strict):
    """Public holidays and swapped days of a country; written by `make calendars`."""

    decreed: tuple[int, ...] = Field((), description="years whose days are settled")
    not_yet_decreed: tuple[int, ...] = Field((), description="years whose swapped days the state has not named yet")
    holidays: dict[Day, Named] = {}
    workdays: dict[Day, Workday] = {}


class Calendar(_Strict):
    """Working hours of one kind of team."""

    zh: str = ""
    en: str = ""
    time_zone: str = Field("UTC", description="IANA name")
    always: bool = Field(False, description="day and night, holidays included")
    country: str | None = Field(None, description="key under `countries`: its holidays and swapped days hold here")
    slots: dict[Weekday, tuple[Slot, ...]] = Field({}, description="weekday: list of slots; other days are off")
    holidays: dict[Day, Named] = Field({}, description="days off of its own")
    workdays: dict[Day, Workday] = Field({}, description="days worked of its own; they win over holidays")

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # a folder, a path out of the database
            raise ValueError(f"unknown time zone {value}") from error
        return value

    @model_validator(mode="after")
    def _either_always_or_slots(self) -> Calendar:
        if self.always and (self.slots or self.holidays or self.workdays or self.country):
            raise ValueError("always leaves no room for slots, holidays, workdays or a country")
        if not self.always and not self.slots:
            raise ValueError("says no working hours: give slots, or always: true")
        return self


class Assignment(_Strict):
    """The calendar that holds from a local date of its own time zone on; the first one may hold since ever."""

    calendar: str
    since: Day | None = Field(None, alias="from")


def _assignments(value: Any) -> Any:
    return [{"calendar": value}] if isinstance(value, str) else value


Assignments = Annotated[tuple[Assignment, ...], BeforeValidator(_assignments), Field(min_length=1)]


class Calendars(_Strict):
    """All of `calendars.yml`; without the file no business time is known."""

    calendars: dict[str, Calendar] = {}
    default: Assignments | None = Field(None, description="calendar of every team that is not listed")
    teams: dict[str, Assignments] = Field({}, description="team id: its calendars, one after another")
    countries: dict[str, Country] = {}

    def misfits(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """What does not fit together: key (a path into the file) and problem."""
        for name, calendar in self.calendars.items():
            if calendar.country is not None and calendar.country not in self.countries:
                yield ("calendars", name, "country"), f"countries has no {calendar.country}; make calendars writes it"
        if self.default is None:
            if self.calendars or self.teams:
                yield ("default",), "is missing: the calendar of the teams that are not listed"
        else:
            if self.default[0].since is not None:
                yield ("default", 0, "from"), "the first calendar of default holds since ever"
            yield from self._misfits_of(("default",), self.default)
        for team, assigned in self.teams.items():
            yield from self._misfits_of(("teams", team), assigned)

    def _misfits_of(
        self, key: tuple[str, ...], assigned: tuple[Assignment, ...]
    ) -> Iterator[tuple[tuple[str | int, ...], str]]:
        for place, one in enumerate(assigned):
            if one.calendar not in self.calendars:
                yield (*key, place, "calendar"), f"there is no calendar {one.calendar}"
        for place, (earlier, later) in enumerate(pairwise(assigned), start=1):
            if later.since is None or (earlier.since is not None and later.since <= earlier.since):
                yield (*key, place, "from"), "calendars follow one another, each with a later from"

    def schedules(self) -> dict[str, tuple[Assignment, ...]]:
        """Name of every distinct sequence of calendars -> that sequence, whose first one holds since ever.

        `default` comes first; the others are named by what they say, so that names do not depend on the order of teams.
        """
        if self.default is None:
            return {}
        found = {DEFAULT: self.default}
        for team in sorted(self.teams):
            found[self.schedule_of(team)] = self._sequence(team)
        return found

    def schedule_of(self, team: str) -> str:
        """Name of a team's schedule."""
        sequence = self._sequence(team)
        if sequence == self.default:
            return DEFAULT
        return ", ".join(one.calendar + (f" from {one.since}" if one.since else "") for one in sequence)

    def _sequence(self, team: str) -> tuple[Assignment, ...]:
        """A team's calendars; before the first one that has a date, those of the default hold."""
        own = self.teams.get(team, self.default or ())
        first = own[0].since
        if first is None:
            return own
        before = tuple(one for one in self.default or () if one.since is None or one.since < first)
        return (*before, *own)

    def undecreed_years(self, as_of_date: date) -> dict[str, list[int]]:
        """Country in use -> which of the as-of year and the one before its settled years lack."""
        used = {one.country for one in self.calendars.values() if one.country is not None}
        lacking = {
            name: [year for year in (as_of_date.year - 1, as_of_date.year) if year not in self.countries[name].decreed]
            for name in sorted(used)
        }
        return {name: years for name, years in lacking.items() if years}


def read_calendars(folder: Path) -> Calendars:
    """The calendars of a configuration.

    Raises:
        ConfigurationError: the file is wrong; the text names file, line and key.
    """
    found = read_part(folder, FILE, Calendars)
    for key, problem in found.misfits():
        path = folder / FILE
        line = line_of(text_of(path, ConfigurationError), key)
        raise ConfigurationError(path, line, ".".join(map(str, key)), problem)
    return found


def slots_of_day(calendar: Calendar, country: Country | None, day: date) -> tuple[tuple[int, int], ...]:
    """Slots that begin on a local day, in minutes since its midnight.

    The calendar's own days win over its country's, and work over rest.
    """
    for days in (calendar, country):
        if days is None:
            continue
        if day in days.workdays:
            return calendar.slots.get(days.workdays[day].like, ())
        if day in days.holidays:
            return ()
    return calendar.slots.get(WEEKDAYS[day.weekday()], ())


def days_between(first: date, last: date) -> list[date]:
    """Every day from the first to the last, both included."""
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]
