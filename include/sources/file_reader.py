"""Turn received files into raw Parquet: all text, in order, unparsable lines included."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Sequence
from pathlib import Path

import duckdb

from include.sources.schema import Feed
from include.sql import literal

ROW_NUMBER = "_row_number"
FILE = "_file"
UNPARSABLE = "_unparsable"
_CHUNK = 1 << 20


class UnreadableFileError(Exception):
    """A file can't be read as its feed declares it; the text names file, line and column."""


def read_files(
    con: duckdb.DuckDBPyConnection, paths: Sequence[Path], feed: Feed, scratch: Path
) -> tuple[list[str], list[tuple[str, int]]]:
    """Read a delivery's files into table `raw`.

    `raw` has the files' columns as text, the number of the record in the delivery (from 1), its file and, for a line
    that could not be parsed, its text. Files whose columns differ are united by column name.

    Returns:
        the columns in order, and per file its encoding and number of records.

    Raises:
        UnreadableFileError: wrong encoding, no header, or a doubled column.
    """
    columns: list[str] = []
    read: list[tuple[str, int]] = []
    offset = 0
    for number, path in enumerate(paths):
        utf8 = scratch / f"{number}.csv"
        encoding = _to_utf8(path, feed.encoding, utf8)
        header = _header(path, utf8, feed.delimiter)
        records = _read_one(con, utf8, header, feed.delimiter, f"raw_{number}", path.name, offset)
        utf8.unlink()
        offset += records
        columns += [name for name in header if name not in columns]
        read.append((encoding, records))
    parts = " union all by name ".join(f"from raw_{number}" for number in range(len(paths)))
    con.execute(f"create or replace table raw as select * from ({parts}) order by {ROW_NUMBER}")
    return columns, read


def _to_utf8(path: Path, encodings: Sequence[str], target: Path) -> str:
    """Write a file as UTF-8 without a byte order mark; the name of the encoding that fits."""
    problems = []
    for encoding in encodings:
        problem = _transcode(path, encoding, target)
        if problem is None:
            return encoding
        problems.append(problem)
    raise UnreadableFileError(f"{path.name}: {'; '.join(problems)}")


def _transcode(path: Path, encoding: str, target: Path) -> str | None:
    """Decode strictly; what is wrong and in which line, or null."""
    decoder = codecs.getincrementaldecoder(encoding)(errors="strict")
    line = 1
    with path.open("rb") as source, target.open("wb") as out:
        first = True
        while True:
            chunk = source.read(_CHUNK)
            if first and chunk.startswith(codecs.BOM_UTF8):
                chunk = chunk[len(codecs.BOM_UTF8) :]
            first = False
            try:
                text = decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                line += error.object[: error.start].count(b"\n")
                return f"line {line}: not {encoding} (byte 0x{error.object[error.start]:02x})"
            line += text.count("\n")
            out.write(text.encode())
            if not chunk:
                return None


def _header(path: Path, utf8: Path, delimiter: str) -> list[str]:
    with utf8.open(encoding="utf-8", newline="") as file:
        header = [name.strip() for name in next(csv.reader(file, delimiter=delimiter), [])]
    if not any(header):
        raise UnreadableFileError(f"{path.name}: line 1: empty, a header was expected")
    doubled = sorted({name for name in header if name and header.count(name) > 1})
    if doubled:
        raise UnreadableFileError(f"{path.name}: line 1: column {', '.join(doubled)} stands twice")
    return [name or f"column_{number}" for number, name in enumerate(header, start=1)]


def _read_one(
    con: duckdb.DuckDBPyConnection,
    utf8: Path,
    header: list[str],
    delimiter: str,
    table: str,
    name: str,
    offset: int,
) -> int:
    """Read one UTF-8 CSV into a table; the number of its records, unparsable ones included."""
    con.execute("drop table if exists reject_errors; drop table if exists reject_scans")
    types = ", ".join(f"{literal(column)}: 'VARCHAR'" for column in header)
    con.execute(
        f"""create or replace temp table parsed as
            select *, row_number() over () as {ROW_NUMBER}
            from read_csv($path, columns = {{{types}}}, header = true, delim = $delimiter, quote = '"', escape = '"',
                          auto_detect = false, store_rejects = true, rejects_limit = 0, null_padding = false)""",
        {"path": str(utf8), "delimiter": delimiter},
    )
    # Number the records as they stand in the file: the k-th good one comes after the unparsable ones before it.
    con.execute(
        f"""create or replace temp table rejected as
            select line - 1 as {ROW_NUMBER}, text, row_number() over (order by line) as rank
            from (select line, min(csv_line) as text from reject_errors group by line);
            create or replace table {table} as
            select * replace ({offset} + {ROW_NUMBER}
                     + (select count(*) from rejected r where r.{ROW_NUMBER} - r.rank < parsed.{ROW_NUMBER})
                     as {ROW_NUMBER}), {literal(name)} as {FILE}, cast(null as varchar) as {UNPARSABLE}
            from parsed
            union all by name
            select {offset} + {ROW_NUMBER} as {ROW_NUMBER}, {literal(name)} as {FILE}, text as {UNPARSABLE}
            from rejected"""
    )
    row = con.execute(f"select count(*) from {table}").fetchone()
    return int(row[0]) if row else 0
