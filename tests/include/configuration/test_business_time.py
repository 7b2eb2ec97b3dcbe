"""Pieces of business time, read with the SQL that the models use, against the clock on the wall minute by minute."""

from __future__ import annotations

import random
import re
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import jinja2
import pyarrow as pa
import pytest
import yaml

from include.configuration.business_time import BUCKET, FIRST_DAY, YEARS_AHEAD, business_tables, expand
from include.configuration.calendars import Calendars, read_calendars
from include.settings import PROJECT_ROOT
from tests.support.reference_business_time import NAMES, Hours, WallClock

DBT = PROJECT_ROOT / "dbt_project"
MACROS = DBT / "macros" / "metrics" / "business_time.sql"
MICRO = timedelta(microseconds=1)
SEED = 20261122
TRIALS, PAIRS = 24, 200
# Around a change of the clock: New York forward and back, London back, Lord Howe by half an hour, none.
WINDOWS = [
    ("America/New_York", date(2026, 2, 25)),
    ("America/New_York", date(2025, 10, 20)),
    ("Europe/London", date(2025, 10, 12)),
    ("Australia/Lord_Howe", date(2026, 3, 22)),
    ("Australia/Lord_Howe", date(2025, 9, 25)),
    ("Asia/Shanghai", date(2026, 2, 5)),
]
DAYS = 30
SLOTS = ["09:00-18:00", "09:00-12:00", "13:00-18:00", "08:30-17:45", "22:00-06:00", "00:00-24:00", "01:15-02:45",
         "17:00-09:00", "23:59-00:01", "11:00-13:30", "18:00-24:00"]  # fmt: skip


def _calendars(folder: Path, text: str) -> Calendars:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "calendars.yml").write_text(text, encoding="utf-8")
    return read_calendars(folder)


def _macros() -> Any:
    """The macros of the models, with what they call from other files written for DuckDB."""
    environment = jinja2.Environment()
    environment.globals |= {
        "ref": lambda name: name,
        "microseconds_between": lambda earlier, later: f"(epoch_us({later}) - epoch_us({earlier}))",
        "microseconds_after": lambda instant, number: f"make_timestamp(epoch_us({instant}) + {number})",
    }
    return environment.from_string(MACROS.read_text(encoding="utf-8")).module


def _answers(tables: dict[str, pa.Table], asked: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """For each {schedule, a, b, more}: the clock at a and b, and where it reaches `more` microseconds after a."""
    macros = _macros()
    with duckdb.connect() as con:
        con.register("stg_calendar_piece", tables["calendar_piece"])
        con.register("stg_calendar_mark", tables["calendar_mark"])
        con.register("asked", pa.Table.from_pylist([{"number": n} | one for n, one in enumerate(asked)]))
        target = f"({macros.business_at('at_a', 'asked.a')} + asked.more)"
        due = macros.due_at("mark", target)
        result = con.execute(f"""
            select asked.number, {macros.business_at("at_a", "asked.a")} as clock_a,
                {macros.business_at("at_b", "asked.b")} as clock_b, {due} as due
            from asked
            {macros.business_join("at_a", "asked.schedule", "asked.a")}
            {macros.business_join("at_b", "asked.schedule", "asked.b")}
            {macros.due_join("mark", "asked.schedule", target)}
            order by asked.number
        """)
        names = [column[0] for column in result.description or []]
        rows = [dict(zip(names, row, strict=True)) for row in result.fetchall()]
    # an instant has one piece, an amount one mark
    assert [row["number"] for row in rows] == list(range(len(asked)))
    return rows


def _random_hours(chance: random.Random, zone: str, first: date) -> Hours:
    if chance.random() < 0.1:
        return Hours(zone, always=True)
    slots = {day: chance.sample(SLOTS, chance.choice([1, 1, 2, 3])) for day in NAMES if chance.random() < 0.75}
    days = [first + timedelta(days=number) for number in range(-2, DAYS + 2)]
    worked = {day: chance.choice(NAMES) for day in chance.sample(days, 3)}
    return Hours(zone, slots or {"wed": ["09:00-18:00"]}, frozenset(chance.sample(days, 4)), worked)


def _instant(chance: random.Random, first: date, days: int) -> datetime:
    """Some instant of the UTC days; every second one on a whole hour, where slots begin and end."""
    begin = datetime(first.year, first.month, first.day)
    if chance.random() < 0.5:
        return begin + timedelta(hours=chance.randrange(days * 24))
    return begin + chance.randrange(days * 86_400_000_000) * MICRO


@pytest.mark.parametrize("trial", range(TRIALS))
def test_random_calendars_agree_with_the_wall_clock(trial: int, tmp_path: Path) -> None:
    chance = random.Random(SEED + trial)
    zone, first = WINDOWS[trial % len(WINDOWS)]
    last = first + timedelta(days=DAYS - 1)
    hours = [_random_hours(chance, zone, first), _random_hours(chance, chance.choice(WINDOWS)[0], first)]
    change = first + timedelta(days=chance.randrange(5, 25))
    text = (
        f"calendars: {{one: {hours[0].as_yaml()}, two: {hours[1].as_yaml()}}}\n"
        f"default: one\nteams: {{T: [{{calendar: one}}, {{calendar: two, from: {change}}}]}}\n"
    )
    calendars = _calendars(tmp_path, text)
    tables = expand(calendars, first, last)
    clocks = {
        "default": WallClock([(None, hours[0])], first, last),
        calendars.schedule_of("T"): WallClock([(None, hours[0]), (change, hours[1])], first, last),
    }
    asked = []
    for number in range(PAIRS):
        a, b = sorted(_instant(chance, first, DAYS) for _ in range(2))
        more = chance.choice([1, 60_000_000, chance.randrange(1, 40 * 3_600_000_000)])
        asked.append({"schedule": list(clocks)[number % 2], "a": a, "b": a if number % 10 == 0 else b, "more": more})
    rows = _answers(tables, asked)
    dues = 0
    for one, row in zip(asked, rows, strict=True):
        clock = clocks[one["schedule"]]
        assert row["clock_b"] - row["clock_a"] == clock.microseconds(one["a"], one["b"]), one
        if row["due"] is not None:
            dues += 1
            # reached there, and not a microsecond before
            assert row["due"] > one["a"]
            assert clock.microseconds(one["a"], row["due"]) == one["more"], one
            assert clock.microseconds(one["a"], row["due"] - MICRO) == one["more"] - 1, one
        else:
            end = datetime(last.year, last.month, last.day) + timedelta(days=1) - MICRO
            assert clock.microseconds(one["a"], end) < one["more"]
    assert dues > PAIRS / 10


def test_years_on_end_agree_and_add_up(tmp_path: Path) -> None:
    first, last = date(2024, 1, 1), date(2025, 12, 31)
    week = {day: ["09:00-12:00", "13:00-18:00"] for day in NAMES[:5]}
    hours = Hours("America/New_York", week, frozenset({date(2024, 7, 4), date(2025, 7, 4)}))
    tables = expand(_calendars(tmp_path, f"calendars: {{one: {hours.as_yaml()}}}\ndefault: one\n"), first, last)
    clock = WallClock([(None, hours)], first, last)
    chance = random.Random(SEED)
    asked = []
    for _ in range(500):
        a, b, c = sorted(_instant(chance, first, 731) for _ in range(3))
        asked += [{"schedule": "default", "a": x, "b": y, "more": 1} for x, y in ((a, b), (b, c), (a, c))]
    found = [row["clock_b"] - row["clock_a"] for row in _answers(tables, asked)]
    assert found == [clock.microseconds(one["a"], one["b"]) for one in asked]
    for place in range(0, len(found), 3):
        assert found[place] + found[place + 1] == found[place + 2]


@pytest.mark.parametrize(
    ("slots", "zone", "day", "hours"),
    [
        ('sun: ["00:00-24:00"]', "America/New_York", date(2026, 3, 8), 23),
        ('sun: ["00:00-24:00"]', "America/New_York", date(2025, 11, 2), 25),
        ('sun: ["00:00-24:00"]', "Australia/Lord_Howe", date(2026, 4, 5), 24.5),
        # 02:00 to 03:00 does not exist on that night, and 01:00 to 02:00 comes twice on the other
        ('sun: ["02:00-03:00"]', "America/New_York", date(2026, 3, 8), 0),
        ('sun: ["01:00-02:00"]', "America/New_York", date(2025, 11, 2), 2),
        ('sat: ["22:00-06:00"]', "Europe/London", date(2026, 3, 29), 7),
        ('sun: ["09:00-12:00", "11:00-13:00"]', "Asia/Shanghai", date(2026, 3, 8), 4),
        ('mon: ["09:00-12:00"]', "Asia/Shanghai", date(2026, 3, 8), 0),
    ],
)
def test_days_worked_out_by_hand(slots: str, zone: str, day: date, hours: float, tmp_path: Path) -> None:
    calendars = _calendars(tmp_path, f"calendars: {{one: {{time_zone: {zone}, slots: {{{slots}}}}}}}\ndefault: one\n")
    tables = expand(calendars, day - timedelta(days=3), day + timedelta(days=3))
    # the days around it have no slot of their own that could reach the next Sunday
    begin = datetime(day.year, day.month, day.day) - timedelta(hours=36)
    (row,) = _answers(tables, [{"schedule": "default", "a": begin, "b": begin + timedelta(hours=72), "more": 1}])
    week_later = 3 * 3_600_000_000 if slots.startswith("mon") else 0  # the Monday after lies inside
    assert row["clock_b"] - row["clock_a"] - week_later == hours * 3_600_000_000


def test_day_and_night_is_the_calendar(tmp_path: Path) -> None:
    tables = expand(
        _calendars(tmp_path, "calendars: {on: {always: true}}\ndefault: on\n"), date(2026, 1, 1), date(2026, 12, 31)
    )
    chance = random.Random(SEED)
    asked = []
    for _ in range(500):
        a, b = sorted(_instant(chance, date(2026, 1, 1), 365) for _ in range(2))
        asked.append({"schedule": "default", "a": a, "b": b, "more": max(1, (b - a) // MICRO)})
    for one, row in zip(asked, _answers(tables, asked), strict=True):
        assert row["clock_b"] - row["clock_a"] == (one["b"] - one["a"]) // MICRO
        assert one["a"] == one["b"] or row["due"] == one["b"]


def test_holidays_and_swapped_days_of_the_country_hold(tmp_path: Path) -> None:
    text = """
calendars:
  office:
    time_zone: Asia/Shanghai
    country: CN
    slots: {thu: ["09:00-12:00"], fri: ["09:00-18:00"]}
    holidays: {2026-01-08: {zh: 厂休, en: Works holiday}}
    workdays: {2026-01-09: {like: thu}}
default: office
countries:
  CN:
    decreed: [2026]
    holidays: {2026-01-01: {zh: 元旦}, 2026-01-02: {}}
    workdays: {2026-01-04: {like: fri}}
"""
    tables = expand(_calendars(tmp_path, text), date(2025, 12, 30), date(2026, 1, 20))
    asked = [
        {"schedule": "default", "a": datetime(2025, 12, 31, day), "b": datetime(2025, 12, 31, day), "more": 1}
        for day in (0,)
    ]
    days = [date(2026, 1, day) for day in (1, 2, 4, 8, 9, 15, 16)]
    for day in days:
        begin = datetime(day.year, day.month, day.day) - timedelta(hours=8)
        asked.append({"schedule": "default", "a": begin, "b": begin + timedelta(days=1), "more": 1})
    found = [(row["clock_b"] - row["clock_a"]) / 3_600_000_000 for row in _answers(tables, asked)[1:]]
    # New Year and the day after are off; Sunday the 4th is worked like a Friday; own days come before the country's
    assert found == [0, 0, 9, 0, 3, 3, 9]


def test_pieces_fill_time_and_one_team_has_one_schedule(tmp_path: Path) -> None:
    text = """
calendars: {on: {always: true}, day: {slots: {mon: ["09:00-18:00"]}}}
default: on
teams: {A: day, B: on, C: [{calendar: day, from: 2026-02-01}], D: [{calendar: on}, {calendar: day, from: 2026-02-01}]}
"""
    tables = expand(_calendars(tmp_path, text), date(2026, 1, 1), date(2026, 3, 31))
    teams = {row["team_id"]: row["schedule"] for row in tables["team_schedule"].to_pylist()}
    # before the first date of C the default holds, which is what D says in full
    assert teams == {"A": "day", "B": "default", "C": "on, day from 2026-02-01", "D": "on, day from 2026-02-01"}
    by_schedule: dict[str, list[dict[str, Any]]] = {}
    for row in tables["calendar_piece"].to_pylist():
        by_schedule.setdefault(row["schedule"], []).append(row)
    assert by_schedule.keys() == {"default", *teams.values()}
    for rows in by_schedule.values():
        assert (rows[0]["starts_at"], rows[-1]["ends_at"]) == (datetime(2026, 1, 1), datetime(2026, 4, 1))
        clock = 0
        for row, following in zip(rows, [*rows[1:], None], strict=True):
            assert (
                row["starts_at"]
                < row["ends_at"]
                <= datetime.combine(row["piece_date"], datetime.min.time()) + timedelta(days=1)
            )
            assert row["piece_date"] == row["starts_at"].date()
            assert row["business_before"] == clock
            clock += (row["ends_at"] - row["starts_at"]) // MICRO if row["is_business"] else 0
            assert following is None or following["starts_at"] == row["ends_at"]


def test_without_a_file_no_business_time_is_known(tmp_path: Path) -> None:
    tables = business_tables(read_calendars(tmp_path), date(2026, 6, 30))
    assert {name: table.num_rows for name, table in tables.items()} == dict.fromkeys(tables, 0)


def test_the_years_and_buckets_are_those_of_the_models() -> None:
    variables = yaml.safe_load((DBT / "dbt_project.yml").read_text(encoding="utf-8"))["vars"]
    assert (str(FIRST_DAY), YEARS_AHEAD) == (variables["calendar_start_date"], variables["calendar_years_ahead"])
    assert re.findall(r"\d{6,}", MACROS.read_text(encoding="utf-8")) == [str(BUCKET)] * 2
