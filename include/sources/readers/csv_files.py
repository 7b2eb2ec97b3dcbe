"""Read CSV: DuckDB reads what is well formed; a file in which something is wrong is sieved first.

DuckDB alone is not to be trusted with quotes: reading from first to last it loses, without a word, all that stands
behind a quote which is not closed; in parallel it takes lines within cells for records. So its records are counted
against the line ends outside quotes.
"""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Sequence
from pathlib import Path

from include.sources.readers.archives import Content
from include.sources.readers.columns import UNPARSABLE, mapped_headers, raw_columns
from include.sources.readers.csv_sieve import sieve_records
from include.sources.readers.table import Table
from include.sources.readers.text import MAX_LINE_BYTES, Text, read_text
from include.sources.readers.unreadable import HEADER, UnreadableFileError
from include.sources.schema import Feed
from include.sql import literal, quoted

_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}


def csv_table(content: Content, feed: Feed, scratch: Path) -> Table:
    """One CSV file.

    Raises:
        UnreadableFileError: wrong encoding, no header or a bad one, a line too long, another delimiter than declared.
    """
    delimiter = feed.delimiter or ("\t" if content.suffix == ".tsv" else ",")
    text = read_text(
        content.name,
        content.path,
        feed.encoding,
        scratch / f"{content.path.name}.utf8",
        skip_lines=feed.skip_rows,
        delimiter=delimiter,
    )
    columns = _columns(content.name, text, feed, delimiter)
    notes = []
    if text.nul_count:
        notes.append(f"{content.name}: line {text.nul_line}: {text.nul_count} NUL bytes in the file, kept as they are")
    table = Table(
        name=content.name,
        columns=columns,
        select=relation(text.path, columns, delimiter, has_header=not feed.header),
        encoding=text.encoding,
        row_bytes=text.size // max(text.lines, 1),
        notes=notes,
    )
    if text.line_ends is None:
        return _sieved(table, text, delimiter, feed, scratch)
    blank = text.blank_lines if len(columns) > 1 else 0  # in a file of one column they are records
    return dataclasses.replace(
        table,
        records=text.line_ends - blank - (not feed.header),
        again=lambda: _sieved(table, text, delimiter, feed, scratch),
    )


def relation(
    path: Path, columns: Sequence[str], delimiter: str, *, has_header: bool, unparsable_first: bool = False
) -> str:
    """SQL of a CSV in UTF-8 that DuckDB reads from its first byte to its last."""
    names = [UNPARSABLE, *columns] if unparsable_first else list(columns)
    types = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in names)
    none = "" if unparsable_first else f"cast(null as varchar) as {UNPARSABLE}, "
    return (
        f"select {none}{', '.join(map(quoted, names))} from read_csv({literal(str(path))}, columns = {{{types}}}, "
        f"header = {str(has_header).lower()}, delim = {literal(delimiter)}, quote = '\"', escape = '\"', "
        f"auto_detect = false, null_padding = false, parallel = false, "
        f"max_line_size = {MAX_LINE_BYTES}, buffer_size = {2 * MAX_LINE_BYTES})"
    )


def _sieved(table: Table, text: Text, delimiter: str, feed: Feed, scratch: Path) -> Table:
    """The same table with what is no record told apart."""
    target = scratch / f"{text.path.name}.sieved"
    sieved = sieve_records(text, target, delimiter, len(table.columns), has_header=not feed.header)
    notes = list(table.notes)
    if sieved.bad:
        kept = "1 line was" if sieved.bad == 1 else f"{sieved.bad} lines were"
        notes.append(f"{table.name}: {kept} kept as text that could not be parsed; the first: {sieved.first_bad}")
    select = relation(target, table.columns, ",", has_header=False, unparsable_first=True)
    return dataclasses.replace(table, select=select, notes=notes, records=sieved.good + sieved.bad, again=None)


def _columns(name: str, text: Text, feed: Feed, delimiter: str) -> list[str]:
    if feed.header:
        return raw_columns(feed.header, f"{name}: the feed's `header`", feed)
    place = f"{name}: line {text.line(1) if text.size else 1}"
    try:
        with text.path.open(encoding="utf-8", newline="\n") as file:
            header = next(csv.reader(file, delimiter=delimiter, skipinitialspace=True, strict=True), [])
    except csv.Error as error:
        raise UnreadableFileError(f"{place}: the header does not end (a quote without its pair?)", HEADER) from error
    if not any(map(str.strip, header)):
        raise UnreadableFileError(f"{place}: empty, a header was expected", HEADER)
    _check_delimiter(place, header, feed, delimiter)
    return raw_columns(header, place, feed)


def _check_delimiter(place: str, header: Sequence[str], feed: Feed, delimiter: str) -> None:
    """Hold a header of one column against what it would be with another delimiter.

    Raises:
        UnreadableFileError: then it would have columns that the feed maps.
    """
    mapped = set(mapped_headers(feed))
    if len(header) > 1 or header[0].strip() in mapped:
        return
    for other, word in _DELIMITERS.items():
        names = [one.strip() for one in next(csv.reader([header[0]], delimiter=other), [])]
        found = [one for one in names if one in mapped]
        if other != delimiter and len(names) > 1 and found:
            raise UnreadableFileError(
                f"{place}: one column with {_DELIMITERS.get(delimiter, delimiter)} as delimiter, {len(names)} with "
                f"{word} ({', '.join(found[:3])} …). Declare the feed's `delimiter: {_yaml(other)}`",
                HEADER,
            )


def _yaml(delimiter: str) -> str:
    return '"\\t"' if delimiter == "\t" else f'"{delimiter}"'
