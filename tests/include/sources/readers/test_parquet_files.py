"""Parquet: the same value is the same text, whatever its type."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from include.sources.file_reader import ReadLimits, UnreadableFileError

# What a column of a type holds, and the text that it becomes.
CELLS = [
    ("1::integer", "1"),
    ("12345678901234567890::ubigint", "12345678901234567890"),
    ("12345678.90::decimal(12,2)", "12345678.90"),
    ("0.0000001::decimal(12,7)", "0.0000001"),
    ("5.0::double", "5"),
    ("1e20::double", "100000000000000000000"),
    ("0.1::double", "0.1"),
    ("0.1::float", "0.1"),
    ("'nan'::double", "nan"),
    ("timestamp '2026-06-01 09:00:00'", "2026-06-01 09:00:00"),
    ("timestamp_ns '2026-06-01 09:00:00.000001'", "2026-06-01 09:00:00.000001"),
    ("timestamptz '2026-06-01 09:00:00+08'", "2026-06-01 01:00:00+00"),
    ("date '2026-06-01'", "2026-06-01"),
    ("time '09:00:00'", "09:00:00"),
    ("true", "true"),
    ("[1, 2]", "[1,2]"),
    ("map {'k': date '2026-06-01'}", '{"k":"2026-06-01"}'),
    ("encode('中文')", "中文"),
    ("'0017'", "0017"),
    ("null::integer", None),
]


def parquet(folder: Path, sql: str) -> bytes:
    path = folder / "made.parquet"
    duckdb.connect().execute(f"copy ({sql}) to '{path}' (format parquet)")
    content = path.read_bytes()
    path.unlink()
    return content


def test_every_type_has_its_text(read: Callable, tmp_path: Path) -> None:
    sql = "select " + ", ".join(f"{value} as c{number}" for number, (value, _) in enumerate(CELLS))
    assert read({"t.parquet": parquet(tmp_path, sql)}).cells == [(None, *(text for _, text in CELLS))]


def test_structs_become_columns(read: Callable, tmp_path: Path) -> None:
    got = read({"t.parquet": parquet(tmp_path, "select 1 as id, {'x': 1, 'y': {'z': 'q', 'l': [1]}} as s, 2 as _FILE")})
    assert got.read.columns == ["id", "s.x", "s.y.z", "s.y.l", "_FILE_"]
    assert got.cells == [(None, "1", "1", "q", "[1]", "2")]


def test_rows_keep_their_order(read: Callable, tmp_path: Path) -> None:
    sql = "select i as id, i % 7 as status from range(300000) t(i)"
    got = read({"t.parquet": parquet(tmp_path, sql), "u.csv": "id,status\nlast,x\n"})
    assert [row[3] for row in got.rows] == [*map(str, range(300_000)), "last"]


def test_what_is_no_whole_parquet_is_told(read: Callable, tmp_path: Path) -> None:
    content = parquet(tmp_path, "select i as id, md5(i::text) as status from range(5000) t(i)")
    torn = bytearray(content)
    torn[4:40] = b"\xff" * 36  # the head of the first page
    for damaged in (content[:-100], b"id,status\n", b"", bytes(torn)):
        with pytest.raises(UnreadableFileError, match=r"^t\.parquet: .*damaged") as caught:
            read({"t.parquet": damaged})
        assert caught.value.code == "SM203"


def test_more_rows_than_are_read_are_told_before_reading(read: Callable, tmp_path: Path) -> None:
    content = parquet(tmp_path, "select i as id from range(11) t(i)")
    with pytest.raises(UnreadableFileError, match=r"t\.parquet: 11 rows, more than METRICS_MAX_ROWS \(10\) \[SM204\]"):
        read({"t.parquet": content}, limits=ReadLimits(max_rows=10))
