"""Calendars as control tables: pieces of time with the business time before them, and the way back.

Worked out on whole arrays: slots lie on an axis of local seconds, and every stretch of constant UTC offset maps its
part of that axis to UTC.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from include.configuration.calendars import Calendar, Calendars, Country, days_between, slots_of_day

Ints = npt.NDArray[np.int64]

# As the variables `calendar_start_date` and `calendar_years_ahead` of the dbt project, which make dim_date.
FIRST_DAY = date(2000, 1, 1)
YEARS_AHEAD = 3
BUCKET = 8 * 3600 * 1_000_000  # microseconds of business time; `business_bucket` in dbt says the same
_DAY = 86_400
_PROBE = _DAY // 2
_MICRO = 1_000_000
_TIME = pa.timestamp("us")
PIECE: dict[str, pa.DataType] = {
    "schedule": pa.string(),
    "piece_date": pa.date32(),
    "starts_at": _TIME,
    "ends_at": _TIME,
    "business_before": pa.int64(),
    "is_business": pa.bool_(),
}
MARK: dict[str, pa.DataType] = {
    "schedule": pa.string(),
    "bucket": pa.int64(),
    "starts_at": _TIME,
    "business_before": pa.int64(),
    "business_after": pa.int64(),
}
TEAM_SCHEDULE: dict[str, pa.DataType] = {"team_id": pa.string(), "schedule": pa.string()}


@dataclass(frozen=True)
class Intervals:
    """Half-open stretches of time in ascending order, apart from one another; seconds since 1970."""

    starts: Ints
    ends: Ints

    def within(self, begin: int, end: int) -> Intervals:
        """What of them lies between two instants."""
        first = int(np.searchsorted(self.ends, begin, side="right"))
        last = int(np.searchsorted(self.starts, end, side="left"))
        return Intervals(np.maximum(self.starts[first:last], begin), np.minimum(self.ends[first:last], end))

    def shifted(self, seconds: int) -> Intervals:
        """All of them later."""
        return Intervals(self.starts + seconds, self.ends + seconds)


def business_tables(calendars: Calendars, as_of_date: date) -> dict[str, pa.Table]:
    """The control tables calendar_piece, calendar_mark and team_schedule for the years of dim_date."""
    return expand(calendars, FIRST_DAY, date(as_of_date.year + YEARS_AHEAD, 12, 31))


def expand(calendars: Calendars, first: date, last: date) -> dict[str, pa.Table]:
    """The control tables for the UTC days from `first` to `last`, both included."""
    begin, end = _midnight(first), _midnight(last) + _DAY
    pieces, marks = [_table(PIECE)], [_table(MARK)]
    open_times: dict[str, Intervals] = {}
    for name, sequence in calendars.schedules().items():
        parts = []
        for place, one in enumerate(sequence):
            calendar = calendars.calendars[one.calendar]
            if one.calendar not in open_times:
                country = calendars.countries.get(calendar.country or "")
                open_times[one.calendar] = open_time(calendar, country, begin, end)
            until = sequence[place + 1] if place + 1 < len(sequence) else None
            holds_from = begin if one.since is None else _local_midnight(one.since, calendar)
            holds_to = end
            if until is not None and until.since is not None:
                holds_to = _local_midnight(until.since, calendars.calendars[until.calendar])
            parts.append(open_times[one.calendar].within(max(holds_from, begin), min(holds_to, end)))
        business = _merged(parts)
        pieces.append(_pieces(name, business, begin, end))
        marks.append(_marks(name, business))
    teams = [{"team_id": team, "schedule": calendars.schedule_of(team)} for team in sorted(calendars.teams)]
    return {
        "calendar_piece": pa.concat_tables(pieces),
        "calendar_mark": pa.concat_tables(marks),
        "team_schedule": pa.Table.from_pylist(teams, schema=pa.schema(list(TEAM_SCHEDULE.items()))),
    }


def open_time(calendar: Calendar, country: Country | None, begin: int, end: int) -> Intervals:
    """The business time of a calendar between two instants: where its wall clock stands in a slot."""
    if calendar.always:
        return Intervals(np.array([begin]), np.array([end]))
    local = _local_slots(calendar, country, begin, end)
    parts = [
        local.within(since + offset, until + offset).shifted(-offset)
        for since, until, offset in utc_offsets(calendar.time_zone, begin, end)
    ]
    return _merged(parts)


def _local_slots(calendar: Calendar, country: Country | None, begin: int, end: int) -> Intervals:
    """The slots of all days that can reach into a stretch of time, on the axis of local seconds."""
    first = datetime.fromtimestamp(begin, UTC).date() - timedelta(days=3)
    last = datetime.fromtimestamp(end, UTC).date() + timedelta(days=2)
    bounds = [
        (_midnight(day) + begin_minute * 60, _midnight(day) + end_minute * 60)
        for day in days_between(first, last)
        for begin_minute, end_minute in slots_of_day(calendar, country, day)
    ]
    whole = np.array(bounds, np.int64).reshape(-1, 2)
    return _merged([Intervals(whole[:, 0], whole[:, 1])])


@cache
def utc_offsets(zone: str, begin: int, end: int) -> tuple[tuple[int, int, int], ...]:
    """Stretches of constant offset of a time zone between two instants: from, until, seconds ahead of UTC."""
    found = []
    since, offset = begin, _offset(zone, begin)
    for probe in [*range(begin + _PROBE, end, _PROBE), end]:
        if _offset(zone, probe) == offset:
            continue
        low, high = max(probe - _PROBE, since), probe
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if _offset(zone, middle) == offset else (low, middle)
        found.append((since, high, offset))
        since, offset = high, _offset(zone, probe)
    return (*found, (since, end, offset))


def _offset(zone: str, instant: int) -> int:
    shift = datetime.fromtimestamp(instant, ZoneInfo(zone)).utcoffset()
    return int(shift.total_seconds()) if shift is not None else 0


def _local_midnight(day: date, calendar: Calendar) -> int:
    """When a local day begins; where the clock skips its midnight, when it does."""
    return int(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(calendar.time_zone)).timestamp())


def _midnight(day: date) -> int:
    return (day - date(1970, 1, 1)).days * _DAY


def _merged(parts: list[Intervals]) -> Intervals:
    """All intervals in order, those that overlap or touch as one, without empty ones."""
    starts = np.concatenate([np.empty(0, np.int64), *(part.starts for part in parts)])
    ends = np.concatenate([np.empty(0, np.int64), *(part.ends for part in parts)])
    kept = ends > starts
    order = np.argsort(starts[kept], kind="stable")
    starts, reach = starts[kept][order], np.maximum.accumulate(ends[kept][order])
    if not len(starts):
        return Intervals(starts, reach)
    is_first = np.append(True, starts[1:] > reach[:-1])
    return Intervals(starts[is_first], reach[np.append(is_first[1:], True)])


def _pieces(name: str, business: Intervals, begin: int, end: int) -> pa.Table:
    midnights = np.arange(begin, end + 1, _DAY)
    bounds = np.unique(np.concatenate([midnights, business.starts, business.ends]))
    starts, ends = bounds[:-1], bounds[1:]
    place = np.searchsorted(business.starts, starts, side="right") - 1
    is_business = np.zeros(len(starts), bool)
    inside = place >= 0
    is_business[inside] = starts[inside] < business.ends[place[inside]]
    lengths = np.where(is_business, ends - starts, 0)
    columns = {
        "schedule": _repeated(name, len(starts)),
        "piece_date": pa.array((starts // _DAY).astype(np.int32), pa.int32()).cast(pa.date32()),
        "starts_at": _instants(starts),
        "ends_at": _instants(ends),
        "business_before": pa.array((np.cumsum(lengths) - lengths) * _MICRO),
        "is_business": pa.array(is_business),
    }
    return pa.table(columns, schema=pa.schema(list(PIECE.items())))


def _marks(name: str, business: Intervals) -> pa.Table:
    after = np.cumsum(business.ends - business.starts) * _MICRO
    before = after - (business.ends - business.starts) * _MICRO
    first, last = before // BUCKET, (after - 1) // BUCKET
    times = last - first + 1
    row = np.repeat(np.arange(len(first)), times)
    bucket = np.arange(len(row)) - np.repeat(np.cumsum(times) - times, times) + first[row]
    columns = {
        "schedule": _repeated(name, len(row)),
        "bucket": pa.array(bucket.astype(np.int64)),
        "starts_at": _instants(business.starts[row]),
        "business_before": pa.array(before[row]),
        "business_after": pa.array(after[row]),
    }
    return pa.table(columns, schema=pa.schema(list(MARK.items())))


def _repeated(text: str, count: int) -> pa.Array:
    return pa.repeat(pa.scalar(text, pa.string()), count)


def _instants(seconds: Ints) -> pa.Array:
    return pa.array((seconds * _MICRO).astype("datetime64[us]"))


def _table(columns: dict[str, pa.DataType]) -> pa.Table:
    return pa.schema(list(columns.items())).empty_table()


def remarks_on_years(calendars: Calendars, as_of_date: date) -> Iterator[dict[str, str]]:
    """What a person should know of calendars whose state has not decreed the days of a night's years, per language."""
    for country, years in calendars.undecreed_years(as_of_date).items():
        told = ", ".join(map(str, years))
        command = f"make calendars YEARS={years[0]}-{years[-1]} COUNTRY={country}"
        yield {
            "en": f"calendars: holidays and swapped days of {country} {told} are not settled; business minutes may be "
            f"off around its holidays ({command})",
            "zh": f"工作日历：{country} {told} 年的节假日与调休尚未确定，节假日前后的工作时长可能有偏差（{command}）",
        }
