"""Turn received files into raw Parquet: all text, in order, what could not be parsed included.

The formats are read by `include.sources.readers`, each as a relation of text; this module writes them down as one.
"""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import duckdb

from include.database import bounded_database
from include.settings import load_settings
from include.sources.readers.archives import Content, contents_of
from include.sources.readers.columns import (
    CELL,
    FILE,
    MELTED_NAMES,
    QUESTION_ORDINAL,
    ROW_NUMBER,
    UNPARSABLE,
    landed_name,
    united,
)
from include.sources.readers.csv_files import csv_table
from include.sources.readers.json_files import json_table, jsonl_table
from include.sources.readers.parquet_files import parquet_table
from include.sources.readers.sheets import sheet_table
from include.sources.readers.table import Table
from include.sources.readers.text import MAX_LINE_BYTES
from include.sources.readers.unreadable import DAMAGED, FORMAT, LIMIT, MB, ReadLimits, UnreadableFileError
from include.sources.schema import Feed
from include.sql import error_text, literal, quoted, raise_machine_fault

__all__ = [
    "CELL",
    "FILE",
    "MELTED_NAMES",
    "QUESTION_ORDINAL",
    "ROW_NUMBER",
    "UNPARSABLE",
    "RawFiles",
    "ReadLimits",
    "UnreadableFileError",
    "landed_name",
    "read_files",
    "read_to_parquet",
]
# Rows of a row group, which is held in memory while it is written: as many as DuckDB likes, fewer where they are large.
_ROW_GROUP_ROWS = (2048, 122_880)
_ROW_GROUP_BYTES = 64 * MB
# What DuckDB sets aside for the dictionary of a column: as much as it likes, less where there are many columns.
_DICTIONARY_BYTES = (1 << 15, 1 << 20)
_DICTIONARIES_BYTES = 128 << 20


@dataclasses.dataclass(frozen=True)
class RawFiles:
    """What reading a delivery gave beside its rows: columns, per file its encoding (of text) and records, remarks."""

    columns: list[str]
    files: list[tuple[str | None, int]]
    notes: list[str]

    @property
    def records(self) -> int:
        """Records of all files, those that could not be parsed included."""
        return sum(records for _, records in self.files)


def read_files(
    con: duckdb.DuckDBPyConnection, paths: Sequence[Path], feed: Feed, scratch: Path, limits: ReadLimits | None = None
) -> tuple[list[str], list[tuple[str | None, int]]]:
    """Read a delivery's files into the view `raw`, which lasts as long as the folder `scratch`.

    `raw` is what `read_to_parquet` writes.

    Returns:
        the columns in order, and per file its encoding and number of records.

    Raises:
        UnreadableFileError: a file can't be read as its feed declares it.
    """
    target = scratch / "raw.parquet"
    read = read_to_parquet(paths, feed, target, scratch, limits)
    con.execute(f"create or replace view raw as select * from read_parquet({literal(str(target))})")
    return read.columns, read.files


def read_to_parquet(
    paths: Sequence[Path], feed: Feed, target: Path, scratch: Path, limits: ReadLimits | None = None
) -> RawFiles:
    """Write a delivery's files as raw Parquet, in one pass and with bounded memory.

    It has the number of the record in the delivery (from 1), its file, for a record that could not be parsed its text,
    and the files' columns as text. Files whose columns differ are united by column name. In text, line ends become
    `\\n`. `limits` are by default those of the settings.

    Raises:
        UnreadableFileError: a file can't be read as its feed declares it.
    """
    limits = limits or ReadLimits.of(load_settings())
    notes: list[str] = []
    # One thread: it keeps the order without holding rows back, and feeds are landed side by side anyway.
    spilled = f"{limits.max_file_mb}MB"
    with bounded_database(limits.memory_mb, scratch, threads=1, max_temp_directory_size=spilled) as con:
        tables: list[list[Table]] = []
        names: set[str] = set()
        for path in paths:
            folder = Path(tempfile.mkdtemp(dir=scratch, prefix="read."))
            contents = contents_of(path, feed, folder, limits, notes)
            tables.append([_table(con, _named(one, names), feed, folder, limits) for one in contents])
        columns = united(one.columns for group in tables for one in group)
        written, counts = _write(con, tables, columns, target, limits)
    for table in (one for group in written for one in group):
        notes += table.notes
        if not counts.get(table.name):
            notes.append(f"{table.name}: no records")
    files = [
        (next((one.encoding for one in group), None), sum(counts.get(one.name, 0) for one in group))
        for group in written
    ]
    return RawFiles(columns, files, notes)


def _named(content: Content, taken: set[str]) -> Content:
    """The same content under a name that no other file of the delivery has."""
    name, number = content.name, 1
    while name in taken:
        number += 1
        name = f"{content.name} ({number})"
    taken.add(name)
    return dataclasses.replace(content, name=name)


def _table(con: duckdb.DuckDBPyConnection, content: Content, feed: Feed, scratch: Path, limits: ReadLimits) -> Table:
    match content.kind:
        case "csv":
            return csv_table(content, feed, scratch)
        case "xlsx" | "xls":
            return sheet_table(content, feed, scratch, limits)
        case "json":
            return json_table(con, content, feed, scratch, limits)
        case "jsonl":
            return jsonl_table(con, content, feed, scratch)
        case "parquet":
            return parquet_table(con, content, feed, limits)
    raise AssertionError(content.kind)


def _write(
    con: duckdb.DuckDBPyConnection, tables: list[list[Table]], columns: Sequence[str], target: Path, limits: ReadLimits
) -> tuple[list[list[Table]], dict[str, int]]:
    """Write all tables, those again that DuckDB refuses or miscounts; the tables as written, and their records.

    Raises:
        UnreadableFileError: there is no other reading of such a one, or there are too many records.
    """
    while True:
        flat = [table for group in tables for table in group]
        try:
            _copy(con, flat, columns, target, limits)
            counts = _records_by_file(con, target)
        except duckdb.Error as error:
            doubted = [table for table in flat if table.again]
            if not doubted or isinstance(error, duckdb.OutOfMemoryException):
                raise _refused(con, flat, error, limits) from error
        else:
            _check_count(counts, limits)
            doubted = [table for table in flat if table.records not in (None, counts.get(table.name, 0))]
            if not doubted:
                return tables, counts
        tables = [[_again(table) if table in doubted else table for table in group] for group in tables]


def _again(table: Table) -> Table:
    if not table.again:
        raise UnreadableFileError(f"{table.name}: {table.records} records, but not all of them could be read", FORMAT)
    return table.again()


def _check_count(counts: dict[str, int], limits: ReadLimits) -> None:
    if sum(counts.values()) > limits.max_rows:
        raise UnreadableFileError(
            f"{', '.join(list(counts)[:3])}: more than {limits.max_rows} records. "
            "If that is right, raise METRICS_MAX_ROWS",
            LIMIT,
        )


def _copy(
    con: duckdb.DuckDBPyConnection, tables: Sequence[Table], columns: Sequence[str], target: Path, limits: ReadLimits
) -> None:
    selects = []
    for table in tables:
        own = {name.lower(): quoted(name) for name in table.columns}
        cells = ", ".join(f"{own.get(name.lower(), 'cast(null as varchar)')} as {quoted(name)}" for name in columns)
        selects.append(f"select {literal(table.name)} as {FILE}, {UNPARSABLE}, {cells} from ({table.select})")
    con.execute(
        f"""copy (
            select row_number() over () as {ROW_NUMBER}, *
            from ({" union all ".join(selects)}) limit {limits.max_rows + 1}
        ) to {literal(str(target))} (
            format parquet,
            row_group_size {_clamped(_ROW_GROUP_BYTES // max(1, *(one.row_bytes for one in tables)), _ROW_GROUP_ROWS)},
            string_dictionary_page_size_limit {_clamped(_DICTIONARIES_BYTES // len(columns), _DICTIONARY_BYTES)}
        )"""
    )


def _clamped(value: int, bounds: tuple[int, int]) -> int:
    return min(max(value, bounds[0]), bounds[1])


def _refused(
    con: duckdb.DuckDBPyConnection, tables: Sequence[Table], error: duckdb.Error, limits: ReadLimits
) -> UnreadableFileError:
    """What DuckDB's refusal means, with the file that it is about."""
    raise_machine_fault(error)
    name = next((table.name for table in tables if not _can_be_read(con, table)), ", ".join(t.name for t in tables))
    if isinstance(error, duckdb.OutOfMemoryException):
        return UnreadableFileError(
            f"{name}: takes more than {limits.memory_mb} MB of memory. If that is right, raise METRICS_MEMORY_MB",
            LIMIT,
        )
    if "line size" in str(error).lower():
        return UnreadableFileError(
            f"{name}: a record is larger than {MAX_LINE_BYTES // MB} MB, the most that is read", LIMIT
        )
    return UnreadableFileError(f"{name}: damaged, or not what it says it is: {error_text(error)}", DAMAGED)


def _can_be_read(con: duckdb.DuckDBPyConnection, table: Table) -> bool:
    with suppress(duckdb.Error):
        con.execute(f"select count(columns(*)) from ({table.select})").fetchall()
        return True
    return False


def _records_by_file(con: duckdb.DuckDBPyConnection, path: Path) -> dict[str, int]:
    return dict(con.execute(f"select {FILE}, count(*) from read_parquet({literal(str(path))}) group by 1").fetchall())
