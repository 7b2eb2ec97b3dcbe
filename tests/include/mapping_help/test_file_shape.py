"""How an unknown file is to be read, and which time formats its values are written in."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from include.mapping_help.date_formats import guess_dates
from include.mapping_help.file_shape import shape_of
from include.sources.file_reader import ReadLimits, read_to_parquet

LINES = [f"{number},北京市朝阳区,2026-06-0{number}" for number in range(1, 6)]
TEXT = "编号,地址,日期\n" + "\n".join(LINES) + "\n"


def as_bytes(encoding: str, text: str = TEXT) -> bytes:
    return text.encode(encoding)


CASES: dict[str, tuple[str, Callable[[], bytes], dict[str, Any]]] = {
    "utf-8": ("a.csv", lambda: as_bytes("utf-8"), {}),
    "utf-8 with a mark": ("a.csv", lambda: as_bytes("utf-8-sig"), {}),
    "gb18030": ("a.csv", lambda: as_bytes("gb18030"), {"encoding": ["gb18030"]}),
    "utf-16 with a mark": ("a.csv", lambda: as_bytes("utf-16"), {}),
    "utf-16 without a mark": (
        "a.csv",
        lambda: as_bytes("utf-16-le", "number,name\n" + "1,abcdefgh\n" * 5),
        {"encoding": ["utf-16-le"]},
    ),
    "western": (
        "a.csv",
        lambda: as_bytes("cp1252", "nom,ville\n" + "Zoé,Orléans\n" * 5),
        {"encoding": ["cp1252"]},
    ),
    "semicolons, with commas inside": (
        "a.csv",
        lambda: as_bytes("utf-8", "a;b;c\n" + "1,5;2,5;x\n" * 5),
        {"delimiter": ";"},
    ),
    "tabs": ("a.txt", lambda: as_bytes("utf-8", "a\tb\n" + "1\t2\n" * 5), {"delimiter": "\t"}),
    "tabs under their own name": ("a.tsv", lambda: as_bytes("utf-8", "a\tb\n" + "1\t2\n" * 5), {}),
    "text called a spreadsheet": (
        "a.xls",
        lambda: as_bytes("gb18030", TEXT.replace(",", "\t")),
        {"format": "csv", "encoding": ["gb18030"], "delimiter": "\t"},
    ),
    "titles above the header": (
        "a.csv",
        lambda: as_bytes("utf-8", "Report of June\n\n" + TEXT),
        {"skip_rows": 2},
    ),
    "no header": (
        "a.csv",
        lambda: as_bytes("utf-8", "\n".join(f"{number},2026-06-01,{number}.5" for number in range(5))),
        {"header": ["column_1", "column_2", "column_3"]},
    ),
    "a cell with line ends": ("a.csv", lambda: as_bytes("utf-8", 'a,b\n"x\ny;z",1\n' * 3), {}),
    "JSON Lines called JSON": ("a.json", lambda: as_bytes("utf-8", '{"a": 1}\n{"a": 2}\n'), {"format": "jsonl"}),
    "a list inside JSON": (
        "a.json",
        lambda: json.dumps({"page": 1, "data": {"rows": [{"a": "一"}, {"a": "二"}]}}).encode(),
        {"records": "data.rows"},
    ),
    "a list of objects": ("a.json", lambda: b'[{"a": 1}]', {}),
    "no ending": ("export", lambda: as_bytes("utf-8"), {"format": "csv"}),
}


@pytest.mark.parametrize("case", CASES)
def test_shape(tmp_path: Path, case: str) -> None:
    name, content, options = CASES[case]
    path = tmp_path / name
    path.write_bytes(content())
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    shape = shape_of(path, scratch, ReadLimits())
    assert shape.options == options
    read = read_to_parquet([path], shape.feed(), tmp_path / "rows.parquet", scratch, ReadLimits())
    assert read.records >= 1 and not any("could not be parsed" in note for note in read.notes)


@pytest.mark.parametrize(
    ("values", "read", "formats", "either"),
    [
        (["2026-06-01", "2026/6/2 8:05"], 2, (), ()),
        (["2026-06-01T10:00:00Z"], 1, (), ()),
        (["13/2/2026", "1/2/2026"], 2, ("%d/%m/%Y",), ()),
        (["2/13/2026 08:00", "1/2/2026 09:00"], 2, ("%m/%d/%Y %H:%M",), ()),
        (["1/2/2026", "3/4/2026"], 2, (), (("%d/%m/%Y",), ("%m/%d/%Y",))),
        (["1/1/2026", "2/2/2026", "2/13/26"], 3, ("%m/%d/%Y", "%m/%d/%y"), ()),
        (["13.2.2026", "1.2.2026 10:00:00"], 2, ("%d.%m.%Y", "%d.%m.%Y %H:%M:%S"), ()),
        (["2026年6月1日", "2026年6月1日 8时05分"], 2, ("%Y年%m月%d日", "%Y年%m月%d日 %H时%M分"), ()),
        (["20260601", "20260602"], 2, ("%Y%m%d",), ()),
        (["20260601083000"], 1, ("%Y%m%d%H%M%S",), ()),
        (["3 Feb 2026", "12 Mar 2026"], 2, ("%d %b %Y",), ()),
        (["6/13/2026 8:05:07 PM"], 1, ("%m/%d/%Y %I:%M:%S %p",), ()),
        (["2026-06-01", "2026-06-31"], 1, (), ()),  # no such day: no format reads it
        (["12345678", "7"], 0, (), ()),
        (["open", "closed"], 0, (), ()),
    ],
)
def test_time_formats(
    values: list[str], read: int, formats: tuple[str, ...], either: tuple[tuple[str, ...], ...]
) -> None:
    with duckdb.connect() as con:
        con.execute("create table v as select unnest(?::varchar[]) as text", [values])
        guess = guess_dates(con, "from v")
    assert (guess.total, guess.read, guess.formats, guess.either) == (len(values), read, formats, either)


def test_unix_seconds_are_told() -> None:
    with duckdb.connect() as con:
        con.execute("create table v as select unnest(['1719800000', '1719800001']) as text")
        assert guess_dates(con, "from v").is_epoch
