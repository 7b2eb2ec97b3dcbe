"""Spreadsheets: cells as a person would write them down, one sheet, from its header on."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from include.sources.file_reader import UnreadableFileError

FIXTURES = Path(__file__).parent.parent / "fixtures"


def workbook(*rows: list[Any], sheets: tuple[str, ...] = ("工单",), at: str = "A1") -> bytes:
    """An XLSX file whose first sheet holds these rows."""
    book = openpyxl.Workbook()
    sheet: Any = book.active
    sheet.title = sheets[0]
    for other in sheets[1:]:
        book.create_sheet(other)
    start = sheet[at]
    for number, row in enumerate(rows):
        for column, value in enumerate(row):
            sheet.cell(start.row + number, start.column + column, value)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


# What a cell holds, and the text that it becomes.
CELLS = [
    (5, "5"),
    (5.0, "5"),
    (12.5, "12.5"),
    (-0.25, "-0.25"),
    (1e-7, "0.0000001"),
    (13812345678, "13812345678"),
    (1e20, "100000000000000000000"),
    (dt.datetime(2026, 6, 1, 9, 30), "2026-06-01 09:30:00"),
    (dt.datetime(2026, 6, 1), "2026-06-01"),
    (dt.date(2026, 6, 1), "2026-06-01"),
    (dt.time(9, 5), "09:05:00"),
    (dt.timedelta(hours=36, minutes=5), "36:05:00"),
    (True, "true"),
    ("#N/A", "#N/A"),
    ("0017", "0017"),
    (" a\nb ", " a\nb "),
    ("'; drop table raw; --", "'; drop table raw; --"),
    (None, None),
    ("#DIV/0!", "#DIV/0!"),
]


def test_every_kind_of_cell_has_its_text(read: Callable) -> None:
    header = [f"c{number}" for number in range(len(CELLS))]
    got = read({"t.xlsx": workbook(header, [value for value, _ in CELLS])})
    assert got.cells == [(None, *(text for _, text in CELLS))]
    assert (got.read.files, got.read.notes) == ([(None, 1)], [])


def test_a_formula_is_its_last_result_and_never_run(read: Callable) -> None:
    """openpyxl writes none; a text that begins like a formula stays a text."""
    book = openpyxl.Workbook()
    sheet: Any = book.active
    sheet.append(["id", "status"])
    sheet.append(["=1+1", "x"])
    sheet["B3"] = "=cmd|' /C calc'!A0"
    sheet["B3"].data_type = "s"
    buffer = io.BytesIO()
    book.save(buffer)
    assert read({"t.xlsx": buffer.getvalue()}).cells == [(None, None, "x"), (None, None, "=cmd|' /C calc'!A0")]


def test_the_old_format(read: Callable) -> None:
    got = read({"t.xls": (FIXTURES / "tickets.xls").read_bytes()})
    assert got.read.columns == ["工单编号", "创建时间", "金额", "是否投诉", "备注"]
    assert got.cells == [
        (None, "1001", "2026-06-01 09:30:00", "12.5", "true", "屏幕有问题"),
        (None, "1002", None, "3", "false", None),
    ]
    assert got.read.notes == ["t.xls: sheet 工单 was read; passed over: 说明"]


def test_the_new_format_under_the_old_name_and_packed(read: Callable, zipped: Callable) -> None:
    content = workbook(["id"], [7])
    assert read({"t.xls": content}).cells == [(None, "7")]
    assert read({"t.zip": zipped({"t.xlsx": content})}).cells == [(None, "7")]


def test_sheet_title_and_header_as_the_feed_says(read: Callable) -> None:
    content = workbook(["工单导出"], [], ["id", "status"], [1, "a"], sheets=("首页", "其他"))
    assert read({"t.xlsx": content}, skip_rows=1).cells == [(None, "1", "a")]
    assert read({"t.xlsx": content}, sheet="首页", skip_rows=2).cells == [(None, "1", "a")]
    got = read({"t.xlsx": content}, skip_rows=3, header=["id", "status"])
    assert (got.read.columns, got.cells) == (["id", "status"], [(None, "1", "a")])
    for sheet in ("没有", 3):
        with pytest.raises(UnreadableFileError, match=rf"t.xlsx: no sheet {sheet}; it has 首页, 其他 \[SM205\]"):
            read({"t.xlsx": content}, sheet=sheet)
    with pytest.raises(UnreadableFileError, match=r"t.xlsx: sheet 其他: empty, a header was expected \[SM202\]"):
        read({"t.xlsx": content}, sheet=2)


def test_empty_rows_and_a_table_that_begins_elsewhere(read: Callable) -> None:
    content = workbook(["id", "status"], [1, "#N/A"], [], [None, None], [2, "b"], [], [None], at="C4")
    got = read({"t.xlsx": content})
    assert got.read.columns == ["id", "status"]
    assert got.cells == [(None, "1", "#N/A"), (None, "2", "b")]
    assert got.read.notes == ["t.xlsx: sheet 工单: empty rows passed over: 2"]


def test_cells_beyond_the_header_are_kept(read: Callable) -> None:
    got = read({"t.xlsx": workbook(["id"], [1, None, "beyond"], [2])})
    assert got.read.columns == ["id", "column_2", "column_3"]
    assert got.cells == [(None, "1", None, "beyond"), (None, "2", None, None)]


def test_a_header_alone_and_doubled_columns(read: Callable) -> None:
    assert read({"t.xlsx": workbook(["id", "status"])}).read.notes == ["t.xlsx: no records"]
    with pytest.raises(
        UnreadableFileError, match=r"t.xlsx: sheet 工单, row 2: columns 1 and 2 have the same name \(ID"
    ):
        read({"t.xlsx": workbook([], ["id", "ID"])})


def test_merged_cells_are_told(read: Callable) -> None:
    book = openpyxl.Workbook()
    sheet: Any = book.active
    for row in (["id", "status"], [1, "a"], [2, "b"]):
        sheet.append(row)
    sheet.merge_cells("B2:B3")
    buffer = io.BytesIO()
    book.save(buffer)
    got = read({"t.xlsx": buffer.getvalue()})
    assert got.cells == [(None, "1", "a"), (None, "2", None)]
    assert got.read.notes == ["t.xlsx: sheet Sheet: merged ranges: 1; their value stands in the first cell only"]


@pytest.mark.parametrize(
    ("content", "code", "told"),
    [
        (b"", "SM205", "no spreadsheet: by its first bytes empty"),
        (b"<html><table></table></html>", "SM205", "by its first bytes HTML"),
        (b"id\tstatus\n1\ta\n", "SM205", r"by its first bytes text.*declare the feed's `format`"),
        (workbook(["id"])[:2000], "SM203", "cut off"),
        (b"PK\x05\x06" + b"\0" * 18, "SM203", "no spreadsheet, or a damaged one"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "SM203", "no spreadsheet, or a damaged one"),
        ((FIXTURES / "tickets.xls").read_bytes()[:3000], "SM203", "damaged"),
    ],
)
def test_what_is_no_spreadsheet_is_told(read: Callable, content: bytes, code: str, told: str) -> None:
    with pytest.raises(UnreadableFileError, match=rf"^t\.xls: .*{told}") as caught:
        read({"t.xls": content})
    assert caught.value.code == code
