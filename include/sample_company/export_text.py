"""Columns as the exporting systems write them (Arrow text), and the files themselves."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from include.sample_company.nights import NEVER, ZONE_SECONDS, Ints

Rows: TypeAlias = pa.Table
CHUNK_ROWS = 200_000


def ids(prefix: str, numbers: Ints) -> pa.Array:
    """Ids such as T1001; null where the number is negative."""
    digits = pc.cast(pa.array(numbers, mask=numbers < 0), pa.string())
    return pc.binary_join_element_wise(pa.scalar(prefix), digits, "")


def labels(codes: Ints, texts: Sequence[str | None]) -> pa.Array:
    """The text of each code; null where the code is negative."""
    words = pa.array(list(texts), pa.string())
    return words.take(pa.array(codes, pa.int64(), mask=codes < 0))


def numbers(values: Ints, missing: np.ndarray[Any, Any] | None = None) -> pa.Array:
    """Whole numbers as text; null where `missing` is true."""
    return pc.cast(pa.array(values, mask=missing), pa.string())


def money(cents: Ints, thousands: bool = False, unit: str = "") -> pa.Array:
    """Amounts of hundredths as text: 1234.50, with a comma and a unit if wanted; null where negative."""
    known = pa.array(cents, mask=cents < 0)
    yuan = pc.divide(known, 100)
    fraction = pc.utf8_lpad(pc.cast(pc.subtract(known, pc.multiply(yuan, 100)), pa.string()), 2, "0")
    whole = pc.cast(yuan, pa.string())
    if thousands:
        whole = pc.replace_substring_regex(whole, r"^(\d+)(\d{3})$", r"\1,\2")
    text = pc.binary_join_element_wise(whole, fraction, ".")
    return pc.binary_join_element_wise(text, pa.scalar(unit), "")


def _clock(times: Ints, pattern: str, shift: int) -> pa.Array:
    known = times < NEVER // 2
    shifted = pa.array(np.where(known, times + shift, 0), pa.timestamp("s"), mask=~known)
    return pc.strftime(shifted, pattern)


def utc_times(times: Ints) -> pa.Array:
    """ISO 8601 in UTC with Z; null where the time never comes."""
    return _clock(times, "%Y-%m-%dT%H:%M:%SZ", 0)


def offset_times(times: Ints) -> pa.Array:
    """ISO 8601 in Shanghai time with its offset; null where the time never comes."""
    return _clock(times, "%Y-%m-%dT%H:%M:%S+08:00", ZONE_SECONDS)


def slashed_times(times: Ints) -> pa.Array:
    """Zone-less Shanghai time as Chinese exports write it, 2026/6/3 8:05:07; null where it never comes."""
    return pc.replace_substring_regex(_clock(times, "%Y/%m/%d %H:%M:%S", ZONE_SECONDS), r"([/ ])0", r"\1")


def dotted_times(times: Ints) -> pa.Array:
    """Zone-less Shanghai time to the minute, 03.06.2026 08:05; null where it never comes."""
    return _clock(times, "%d.%m.%Y %H:%M", ZONE_SECONDS)


def dates(days: Ints, pattern: str = "%Y-%m-%d") -> pa.Array:
    """Dates from days since 1970-01-01; null where negative."""
    return pc.strftime(pa.array(np.maximum(days, 0).astype(np.int32), pa.date32(), mask=days < 0), pattern)


def picked(condition: np.ndarray[Any, Any], yes: pa.Array, no: pa.Array) -> pa.Array:
    """`yes` where the condition holds, else `no`."""
    return pc.if_else(pa.array(condition), yes, no)


def table(columns: dict[str, pa.Array]) -> Rows:
    """A table of text columns under the headers of the export."""
    return pa.table(columns)


def changed(rows: Rows, **cells: pa.Array | str | None) -> Rows:
    """The rows with some columns (by header) replaced by an array or by one value."""
    for header, value in cells.items():
        column = value if isinstance(value, pa.Array) else pa.array([value] * rows.num_rows, pa.string())
        rows = rows.set_column(rows.schema.get_field_index(header), header, column)
    return rows


@dataclass(frozen=True)
class ExportFile:
    """How a system writes one file."""

    name: str
    encoding: str = "utf-8"
    delimiter: str = ","
    line_end: str = "\n"

    def write(self, folder: Path, rows: Rows, broken: Sequence[Sequence[str]] = ()) -> int:
        """Write rows, with broken lines (too many cells) after the first half; return the records written.

        Nothing to tell means no file, as with the systems it stands for.
        """
        if not rows.num_rows and not broken:
            return 0
        folder.mkdir(parents=True, exist_ok=True)
        half = rows.num_rows // 2
        with (folder / self.name).open("w", encoding=self.encoding, newline="") as stream:
            writer = csv.writer(stream, delimiter=self.delimiter, lineterminator=self.line_end)
            writer.writerow(rows.column_names)
            _write_rows(writer, rows.slice(0, half))
            writer.writerows(broken)
            _write_rows(writer, rows.slice(half))
        return rows.num_rows + len(broken)


def _write_rows(writer: Any, rows: Rows) -> None:
    for batch in rows.to_batches(max_chunksize=CHUNK_ROWS):
        writer.writerows(zip(*(column.to_pylist() for column in batch.columns), strict=True))
