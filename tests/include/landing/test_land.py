"""Landing keeps every byte and every record, once."""

from __future__ import annotations

import gzip
import hashlib
from typing import Any

import duckdb
import pytest

from include.landing import land_feed, read_batches
from tests.support.mini_company import DESK, TICKET_HEADER, USER_HEADER, MiniCompany

ROW = "T1,C1,已解决,2026/06/01 09:00,2026/06/01 10:00,ok,2026/06/01 10:00\n"
FIRST, SECOND, THIRD = "2026-06-01", "2026-06-02", "2026-06-03"


def raw(company: MiniCompany, feed: str = "tickets") -> list[tuple[object, ...]]:
    path = company.home / "landing" / "desk" / feed / "*" / "rows.parquet"
    return duckdb.connect().execute(f"from read_parquet('{path}') order by all").fetchall()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_encodings_give_the_same_rows(company: MiniCompany, encoding: str) -> None:
    sent = company.deliver(FIRST, "tickets.csv", TICKET_HEADER + ROW, encoding=encoding)
    result = land_feed(company.settings, company.night(FIRST), "desk", "tickets")
    assert result.records == 1
    assert raw(company)[0][3:6] == ("T1", "C1", "已解决")
    batch = read_batches(company.home, "desk", "tickets", company.night(FIRST))[0]
    assert gzip.decompress((batch.folder(company.home) / "original.csv.gz").read_bytes()) == sent.read_bytes()


def test_unparsable_lines_are_records_in_their_place(company: MiniCompany) -> None:
    lines = [ROW, "too,few\n", ROW.replace("T1", "T3"), "1,2,3,4,5,6,7,8,9\n", ROW.replace("T1", "T5")]
    company.deliver(FIRST, "tickets.csv", TICKET_HEADER + "".join(lines))
    assert land_feed(company.settings, company.night(FIRST), "desk", "tickets").records == 5
    rows = [(row[0], row[2], row[3]) for row in raw(company)]
    assert rows == [
        (1, None, "T1"),
        (2, "too,few", None),
        (3, None, "T3"),
        (4, "1,2,3,4,5,6,7,8,9", None),
        (5, None, "T5"),
    ]


def test_files_of_one_delivery_are_numbered_on(company: MiniCompany) -> None:
    company.deliver(FIRST, "tickets_a.csv", TICKET_HEADER + ROW)
    company.deliver(FIRST, "tickets_b.csv", TICKET_HEADER + ROW.replace("T1", "T2"))
    land_feed(company.settings, company.night(FIRST), "desk", "tickets")
    assert [(row[0], row[1], row[3]) for row in raw(company)] == [
        (1, "tickets_a.csv", "T1"),
        (2, "tickets_b.csv", "T2"),
    ]


def test_the_same_night_again_writes_nothing(company: MiniCompany) -> None:
    company.deliver(FIRST, "tickets.csv", TICKET_HEADER + ROW)
    company.land(FIRST)
    before = company.files()
    company.land(FIRST)
    assert company.files() == before


def test_later_nights_wait(company: MiniCompany) -> None:
    company.deliver(SECOND, "tickets.csv", TICKET_HEADER + ROW)
    assert land_feed(company.settings, company.night(FIRST), "desk", "tickets").batches == []
    assert len(land_feed(company.settings, company.night(SECOND), "desk", "tickets").batches) == 1


def test_incremental_content_is_landed_once_ever(company: MiniCompany) -> None:
    """A, B, A of an incremental feed: the third is known; it is recorded once, also when the night runs again."""
    other = TICKET_HEADER + ROW.replace("T1", "T2")
    for night, text in [(FIRST, TICKET_HEADER + ROW), (SECOND, other), (THIRD, TICKET_HEADER + ROW)]:
        company.deliver(night, "tickets.csv", text)
    results = [land_feed(company.settings, company.night(n), "desk", "tickets") for n in (FIRST, SECOND, THIRD, THIRD)]
    assert [(len(one.batches), one.identical) for one in results] == [(1, 0), (1, 0), (0, 1), (0, 0)]
    assert len(list(company.home.glob("ledger/identical/*/desk.tickets.*.json"))) == 1


def test_a_snapshot_is_compared_with_the_latest(company: MiniCompany) -> None:
    """A, A, B, A of a snapshot feed: the second is known, the last one is a change back."""
    a, b = USER_HEADER + "C1,K1,,\n", USER_HEADER + "C1,K2,,\n"
    nights = [FIRST, SECOND, THIRD, "2026-06-04"]
    for night, text in zip(nights, [a, a, b, a], strict=True):
        company.deliver(night, "users.csv", text)
    results = [land_feed(company.settings, company.night(n), "desk", "users") for n in nights]
    assert [(len(one.batches), one.identical) for one in results] == [(1, 0), (0, 1), (1, 0), (1, 0)]


def test_nights_at_once_land_the_same_batches_as_nights_one_by_one(company: MiniCompany) -> None:
    a, b = USER_HEADER + "C1,K1,,\n", USER_HEADER + "C1,K2,,\n"
    for night, text in zip([FIRST, SECOND, THIRD], [a, b, a], strict=True):
        company.deliver(night, "users.csv", text)
    result = land_feed(company.settings, company.night(THIRD), "desk", "users")
    assert len(result.batches) == 3
    again = land_feed(company.settings, company.night("2026-06-04"), "desk", "users")
    assert (again.batches, again.identical) == ([], 0)


def test_a_file_that_fits_no_encoding_is_kept_and_named(company: MiniCompany) -> None:
    path = company.deliver(FIRST, "tickets.csv", "")
    path.write_bytes(TICKET_HEADER.encode() + b"T1,\xff\xff\xff\n")
    result = land_feed(company.settings, company.night(FIRST), "desk", "tickets")
    assert "desk.tickets: tickets.csv: line 2, column 4: not utf-8" in result.unreadable[0]
    batch = read_batches(company.home, "desk", "tickets", company.night(FIRST))[0]
    assert (batch.status, batch.rows) == ("unreadable", None)


def test_a_doubled_column_is_named(company: MiniCompany) -> None:
    company.deliver(FIRST, "tickets.csv", "a,b,a\n1,2,3\n")
    result = land_feed(company.settings, company.night(FIRST), "desk", "tickets")
    assert "tickets.csv: line 1: columns 1 and 3 have the same name" in result.unreadable[0]


def test_a_file_that_two_patterns_find_is_read_once(company: MiniCompany) -> None:
    two = 'files: ["{night}/tickets*.csv", "*/{night}/x.csv", "{night}/*_a.csv"]'
    company.write_source("desk.yml", DESK.replace('files: "{night}/tickets*.csv"', two))
    company.deliver(FIRST, "tickets_a.csv", TICKET_HEADER + ROW)
    assert land_feed(company.settings, company.night(FIRST), "desk", "tickets").records == 1


@pytest.mark.parametrize(
    ("pattern", "place"),
    [
        ("{night}/[st]*.csv", "2026-06-01/tickets.csv"),
        ("**/{night}/t?ckets.csv", "2026-06-01/tickets.csv"),
        ("**/{night}/*.csv", "a/b/2026-06-01/tickets.csv"),
        ("./*/tickets_{night}.csv", "a/tickets_2026-06-01.csv"),
        ("{night}/tickets_{night}.csv", "2026-06-01/tickets_2026-06-01.csv"),
        ("{night}/tickets.csv", "20260601T160000Z/tickets.csv"),
    ],
)
def test_nights_are_found_wherever_the_pattern_says(company: MiniCompany, pattern: str, place: str) -> None:
    company.write_source("desk.yml", DESK.replace("{night}/tickets*.csv", pattern))
    company.deliver(".", place, TICKET_HEADER + ROW)
    land_feed(company.settings, company.night(SECOND), "desk", "tickets")
    batch = read_batches(company.home, "desk", "tickets", company.night(SECOND))[0]
    assert batch.delivered_for == company.night(FIRST)


def test_a_folder_that_only_begins_like_a_night_is_none(company: MiniCompany) -> None:
    company.deliver("2026-06-01-old", "tickets.csv", TICKET_HEADER + ROW)
    company.deliver("2026-13-01", "tickets.csv", TICKET_HEADER + ROW)
    assert land_feed(company.settings, company.night(SECOND), "desk", "tickets").batches == []


def test_what_lands_is_one_copy_of_a_file_that_changes_meanwhile(
    company: MiniCompany, monkeypatch: pytest.MonkeyPatch
) -> None:
    from include.landing import land

    path = company.deliver(FIRST, "tickets.csv", TICKET_HEADER + ROW)
    real = land._landed_file

    def growing(*args: Any) -> Any:
        path.write_text(TICKET_HEADER + ROW + ROW, encoding="utf-8")
        return real(*args)

    monkeypatch.setattr(land, "_landed_file", growing)
    land_feed(company.settings, company.night(FIRST), "desk", "tickets")
    batch = read_batches(company.home, "desk", "tickets", company.night(FIRST))[0]
    original = gzip.decompress((batch.folder(company.home) / "original.csv.gz").read_bytes())
    assert (hashlib.sha256(original).hexdigest(), len(raw(company))) == (batch.files[0].sha256, 1)
    monkeypatch.undo()
    assert land_feed(company.settings, company.night(FIRST), "desk", "tickets").records == 2


def test_a_file_without_a_night_that_grows_is_a_new_delivery_each_time(company: MiniCompany) -> None:
    company.write_source("desk.yml", DESK.replace("{night}/tickets*.csv", "all/tickets.csv"))
    text = TICKET_HEADER
    for night in (FIRST, SECOND):
        text += ROW
        company.deliver("all", "tickets.csv", text)
        land_feed(company.settings, company.night(night), "desk", "tickets")
    batches = read_batches(company.home, "desk", "tickets", company.night(SECOND))
    assert [(one.night, one.rows.records) for one in batches if one.rows] == [
        (company.night(FIRST), 1),
        (company.night(SECOND), 2),
    ]
