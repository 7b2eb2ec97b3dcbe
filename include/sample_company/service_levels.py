"""The company's working hours and service levels, read from its own files and worked out in plain numpy.

What this says is held against the published warehouse; so it shares nothing with the product's reading of these files.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from include.sample_company import assumptions as a
from include.sample_company.nights import LAST_DAY, TICKETS_FROM, Ints, day_number, local_day, local_midnight
from include.sample_company.tickets import TEAMS

CONFIG = Path(__file__).resolve().parents[2] / "config"
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
THURSDAY = 3  # 1970-01-01
NO_POLICY = -1
NO_TIER = len(a.TIERS)  # a customer whom the CRM does not know


@dataclass(frozen=True)
class WorkingHours:
    """When each team works; of every local day the working seconds in up to two slots."""

    first_day: int
    slots: Ints  # [teams, days, slots, 2]: seconds since local midnight, from and to; 0, 0: none
    before: Ints  # [teams, days]: working seconds before that day

    @staticmethod
    def read() -> "WorkingHours":
        """The hours of config/calendars.yml; all calendars are in the company's own zone, which has no summer time."""
        told = yaml.safe_load((CONFIG / "calendars.yml").read_text(encoding="utf-8"))
        first, days = TICKETS_FROM - 1, LAST_DAY - TICKETS_FROM + 4
        tables = {
            name: _slots_of(calendar, told["countries"], first, days) for name, calendar in told["calendars"].items()
        }
        names = [told["teams"].get(f"T{team}", told["default"]) for team in range(TEAMS)]
        slots = np.stack([tables[name] for name in names])
        worked = (slots[..., 1] - slots[..., 0]).sum(axis=2)
        return WorkingHours(first, slots, np.cumsum(worked, axis=1) - worked)

    def seconds(self, team: Ints, start: Ints, stop: Ints) -> Ints:
        """Working seconds of each team in [start, stop), UTC seconds."""
        return self._until(team, stop) - self._until(team, start)

    def _until(self, team: Ints, times: Ints) -> Ints:
        day = local_day(times)
        since = times - local_midnight(day)
        slots = self.slots[team, day - self.first_day]
        today = np.clip(since[:, None], slots[..., 0], slots[..., 1]) - slots[..., 0]
        return self.before[team, day - self.first_day] + today.sum(axis=1)


def _slots_of(calendar: Mapping[str, Any], countries: Mapping[str, Any], first: int, days: int) -> Ints:
    """Slots of each day [days, 2, 2] from the day number `first` on; swapped working days win over days off."""
    if calendar.get("always"):
        return np.tile(np.array([[0, 86_400], [0, 0]]), (days, 1, 1))
    week = np.zeros((len(WEEKDAYS), 2, 2), np.int64)
    for name, slots in calendar["slots"].items():
        for number, slot in enumerate(slots):
            week[WEEKDAYS.index(name), number] = [_clock_seconds(time) for time in slot.split("-")]
    weekday = (np.arange(first, first + days) + THURSDAY) % 7
    table = week[weekday]
    country = countries.get(calendar.get("country", ""), {"holidays": {}, "workdays": {}})
    for day in country["holidays"]:
        _put(table, day, first, week[0] * 0)
    for day, worked in country["workdays"].items():
        _put(table, day, first, week[WEEKDAYS.index(worked["like"])])
    return table


def _put(table: Ints, day: date, first: int, slots: Ints) -> None:
    place = day_number(day) - first
    if 0 <= place < len(table):
        table[place] = slots


def _clock_seconds(text: str) -> int:
    hour, minute = text.split(":")
    return 3_600 * int(hour) + 60 * int(minute)


@dataclass(frozen=True)
class Policies:
    """Targets of each tier (the last one: unknown) and priority."""

    target: dict[str, Ints]  # clock -> [tiers, priorities] in seconds
    by_calendar: np.ndarray[Any, Any]  # [tiers, priorities]: runs around the clock

    @staticmethod
    def read() -> "Policies":
        """The policies of config/sla.yml, the first that fits.

        Raises:
            ValueError: a policy asks for more than tier and priority.
        """
        told = yaml.safe_load((CONFIG / "sla.yml").read_text(encoding="utf-8"))["policies"]
        known = {"name", "words", "tier", "priority", "hours", "targets"}
        if any(set(policy) - known for policy in told):
            raise ValueError(f"the known answers go by tier and priority alone, sla.yml also by {told}")
        chosen = np.full((len(a.TIERS) + 1, len(a.PRIORITIES)), NO_POLICY)
        for number, policy in reversed(list(enumerate(told))):
            tiers = [a.TIERS.index(name) for name in policy.get("tier", [])] or range(len(a.TIERS) + 1)
            priorities = [a.PRIORITIES.index(name) for name in policy.get("priority", [])] or range(len(a.PRIORITIES))
            chosen[np.ix_(list(tiers), list(priorities))] = number
        clocks = ("first_response", "next_response", "resolution")
        minutes = {clock: np.array([policy["targets"][clock] for policy in told]) for clock in clocks}
        around = np.array([policy.get("hours") == "calendar" for policy in told])
        return Policies({clock: 60 * values[chosen] for clock, values in minutes.items()}, around[chosen])
