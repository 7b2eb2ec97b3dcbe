"""Read JSON and JSON Lines: nested objects become columns `a.b`, lists stay JSON text."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import duckdb

from include.sources.readers.archives import Content
from include.sources.readers.columns import MAX_COLUMNS, UNPARSABLE, first_spellings, raw_columns
from include.sources.readers.confined import run_confined
from include.sources.readers.table import Table
from include.sources.readers.text import MAX_LINE_BYTES, Text, read_text
from include.sources.readers.unreadable import FORMAT, LIMIT, MB, ReadLimits, UnreadableFileError
from include.sources.schema import Feed
from include.sql import error_text, literal, quoted, raise_machine_fault

# A record is read as one line: no text holds what stands between columns that it does not have.
_NO_DELIMITER = "\x01\x02\x03\x04"
# Python refuses records that are nested deeper than about a thousand levels; DuckDB falls at some ten thousand. Only
# records with this many brackets are worth the look.
_MANY_BRACKETS = 500
# A damaged file is searched for the line up to this size.
_SEARCHED_BYTES = 64 * MB


def jsonl_table(con: duckdb.DuckDBPyConnection, content: Content, feed: Feed, scratch: Path) -> Table:
    """One file of JSON Lines; a line that is no JSON object is kept as one that could not be parsed.

    Raises:
        UnreadableFileError: wrong encoding, a line too long or nested too deeply, two keys that differ in case only.
    """
    target = scratch / f"{content.path.name}.utf8"
    text = read_text(content.name, content.path, feed.encoding, target)
    records = _Records(con, content.name, text, scratch / f"{content.path.name}.records.parquet", unit="line")
    records.store(_lines_of(text.path), expected=text.lines)
    return records.table(feed)


def json_table(
    con: duckdb.DuckDBPyConnection, content: Content, feed: Feed, scratch: Path, limits: ReadLimits
) -> Table:
    """One JSON document: a list of objects, or an object that holds such a list at `records`.

    Raises:
        UnreadableFileError: wrong encoding, no JSON or a damaged one (line and column), no list there.
    """
    target = scratch / f"{content.path.name}.utf8"
    text = read_text(content.name, content.path, feed.encoding, target, has_lines=False)
    records = _Records(con, content.name, text, scratch / f"{content.path.name}.records.parquet", unit="record")
    first = _first_character(text.path)
    if first == "{":
        listed = scratch / f"{content.path.name}.jsonl"
        answer = run_confined("list_records", content.name, text.path, listed, limits, records=feed.records)
        records.store(_lines_of(listed), expected=answer["records"])
    elif first == "[" and not feed.records:
        records.store(
            f"select cast(json as varchar) as line from read_json_objects({literal(str(text.path))}, "
            f"format = 'array', maximum_object_size = {MAX_LINE_BYTES})"
        )
    else:
        wanted = f"an object with `records: {feed.records}`" if feed.records else "a list or an object"
        raise UnreadableFileError(
            f"{content.name}: line 1: {wanted} was expected, it {f'begins with {first}' if first else 'is empty'}",
            FORMAT,
        )
    return records.table(feed)


def _lines_of(path: Path) -> str:
    return (
        f"select line from read_csv({literal(str(path))}, columns = {{'line': 'VARCHAR'}}, header = false, "
        f"delim = {literal(_NO_DELIMITER)}, quote = '', escape = '', auto_detect = false, parallel = false, "
        f"max_line_size = {MAX_LINE_BYTES}, buffer_size = {2 * MAX_LINE_BYTES})"
    )


class _Records:
    """Records of a file, each as JSON text."""

    def __init__(self, con: duckdb.DuckDBPyConnection, name: str, text: Text, path: Path, unit: str) -> None:
        self.con = con
        self.name = name
        self.text = text
        self.path = literal(str(path))
        self.unit = unit

    def store(self, lines_sql: str, expected: int | None = None) -> None:
        """Keep the records that stand one a row in `lines_sql`, blank lines left out."""
        is_object = "case when json_valid(line) then json_type(line) = 'OBJECT' else false end"
        try:
            self.con.execute(
                f"copy (select row_number() over () as number, line, {is_object} as is_object from ({lines_sql})) "
                f"to {self.path} (format parquet)"
            )
        except duckdb.Error as error:
            raise_machine_fault(error)
            raise self._unreadable(error) from error
        row = self.con.execute(f"select count(*) from read_parquet({self.path})").fetchone()
        found = row[0] if row else 0
        if expected is not None and found != expected:
            raise UnreadableFileError(f"{self.name}: {expected} {self.unit}s, {found} were read", FORMAT)

    def table(self, feed: Feed) -> Table:
        """The records as a table."""
        self._check_depth()
        leaves = _leaves(self._structure(), [])
        if len(leaves) > MAX_COLUMNS:
            raise UnreadableFileError(
                f"{self.name}: {len(leaves)} different keys; at most {MAX_COLUMNS} columns are read. "
                "Keys that are data (dates, ids) belong into values",
                LIMIT,
            )
        if leaves:
            columns = raw_columns([".".join(path) for path in leaves], f"{self.name}: keys", feed)
            paths = ", ".join(literal("".join("/" + _escaped(key) for key in path)) for path in leaves)
            cells = [f"cells[{number}]" for number in range(1, len(columns) + 1)]
        else:  # nothing shows its columns
            columns = first_spellings(feed)
            paths = "''"
            cells = ["cast(null as varchar)" for _ in columns]
        named = ", ".join(f"{cell} as {quoted(column)}" for cell, column in zip(cells, columns, strict=True))
        count = self._one("select count(*) from records")[0]
        return Table(
            name=self.name,
            columns=columns,
            select=f"""
                select {UNPARSABLE}, {named} from (
                    select case when not is_object then line end as {UNPARSABLE},
                           case when is_object then json_extract_string(line, [{paths}]) end as cells
                    from ({self._sql("select * from records")})
                )""",
            encoding=self.text.encoding,
            row_bytes=max(self.text.size // max(count, 1), 1),
            notes=self._bad(),
            records=count,
        )

    def _sql(self, sql: str) -> str:
        return f"with records as (from read_parquet({self.path}) where trim(line, ' \t') <> '') {sql}"

    def _one(self, sql: str) -> tuple[Any, ...]:
        row = self.con.execute(self._sql(sql)).fetchone()
        return row or ()

    def _structure(self) -> Any:
        """What all records have in common: an object of objects, lists and names of types."""
        try:
            # Of each structure once: what the aggregate takes in, it keeps in memory. Null and {} go with any other.
            structure, count = self._one(
                """select json_group_structure(cast(structure as json)), count(*) from (
                       select distinct regexp_replace(
                           cast(json_structure(cast(line as json)) as varchar), ':"(NULL|JSON)"', ':null', 'g'
                       ) as structure
                       from records where is_object
                   ) where structure like '{%'"""  # not of {}
            )
        except duckdb.Error as error:
            raise_machine_fault(error)
            code = LIMIT if isinstance(error, duckdb.OutOfMemoryException) else FORMAT
            raise UnreadableFileError(f"{self.name}: its keys can't be told: {error_text(error)}", code) from error
        return json.loads(structure) if count else None

    def _check_depth(self) -> None:
        brackets = "2 * length(line) - length(replace(line, '[', '')) - length(replace(line, '{', ''))"
        suspicious = self.con.execute(
            self._sql(f"select number, line from records where is_object and {brackets} > {_MANY_BRACKETS}")
        )
        while row := suspicious.fetchone():
            try:
                json.loads(row[1])
            except RecursionError as error:
                place = f"{self.unit} {row[0]}"
                raise UnreadableFileError(f"{self.name}: {place}: nested hundreds of levels deep", LIMIT) from error
            except ValueError:
                pass  # what DuckDB reads and Python does not: no matter of depth

    def _bad(self) -> list[str]:
        count, first = self._one("select count(*), min(number) from records where not is_object")
        if not count:
            return []
        kept = f"1 {self.unit} was" if count == 1 else f"{count} {self.unit}s were"
        return [
            f"{self.name}: {kept} kept as text that could not be parsed; the first: {self.unit} {first}: no JSON object"
        ]

    def _unreadable(self, error: duckdb.Error) -> UnreadableFileError:
        if isinstance(error, duckdb.OutOfMemoryException) or re.search("(?i)maximum_object_size|line size", str(error)):
            return UnreadableFileError(
                f"{self.name}: a record is larger than {MAX_LINE_BYTES // MB} MB, the most that is read", LIMIT
            )
        place = _place_of_damage(self.text.path)
        record = re.search(r"record/value (\d+)", str(error))
        if not place and record:
            place = f"record {record[1]}"
        return UnreadableFileError(f"{self.name}: {place or error_text(error)}: no JSON, or cut off", FORMAT)


def _leaves(structure: Any, path: list[str]) -> list[list[str]]:
    """Paths of all that is no object in the structure that all records share."""
    if not isinstance(structure, dict) or not structure:
        return [path] if path else []
    return [leaf for key, inner in structure.items() for leaf in _leaves(inner, [*path, key])]


def _escaped(key: str) -> str:
    """A key as a part of a JSON pointer."""
    return key.replace("~", "~0").replace("/", "~1")


def _place_of_damage(path: Path) -> str | None:
    """Line and column at which a JSON document breaks, if it is small enough to look."""
    if path.stat().st_size > _SEARCHED_BYTES:
        return None
    try:
        json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        return f"line {error.lineno}, column {error.colno}"
    except RecursionError:
        return None
    return None


def _first_character(path: Path) -> str:
    with path.open(encoding="utf-8") as file:
        while chunk := file.read(4096):
            if text := chunk.lstrip(" \t\r\n"):
                return text[0]
    return ""
