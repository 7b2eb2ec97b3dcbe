"""From text to value: what is read, what is missing, and what makes a row unusable."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import duckdb
import pytest

from include.sources import load_sources
from include.sources.mapping import mapped_rows
from tests.support.mini_company import MiniCompany

SHOP = """\
source: shop
system: Shop
group: crm
time_zone: America/New_York
missing: ["", "N/A"]
feeds:
  orders:
    delivery: incremental
    files: "*.csv"
    entities:
      order:
        columns:
          order_id: [record]
          ordered_at: [at]
          amount: {from: [value], strip: [",", "元"], values: {未知: null}}
          delivered_date: [day]
          is_correct: {from: [cell], values: {好: true, 坏: false, 不详: null}}
"""


def mapped(company: MiniCompany, **cells: str) -> tuple[object, ...]:
    """ordered_at, amount, delivered_date, is_correct and _untyped of one order."""
    company.write_source("shop.yml", SHOP)
    loaded = next(one for one in load_sources(company.sources) if one.source.name == "shop")
    row = {"record": "O1", "at": "2026-06-01 00:00:00", "value": "1", "day": "", "cell": ""} | cells
    con = duckdb.connect()
    con.execute("set timezone = 'UTC'")
    columns = ", ".join(f"?::varchar as {name}" for name in row)
    con.execute(
        f"create table raw as select {columns}, 1 as _row_number, null::varchar as _unparsable", [*row.values()]
    )
    sql = mapped_rows(loaded, "orders", "order", list(row), "UTC")
    found = con.execute(f"select ordered_at, amount, delivered_date, is_correct, _untyped from ({sql})").fetchone()
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-06-01 10:00:00", "2026-06-01 14:00:00"),
        ("2026-06-01T10:00:00Z", "2026-06-01 10:00:00"),
        ("2026-06-01T10:00:00z", "2026-06-01 10:00:00"),
        ("2026-06-01 10:00:00 UTC", "2026-06-01 10:00:00"),
        ("2026-06-01 10:00:00+08", "2026-06-01 02:00:00"),  # as PostgreSQL writes it
        ("2026-06-01 10:00:00.5+0530", "2026-06-01 04:30:00.5"),
        ("2026-06-01 10:00:00 +08:00", "2026-06-01 02:00:00"),
        ("2026-06-01", "2026-06-01 04:00:00"),
        ("2026-03-08 02:30:00", "2026-03-08 07:30:00"),  # in the gap of the change to summer time
    ],
)
def test_times(company: MiniCompany, text: str, expected: str) -> None:
    found = mapped(company, at=text)
    assert (found[0], found[4]) == (dt.datetime.fromisoformat(expected), None)


@pytest.mark.parametrize(
    "text", ["2026-02-30 10:00:00", "infinity", "-infinity", "epoch", "294247-01-10 04:00:54", "x"]
)
def test_what_is_no_time(company: MiniCompany, text: str) -> None:
    assert (mapped(company, at=text)[0], mapped(company, at=text)[4]) == (None, "ordered_at")


@pytest.mark.parametrize(("text", "day"), [("2026-6-1", 1), ("2026-06-02 10:00", 2), ("2026-06-03T00:00:00+08:00", 3)])
def test_dates(company: MiniCompany, text: str, day: int) -> None:
    assert mapped(company, day=text)[2] == dt.date(2026, 6, day)


@pytest.mark.parametrize("text", ["2026-02-30", "2026-06-01x", "infinity", "20260601"])
def test_what_is_no_date(company: MiniCompany, text: str) -> None:
    assert mapped(company, day=text)[2::2] == (None, "delivered_date")


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("1,234.5元", "1234.5"),
        ("　１２．５ ", "12.5"),
        ("\t-3\u00a0", "-3"),
        ("1e3", "1000"),
        ("99999999999999", "99999999999999"),
    ],
)
def test_numbers(company: MiniCompany, text: str, amount: str) -> None:
    assert mapped(company, value=text)[1::3] == (Decimal(amount), None)


@pytest.mark.parametrize("text", ["1" * 30, "nan", "inf", "1 2", "元", "12a"])
def test_what_is_no_number(company: MiniCompany, text: str) -> None:
    assert mapped(company, value=text)[1::3] == (None, "amount")


def test_a_text_that_a_map_calls_nothing_is_missing_and_not_unreadable(company: MiniCompany) -> None:
    assert mapped(company, value="未知", cell="不详")[1:] == (None, None, None, None)
    assert mapped(company, cell="也许")[3:] == (None, "is_correct")


@pytest.mark.parametrize("text", ["", "N/A", " N/A ", "\u3000", "\t"])
def test_missing(company: MiniCompany, text: str) -> None:
    assert mapped(company, value=text)[1::3] == (None, None)
