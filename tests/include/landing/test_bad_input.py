"""Bad input at landing: told with source, file and place; the bytes are kept, and other feeds go on."""

from __future__ import annotations

import gzip
import io
import json
import re
import zipfile

import duckdb
import openpyxl
import pytest

from include.landing import land_feed, read_batches
from include.landing.batches import Batch
from tests.support.mini_company import DESK, EVENT_HEADER, TICKET_HEADER, MiniCompany

NIGHT = "2026-06-01"
ROW = "T1,C1,已解决,2026/06/01 09:00,2026/06/01 10:00,ok,2026/06/01 10:00\n"
TICKETS = (TICKET_HEADER + ROW).encode()
EVENTS = EVENT_HEADER + "E1,T1,created,2026-06-01T01:00:00Z\n"


def zipped(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, content)
    return buffer.getvalue()


def deliver(company: MiniCompany, name: str, content: bytes, options: str = "") -> Batch:
    """Land one file of tickets, and events beside it; the batch of the tickets."""
    declared = DESK.replace('"{night}/tickets*.csv"', '"{night}/tickets*"')
    company.write_source("desk.yml", declared.replace("    encoding: [utf-8, gb18030]\n", options))
    folder = company.home / "inbox" / "desk" / NIGHT
    folder.mkdir(parents=True)
    (folder / name).write_bytes(content)
    company.deliver(NIGHT, "events.csv", EVENTS)
    company.land(NIGHT)
    assert read_batches(company.home, "desk", "events", company.night(NIGHT))[0].status == "landed"
    [batch] = read_batches(company.home, "desk", "tickets", company.night(NIGHT))
    [original] = batch.folder(company.home).glob("original*")
    assert gzip.decompress(original.read_bytes()) == content
    return batch


def rows(company: MiniCompany, batch: Batch) -> list[tuple[object, ...]]:
    path = batch.folder(company.home) / "rows.parquet"
    return duckdb.connect().execute(f"select * exclude (_file) from '{path}' order by 1").fetchall()


UNREADABLE = {
    "empty file": ("tickets.csv", b"", "", "SM202", "line 1: empty"),
    "wrong encoding": ("tickets.csv", TICKETS + "坏".encode("gb18030"), "", "SM201", "line 3, column 1: not utf-8"),
    "utf-16 undeclared": ("tickets.csv", b"id,st\n1,2\n".decode().encode("utf-16-le"), "", "SM201", "UTF-16"),
    "doubled column": (
        "tickets.csv",
        TICKETS.replace("客户".encode(), "状态".encode()),
        "",
        "SM202",
        r"2 and 3 .*状态",
    ),
    "wrong delimiter": ("tickets.csv", TICKETS.replace(b",", b";"), "", "SM202", "7 with semicolon"),
    "torn gzip": ("tickets.csv.gz", gzip.compress(TICKETS * 500)[:-40], "", "SM203", "cut off"),
    "encrypted zip": (
        "tickets.zip",
        zipped("tickets.csv", TICKETS).replace(b"PK\x01\x02\x14\x03\x14\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01"),
        "",
        "SM203",
        "encrypted",
    ),
    "gzip bomb": ("tickets.csv.gz", gzip.compress(b"1,2\n" * 20_000_000, 9), "", "SM204", "more than 200 times"),
    "html as xls": ("tickets.xls", b"<html></html>", "", "SM205", "HTML"),
    "csv as xlsx": ("tickets.csv", TICKETS, "    format: xlsx\n", "SM205", "by its first bytes text"),
    "torn json": ("tickets.json", b'[{"a": 1},\n{"a"', "", "SM205", "line 2, column 5"),
    "unknown kind": ("tickets.pdf", b"%PDF", "", "SM205", ".pdf says nothing"),
}


@pytest.mark.parametrize("kind", UNREADABLE)
def test_an_unreadable_file_is_kept_and_told(company: MiniCompany, kind: str) -> None:
    name, content, options, code, told = UNREADABLE[kind]
    batch = deliver(company, name, content, options)
    assert (batch.status, batch.rows) == ("unreadable", None)
    message = str(batch.message)
    assert message.startswith(f"desk.tickets: {name}")
    assert message.endswith(f"[{code}]")
    assert re.search(told, message)


REMARKED = {
    "header only": (TICKET_HEADER.encode(), "tickets.csv: no records", []),
    "unclosed quote": (
        TICKETS.replace(b"ok", b'"ok') + ROW.replace("T1", "T2").encode(),
        "line 2, column 6: a quote opens and is not closed",
        [ROW.replace("ok", '"ok').strip(), ROW.replace("T1", "T2").strip()],
    ),
    "mixed widths": (TICKETS + b"1,2\n", "line 3: 2 columns, 7 expected", [None, "1,2"]),
    "NUL": (TICKETS.replace(b"ok", b"o\0k"), "line 2: 1 NUL bytes", [None]),
    "gb18030": (TICKET_HEADER.encode("gb18030") + ROW.encode("gb18030"), None, [None]),
    "a 5 MB cell": (TICKETS.replace(b"ok", b"o" * 5_000_000), None, [None]),
    "formulas": (TICKETS.replace(b"ok", b"=cmd|' /C calc'!A0"), None, [None]),
    "SQL": (TICKETS.replace(b"T1", b"'; drop table raw; --"), None, [None]),
}


@pytest.mark.parametrize("kind", REMARKED)
def test_what_can_be_read_is_landed_with_a_remark(company: MiniCompany, kind: str) -> None:
    content, remark, unparsable = REMARKED[kind]
    batch = deliver(company, "tickets.csv", content, "    encoding: [utf-8, gb18030]\n")
    assert batch.status == "landed"
    assert [row[1] for row in rows(company, batch)] == unparsable
    if remark is None:
        assert batch.message is None
    else:
        assert remark in str(batch.message)


def test_every_format_of_the_same_ticket_gives_the_same_row(company: MiniCompany) -> None:
    names = TICKET_HEADER.strip().split(",")
    record = dict(zip(names, ROW.strip().split(","), strict=True))
    sql = ", ".join(f"'{value}' as \"{name}\"" for name, value in record.items())
    made = company.home / "made.parquet"
    made.parent.mkdir(parents=True, exist_ok=True)
    duckdb.connect().execute(f"copy (select {sql}) to '{made}' (format parquet)")
    book = openpyxl.Workbook()
    book.active.append(names)
    book.active.append(list(record.values()))
    sheet = io.BytesIO()
    book.save(sheet)
    contents = {
        "tickets.csv": TICKETS,
        "tickets.csv.gz": gzip.compress(TICKETS),
        "tickets.zip": zipped("tickets.csv", TICKETS),
        "tickets.tsv": TICKETS.replace(b",", b"\t"),
        "tickets.json": json.dumps([record]).encode(),
        "tickets.jsonl": json.dumps(record).encode(),
        "tickets.parquet": made.read_bytes(),
        "tickets.xlsx": sheet.getvalue(),
    }
    company.write_source("desk.yml", DESK.replace('"{night}/tickets*.csv"', '"{night}/tickets*"'))
    for number, (name, content) in enumerate(contents.items(), start=1):
        folder = company.home / "inbox" / "desk" / f"2026-06-{number:02}"
        folder.mkdir(parents=True)
        (folder / name).write_bytes(content)
    result = land_feed(company.settings, company.night("2026-06-30"), "desk", "tickets")
    assert (len(result.batches), result.unreadable) == (len(contents), [])
    batches = read_batches(company.home, "desk", "tickets", company.night("2026-06-30"))
    assert {rows(company, batch)[0] for batch in batches} == {(1, None, *record.values())}


def test_hostile_file_names_stay_in_their_batch(company: MiniCompany) -> None:
    company.write_source(
        "desk.yml",
        DESK.replace('"{night}/tickets*.csv"', '"{night}/*tickets*"').replace(
            "    encoding: [utf-8, gb18030]\n", "    format: csv\n"
        ),
    )
    names = ["..tickets.csv", "tickets'; drop table raw; --.csv", "tickets {{ 1 }}.c s;v", "tickets." + "x" * 240]
    for number, name in enumerate(names, start=1):
        folder = company.home / "inbox" / "desk" / f"2026-06-{number:02}"
        folder.mkdir(parents=True)
        (folder / name).write_bytes(TICKETS.replace(b"T1", b"T%d" % number))
    company.land("2026-06-30")
    batches = read_batches(company.home, "desk", "tickets", company.night("2026-06-30"))
    assert sorted(one.files[0].name for one in batches) == sorted(names[1:])  # a dot file is none of the source's
    for batch in batches:
        kept = {path.name for path in batch.folder(company.home).iterdir()}
        assert len(kept) == 3
        assert kept - {"original.csv.gz", "original.gz"} == {"batch.json", "rows.parquet"}
        assert len(rows(company, batch)) == 1
