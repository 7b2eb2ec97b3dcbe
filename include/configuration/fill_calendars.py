"""`make calendars`: write a country's public holidays and swapped days (调休) into calendars.yml, from `holidays`.

Only the block between the country's two marker comments is rewritten; all else in the file is a person's.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import holidays
from holidays.holiday_base import HolidayBase

from include import files
from include.configuration.calendars import FILE, WEEKDAYS, read_calendars
from include.errors import MetricsError
from include.settings import load_settings

_LOOK_BACK = 10  # years in which a country that swaps days has done so at least once


class CalendarFillError(MetricsError):
    """The command can't be carried out; the text says why."""

    default_code = "SM103"


def country_block(country: str, years: Iterable[int]) -> tuple[str, list[int]]:
    """The lines of a country under `countries:`, and the years whose swapped days are not decreed yet.

    Raises:
        CalendarFillError: the library does not know the country.
    """
    wanted = sorted(set(years))
    undecreed = [year for year in wanted if not _is_decreed(country, year)]
    lines = [
        _marker(">>>", country, f"written by make calendars YEARS={wanted[0]}-{wanted[-1]} COUNTRY={country}"),
        f"  {country}:",
        f"    decreed: [{', '.join(str(year) for year in wanted if year not in undecreed)}]",
        f"    not_yet_decreed: [{', '.join(map(str, undecreed))}]",
        "    holidays:",
    ]
    english, chinese = _days(country, wanted, "en_US"), _days(country, wanted, "zh_CN")
    own = _days(country, wanted, None)
    lines += [f"      {day}: {_names(chinese.get(day, own[day]), english.get(day, own[day]))}" for day in sorted(own)]
    worked = sorted(day for day in own.weekend_workdays if day.year in wanted)
    lines.append("    workdays:" if worked else "    workdays: {}")
    for day in worked:
        rest = _swapped_for(own, day)
        like = WEEKDAYS[rest.weekday()] if rest else WEEKDAYS[0]
        named = _names(f"调休上班（补 {rest}）" if rest else "调休上班", f"Worked for {rest}" if rest else "Worked")
        lines.append(f"      {day}: {{like: {like}, {named[1:]}")
    lines.append(_marker("<<<", country))
    return "\n".join(lines) + "\n", undecreed


def filled(text: str, country: str, block: str) -> str:
    """A calendars.yml with a country's block replaced, or added where there is none.

    Raises:
        CalendarFillError: one of the block's two markers is missing.
    """
    lines = text.splitlines(keepends=True)
    begins = [place for place, line in enumerate(lines) if line.startswith(_marker(">>>", country))]
    ends = [place for place, line in enumerate(lines) if line.startswith(_marker("<<<", country))]
    if len(begins) != len(ends) or len(begins) > 1 or (begins and ends[0] < begins[0]):
        raise CalendarFillError(f"{FILE}: the comments '>>> {country}' and '<<< {country}' must stand there once each")
    if begins:
        return "".join([*lines[: begins[0]], block, *lines[ends[0] + 1 :]])
    heads = [place for place, line in enumerate(lines) if line.rstrip() == "countries:"]
    if heads:
        return "".join([*lines[: heads[0] + 1], block, *lines[heads[0] + 1 :]])
    if text and not text.endswith("\n"):
        text += "\n"
    return f"{text}\ncountries:\n{block}"


def fill(path: Path, country: str, years: Iterable[int]) -> list[int]:
    """Write a country's days into a calendars.yml. Returns the years that are not decreed yet.

    Raises:
        CalendarFillError: the library does not know the country, or a marker is missing.
        ConfigurationError: the file would be wrong afterwards; it is left as it was.
    """
    block, undecreed = country_block(country, years)
    text = filled(path.read_text(encoding="utf-8") if path.exists() else "", country, block)
    with tempfile.TemporaryDirectory(prefix="calendars") as scratch:
        (Path(scratch) / FILE).write_text(text, encoding="utf-8")
        read_calendars(Path(scratch))
    files.write_bytes(path, text.encode())
    return undecreed


def years_of(text: str) -> list[int]:
    """`2024-2027` or `2026` as years.

    Raises:
        CalendarFillError: it reads otherwise.
    """
    first, _, last = text.partition("-")
    if not (first.isdigit() and (last or first).isdigit() and 1990 <= int(first) <= int(last or first) <= 2100):
        raise CalendarFillError(f"years read like 2024-2027, not {text}")
    return list(range(int(first), int(last or first) + 1))


def _marker(arrow: str, country: str, words: str = "") -> str:
    return f"  # {arrow} {country}" + (f": {words}" if words else "")


def _days(country: str, years: list[int], language: str | None) -> HolidayBase:
    if country not in holidays.list_supported_countries():
        raise CalendarFillError(f"the library holidays knows no country {country} (ISO 3166, such as CN)")
    known = language if language in holidays.country_holidays(country).supported_languages else None
    return holidays.country_holidays(country, years=years, language=known, expand=False)


def _is_decreed(country: str, year: int) -> bool:
    """A state that swaps days names them each year: a year after the last ones that it named is open yet."""
    known = _days(country, list(range(year - _LOOK_BACK, year + 1)), None)
    named = {day.year for day in known.weekend_workdays if day.year > year - _LOOK_BACK}
    return not known.has_substituted_holidays or not named or max(named) >= year


def _swapped_for(days: HolidayBase, worked: date) -> date | None:
    """The weekday off that a day is worked for: its name holds the worked day."""
    text = worked.strftime(days.tr(days.substituted_date_format))
    return next((day for day in sorted(days) if text in days[day]), None)


def _names(chinese: str, english: str) -> str:
    return f'{{zh: "{_plain(chinese)}", en: "{_plain(english)}"}}'


def _plain(text: str) -> str:
    return text.replace("\\", "").replace('"', "'")


def main(arguments: list[str]) -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="fill_calendars", description=__doc__)
    parser.add_argument("--years", required=True, help="2024-2027")
    parser.add_argument("--country", default="CN", help="ISO 3166")
    given = parser.parse_args(arguments)
    path = load_settings().config / FILE
    try:
        years = years_of(given.years)
        undecreed = fill(path, given.country, years)
    except MetricsError as error:
        print(f"✗ {error}", file=sys.stderr)
        return 1
    print(f"✓ {path}: holidays of {given.country}, {years[0]}-{years[-1]}")
    if undecreed:
        told = ", ".join(map(str, undecreed))
        print(f"! swapped days not yet decreed: {told}; run this again with a newer release of holidays")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
