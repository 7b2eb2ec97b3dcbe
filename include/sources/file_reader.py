"""Turn received files into raw Parquet: all text, in order, unparsable lines included."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Sequence
from pathlib import Path

import duckdb

from include.sources.schema import Feed
from include.sql import error_text, literal

ROW_NUMBER = "_row_number"
FILE = "_file"
UNPARSABLE = "_unparsable"
# What melting a questionnaire puts beside the raw columns: ordinal and cell, then what `survey_answer` gets from them.
QUESTION_ORDINAL = "_question_ordinal"
CELL = "_cell"
MELTED_NAMES = {name: f"_{name}" for name in ("question_id", "answer_value", "answer_text", "is_not_applicable")}
_BEFORE = "_before"
_OURS = {ROW_NUMBER, FILE, UNPARSABLE, QUESTION_ORDINAL, CELL, *MELTED_NAMES.values(), _BEFORE}
_CHUNK = 1 << 20
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class UnreadableFileError(Exception):
    """A file can't be read as its feed declares it; the text names file, line and column."""


def read_files(
    con: duckdb.DuckDBPyConnection, paths: Sequence[Path], feed: Feed, scratch: Path
) -> tuple[list[str], list[tuple[str, int]]]:
    """Read a delivery's files into table `raw`; line ends become `\\n`.

    `raw` has the files' columns as text, the number of the record in the delivery (from 1), its file and, for a line
    that could not be parsed, its text. Files whose columns differ are united by column name.

    Returns:
        the columns in order, and per file its encoding and number of records.

    Raises:
        UnreadableFileError: wrong encoding, no header, a doubled column, or no CSV at all.
    """
    columns: list[str] = []
    read: list[tuple[str, int]] = []
    offset = 0
    for number, path in enumerate(paths):
        utf8 = scratch / f"{number}.csv"
        encoding = _to_utf8(path, feed.encoding, utf8)
        header = _header(path, utf8, feed.delimiter)
        try:
            records = _read_one(con, utf8, header, feed.delimiter, f"raw_{number}", path.name, offset)
        except duckdb.Error as error:
            raise UnreadableFileError(f"{path.name}: {error_text(error)}") from error
        utf8.unlink()
        offset += records
        # DuckDB tells no case apart: `ID` and `id` of two files are one column.
        known = {name.lower() for name in columns}
        columns += [name for name in header if name.lower() not in known]
        read.append((encoding, records))
    parts = " union all by name ".join(f"from raw_{number}" for number in range(len(paths)))
    con.execute(f"create or replace table raw as select * from ({parts}) order by {ROW_NUMBER}")
    return columns, read


def _to_utf8(path: Path, encodings: Sequence[str], target: Path) -> str:
    """Write a file as UTF-8 without a byte order mark; the name of the encoding that fits.

    A byte order mark says what the encoding is, whatever the feed declares.
    """
    with path.open("rb") as file:
        start = file.read(4)
    marked = [encoding for mark, encoding in _BYTE_ORDER_MARKS if start.startswith(mark)]
    problems = []
    for encoding in marked or encodings:
        problem = _transcode(path, encoding, target)
        if problem is None:
            return encoding
        problems.append(problem)
    raise UnreadableFileError(f"{path.name}: {'; '.join(problems)}")


def _transcode(path: Path, encoding: str, target: Path) -> str | None:
    """Decode strictly; what is wrong and in which line, or null."""
    # One kind of line end, as DuckDB reads no file that mixes them.
    decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder(encoding)(errors="strict"), translate=True)
    line = 1
    started = False
    with path.open("rb") as source, target.open("wb") as out:
        while True:
            chunk = source.read(_CHUNK)
            try:
                text = decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                line += error.object[: error.start].count(b"\n")
                return f"line {line}: not {encoding} (byte 0x{error.object[error.start]:02x})"
            line += text.count("\n")
            if not started:
                text = text.lstrip("\ufeff\n")
                started = bool(text)
            out.write(text.encode())
            if not chunk:
                return None


def _header(path: Path, utf8: Path, delimiter: str) -> list[str]:
    try:
        with utf8.open(encoding="utf-8", newline="") as file:
            header = [name.strip() for name in next(csv.reader(file, delimiter=delimiter), [])]
    except csv.Error as error:
        raise UnreadableFileError(
            f"{path.name}: line 1: the header does not end (a quote without its pair?)"
        ) from error
    if not any(header):
        raise UnreadableFileError(f"{path.name}: line 1: empty, a header was expected")
    taken = {name.lower() for name in header}
    names = [landed_name(name) or _free_name(number, taken) for number, name in enumerate(header, start=1)]
    first: dict[str, int] = {}
    for number, name in enumerate(names, start=1):
        # By number: in a file without a header these are somebody's data.
        if first.setdefault(name.lower(), number) != number:
            raise UnreadableFileError(
                f"{path.name}: line 1: columns {first[name.lower()]} and {number} have the same name"
            )
    return names


def _free_name(number: int, taken: set[str]) -> str:
    name = f"column_{number}"
    while name in taken:
        name += "_"
    return name


def landed_name(header: str) -> str:
    """The name of a source column in raw Parquet: its own, with `_` after it if it is one of ours."""
    return f"{header}_" if header.lower() in _OURS else header


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
    # Number the records as they stand in the file: a line that is no record comes after the records before it. (DuckDB
    # counts blank lines but does not return them, so behind those its place is a guess; the numbers have no gaps.)
    con.execute(
        f"""create or replace table {table} as
            with rejected as (
                select line - 1 - row_number() over (order by line) as {_BEFORE}, line as {ROW_NUMBER},
                       min(csv_line) as {UNPARSABLE}
                from reject_errors group by line
            ),
            placed as (
                select *, {ROW_NUMBER} - 1 as {_BEFORE}, cast(null as varchar) as {UNPARSABLE} from parsed
                union all by name
                from rejected
            )
            select * exclude ({_BEFORE})
                   replace ({offset} + row_number() over (
                       order by {_BEFORE}, {UNPARSABLE} is null, {ROW_NUMBER}) as {ROW_NUMBER}),
                   {literal(name)} as {FILE}
            from placed"""
    )
    row = con.execute(f"select count(*) from {table}").fetchone()
    return int(row[0]) if row else 0
