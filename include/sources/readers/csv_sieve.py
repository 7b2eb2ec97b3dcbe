"""Sort the records of a CSV in which something is wrong: what is a record, and what is none, with its line.

DuckDB's own bookkeeping of bad lines can't be used: it cuts their text at 10,000 characters and loses lines.
"""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from include.sources.readers.text import MAX_LINE_BYTES, Text


@dataclass
class Sieved:
    """How many records there are, how many could not be parsed, and what is wrong with the first of those."""

    good: int = 0
    bad: int = 0
    first_bad: str | None = None


def sieve_records(text: Text, target: Path, delimiter: str, width: int, *, has_header: bool) -> Sieved:
    """Write a CSV's records to `target`, a comma-separated file of `width` + 1 columns without a header.

    The first column is empty for a record and holds the raw text of what is none: a line with too many or too few
    columns, or one with a wrong quote. From a quote that is never closed, every line to the end is kept as one that
    could not be parsed: whether it is a record or the text of the open cell, nobody can tell.

    This is the one loop over records in reading; a file takes this way only if something is wrong in it.
    """
    csv.field_size_limit(MAX_LINE_BYTES)
    sieved = Sieved()
    with (
        text.path.open(encoding="utf-8", newline="\n") as source,
        target.open("w", encoding="utf-8", newline="") as out,
    ):
        writer = csv.writer(out, lineterminator="\n")
        lines = _Lines(source)
        reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=True)
        empty = [""] * width

        def reject(raw: str, problem: str) -> None:
            writer.writerow([raw, *empty])
            sieved.bad += 1
            sieved.first_bad = sieved.first_bad or problem

        def accept(record: list[str]) -> None:
            writer.writerow(["", *record])
            sieved.good += 1

        if has_header:
            next(reader)
        while True:
            lines.begin()
            place = text.line(lines.number + 1)
            try:
                record = next(reader)
            except StopIteration:
                return sieved
            except csv.Error:
                if not _leaves_quote_open(lines.record, delimiter):
                    reject(lines.raw(), f"line {place}: a quote inside a quoted cell, or text behind its end")
                    continue
                problem = _open_quote(lines.record, text.line(lines.number), delimiter)
                for line in itertools.chain(lines.record, source):
                    if line != "\n":
                        reject(line.removesuffix("\n"), problem)
                return sieved
            while len(record) > width and not record[-1]:  # as DuckDB does: delimiters at the end of a line
                record.pop()
            if len(record) == width:
                accept(record)
            elif record:
                found = "1 column" if len(record) == 1 else f"{len(record)} columns"
                reject(lines.raw(), f"line {place}: {found}, {width} expected")
            elif width == 1:
                accept([""])


class _Lines(Iterator[str]):
    """Lines of a file, and those that the current record has taken."""

    def __init__(self, file: io.TextIOBase) -> None:
        self._file = file
        self.record: list[str] = []
        self.number = 0

    def begin(self) -> None:
        self.record = []

    def raw(self) -> str:
        return "".join(self.record).removesuffix("\n")

    def __next__(self) -> str:
        line = next(self._file)
        self.number += 1
        self.record.append(line)
        return line


def _fields(record: list[str], delimiter: str) -> list[str]:
    """The cells as far as they can be told."""
    try:
        return next(csv.reader(record, delimiter=delimiter, skipinitialspace=True), [])
    except csv.Error:  # the open cell is larger than the largest
        return []


def _leaves_quote_open(record: list[str], delimiter: str) -> bool:
    """Whether the next line still belongs to a cell of this record."""
    probe = [*record[:-1], record[-1].removesuffix("\n") + "\n", "x"]
    fields = _fields(probe, delimiter)
    return not fields or fields[-1].endswith("\nx")


def _open_quote(record: list[str], last_line: int, delimiter: str) -> str:
    fields = _fields(record, delimiter)
    first_line = last_line - len(record) + 1
    if not fields:
        return f"line {first_line}: a quote opens and is not closed within {MAX_LINE_BYTES >> 20} MiB"
    inside = fields[-1].removesuffix("\n").count("\n")
    return f"line {last_line - inside}, column {len(fields)}: a quote opens and is not closed"
