"""calendars.yml: what is refused, and how; the command that fills it; what a night remarks; the shipped file."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from include.configuration.business_time import expand
from include.configuration.calendars import Calendars, read_calendars
from include.configuration.checking import check_configuration, configuration_remarks
from include.configuration.fill_calendars import CalendarFillError, country_block, fill, years_of
from include.configuration.loading import ConfigurationError
from include.gate.context import prepare_night
from include.settings import PROJECT_ROOT, load_settings
from tests.support.warehouse_fixture import AS_OF

OFFICE = """calendars:
  office:
    time_zone: Asia/Shanghai
    slots:
      mon: ["09:00-18:00"]
default: office
"""


def _read(folder: Path, text: str) -> Calendars:
    (folder / "calendars.yml").write_text(text, encoding="utf-8")
    return read_calendars(folder)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("Asia/Shanghai", "Asia/Shangai", r":3: calendars.office.time_zone: unknown time zone Asia/Shangai"),
        ("Asia/Shanghai", "Asia", r":3: calendars.office.time_zone: unknown time zone Asia"),
        ("09:00-18:00", "9-18", r":5: calendars.office.slots.mon.0: a slot reads like 09:00-18:00, not 9-18"),
        ("09:00-18:00", "09:00-25:00", r":5: .*mon.0: 09:00-25:00 has a time that no clock shows"),
        ("09:00-18:00", "24:00-18:00", r":5: .*no clock shows"),
        ("09:00-18:00", "09:60-18:00", r":5: .*no clock shows"),
        ("09:00-18:00", "09:00-09:00", r":5: .*is empty; a whole day is 00:00-24:00"),
        ("mon:", "monday:", r":5: calendars.office.slots.monday"),
        ("default: office", "default: ofice", r":6: default.0.calendar: there is no calendar ofice"),
        ("default: office\n", "", r":1: default: is missing"),
        ("default: office", "default: [{calendar: office, from: 2026-01-01}]", r":6: default.0.from: .*since ever"),
        ("default: office", "default: []", r":6: default: .*at least 1"),
        (
            "default: office",
            "default: office\nteams:\n  T1: night",
            r":8: teams.T1.0.calendar: there is no calendar night",
        ),
        (
            "default: office",
            "default: office\nteams:\n  T1:\n    - {calendar: office, from: 2026-02-01}\n"
            "    - {calendar: office, from: 2026-01-01}",
            r":10: teams.T1.1.from: calendars follow one another, each with a later from",
        ),
        (
            "default: office",
            "default: office\nteams: {T1: [{calendar: office, from: 1 May}]}",
            r":7: .*a date reads like",
        ),
        ("    slots:", "    country: CN\n    slots:", r":4: calendars.office.country: countries has no CN"),
        ("    slots:", "    always: true\n    slots:", r":2: calendars.office: always leaves no room"),
        ('    slots:\n      mon: ["09:00-18:00"]\n', "", r":2: calendars.office: says no working hours"),
        ("    slots:", "    holidays: {2026-13-01: {}}\n    slots:", r":4: calendars.office.holidays"),
        ("    slots:", "    lunch: true\n    slots:", r":4: calendars.office.lunch: unknown key"),
    ],
)
def test_what_is_wrong_is_named_with_file_line_and_key(old: str, new: str, told: str, tmp_path: Path) -> None:
    assert old in OFFICE
    with pytest.raises(ConfigurationError, match=f"^calendars.yml{told}.*\\[SM103\\]$"):
        _read(tmp_path, OFFICE.replace(old, new, 1))


def test_a_wrong_file_stops_the_night_before_it_begins(tmp_path: Path) -> None:
    settings = load_settings().model_copy(update={"home": tmp_path / "home", "config": tmp_path})
    (tmp_path / "calendars.yml").write_text(OFFICE.replace("Asia/Shanghai", "Mars/Base"), encoding="utf-8")
    with pytest.raises(ConfigurationError):
        check_configuration(settings)
    with pytest.raises(ConfigurationError):
        prepare_night(settings, AS_OF)
    assert not (tmp_path / "home").exists()


def test_a_country_is_filled_again_without_touching_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "calendars.yml"
    path.write_text(OFFICE + "# a person's words\n", encoding="utf-8")
    assert fill(path, "US", [2026]) == []
    assert fill(path, "CN", [2025, 2026, 2027]) == [2027]
    first = path.read_text(encoding="utf-8")
    assert first.startswith(OFFICE + "# a person's words\n")
    assert first.count(">>> CN") == first.count(">>> US") == 1
    # the same again changes nothing, other years change their country only
    fill(path, "CN", [2025, 2026, 2027])
    assert path.read_text(encoding="utf-8") == first
    fill(path, "CN", [2026])
    calendars = read_calendars(tmp_path)
    china = calendars.countries["CN"]
    assert (china.decreed, china.not_yet_decreed) == ((2026,), ())
    # State Council, 4 November 2025: 2 January is off, Sunday the 4th is worked for it, a Friday
    assert china.workdays[date(2026, 1, 4)].like == "fri"
    assert china.holidays[date(2026, 1, 2)].zh == "休息日（由 2026-01-04 调休）"
    assert china.holidays[date(2026, 6, 19)].en == "Dragon Boat Festival"
    assert list(china.holidays) == sorted(china.holidays)
    assert calendars.countries["US"].holidays[date(2026, 7, 3)].en == "Independence Day (observed)"


def test_every_swapped_day_is_worked_like_the_weekday_that_it_is_swapped_for() -> None:
    block, _ = country_block("CN", range(2019, 2027))
    worked = [line for line in block.splitlines() if "{like: " in line]
    assert len(worked) > 40
    assert not [line for line in worked if "（补" not in line or "like: sat" in line or "like: sun" in line]


@pytest.mark.parametrize("marker", [">>> CN", "<<< CN"])
def test_a_lost_marker_is_told_and_nothing_is_written(marker: str, tmp_path: Path) -> None:
    path = tmp_path / "calendars.yml"
    path.write_text(OFFICE, encoding="utf-8")
    fill(path, "CN", [2026])
    broken = path.read_text(encoding="utf-8").replace(f"# {marker}", "#")
    path.write_text(broken, encoding="utf-8")
    with pytest.raises(CalendarFillError, match="must stand there once each"):
        fill(path, "CN", [2026])
    assert path.read_text(encoding="utf-8") == broken


def test_the_command_refuses_what_it_cannot_do(tmp_path: Path) -> None:
    with pytest.raises(CalendarFillError, match="knows no country XX"):
        fill(tmp_path / "calendars.yml", "XX", [2026])
    for text in ("2026-2024", "next", "20-26", ""):
        with pytest.raises(CalendarFillError, match="years read like"):
            years_of(text)
    assert years_of("2024-2026") == [2024, 2025, 2026]
    assert years_of("2026") == [2026]


@pytest.mark.parametrize(
    ("day", "years"), [("2026-06-30", []), ("2027-01-01", ["2027"]), ("2028-03-01", ["2027", "2028"])]
)
def test_a_night_tells_of_years_that_are_not_settled(day: str, years: list[str], tmp_path: Path) -> None:
    (tmp_path / "calendars.yml").write_text(
        OFFICE.replace("    slots:", "    country: CN\n    slots:"), encoding="utf-8"
    )
    (tmp_path / "calendars.yml").open("a").write("countries: {CN: {decreed: [2025, 2026], not_yet_decreed: [2027]}}\n")
    settings = load_settings().model_copy(update={"config": tmp_path, "language": "zh"})
    as_of = AS_OF.replace(year=int(day[:4]), month=int(day[5:7]), day=int(day[8:]), hour=12)
    remarks = configuration_remarks(settings, as_of)
    assert len(remarks) == (1 if years else 0)
    for remark in remarks:
        assert ", ".join(years) in remark
        assert "工作日历" in remark
    english = configuration_remarks(settings.model_copy(update={"language": "en"}), as_of)
    assert [", ".join(years) in remark for remark in english] == [True] * len(remarks)


def test_the_sample_company_works_as_its_file_says() -> None:
    calendars = read_calendars(PROJECT_ROOT / "config")
    assert calendars.schedules().keys() == {"default", "hotline", "vip_desk"}
    assert calendars.undecreed_years(date(2026, 6, 30)) == {}
    tables = expand(calendars, date(2026, 1, 1), date(2026, 12, 31))
    hours = {
        name: sum(
            (row["ends_at"] - row["starts_at"]).total_seconds() / 3600
            for row in tables["calendar_piece"].to_pylist()
            if row["schedule"] == name and row["is_business"]
        )
        for name in calendars.schedules()
    }
    # 2026 has 261 weekdays; 19 of them are off, and 6 days of weekends are worked instead
    assert hours == {"default": 8 * 248, "vip_desk": 14 * 365, "hotline": 24 * 365}
