"""Read a sheet of XLSX or XLS."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

from include.sources.readers.archives import RATIO_FLOOR, Content
from include.sources.readers.columns import raw_columns
from include.sources.readers.confined import run_confined
from include.sources.readers.csv_files import relation
from include.sources.readers.table import Table
from include.sources.readers.unreadable import DAMAGED, FORMAT, HEADER, LIMIT, MB, ReadLimits, UnreadableFileError
from include.sources.schema import Feed

_OLD_SPREADSHEET = b"\xd0\xcf\x11\xe0"
_ZIP = b"PK"


def sheet_table(content: Content, feed: Feed, scratch: Path, limits: ReadLimits) -> Table:
    """One sheet: the one that the feed names, else the first.

    Raises:
        UnreadableFileError: no spreadsheet, a damaged or protected one, no such sheet, no header, or over a limit.
    """
    _check(content, limits)
    target = scratch / f"{content.path.name}.cells.csv"
    found = run_confined(
        "write_cells",
        content.name,
        content.path,
        target,
        limits,
        sheet=feed.sheet,
        skip_rows=feed.skip_rows,
        header=list(feed.header),
    )
    place = f"{content.name}: sheet {found['sheet']}"
    if not any(found["header"]):
        raise UnreadableFileError(f"{place}: empty, a header was expected", HEADER)
    columns = raw_columns(found["header"], f"{place}, row {found['first_row']}", feed)
    return Table(
        name=content.name,
        columns=columns,
        select=relation(target, columns, ",", has_header=False),
        records=found["records"],
        row_bytes=max(target.stat().st_size // max(found["records"], 1), 1),
        notes=_notes(place, found),
    )


def _notes(place: str, found: dict[str, Any]) -> list[str]:
    notes = []
    if found["other_sheets"]:
        notes.append(f"{place} was read; passed over: {', '.join(map(str, found['other_sheets'][:10]))}")
    if found["empty_rows"]:
        notes.append(f"{place}: empty rows passed over: {found['empty_rows']}")
    if found["merged"]:
        notes.append(f"{place}: merged ranges: {found['merged']}; their value stands in the first cell only")
    return notes


def _check(content: Content, limits: ReadLimits) -> None:
    """Refuse what is no spreadsheet, and one that says itself that it is too large."""
    with content.path.open("rb") as file:
        start = file.read(64)
    if start.startswith(_OLD_SPREADSHEET):
        return
    if not start.startswith(_ZIP):
        is_text = all(byte >= ord("\t") for byte in start)
        kind = "empty" if not start else "HTML" if start[:1] == b"<" else "text" if is_text else "something else"
        raise UnreadableFileError(
            f"{content.name}: no spreadsheet: by its first bytes {kind}. "
            "Save it as XLSX, or declare the feed's `format` (csv, with `delimiter`)",
            FORMAT,
        )
    try:
        with zipfile.ZipFile(content.path) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, RuntimeError, ValueError) as error:
        raise UnreadableFileError(f"{content.name}: no spreadsheet, or one cut off ({error})", DAMAGED) from error
    size = sum(part.file_size for part in parts)
    limits.check_size(content.name, size)
    packed = max(content.path.stat().st_size, 1)
    if size > RATIO_FLOOR and size > limits.max_ratio * packed:
        raise UnreadableFileError(
            f"{content.name}: its {packed} bytes unpack to {size // MB} MB, over {limits.max_ratio} times as much. "
            "If that is right, raise METRICS_MAX_RATIO",
            LIMIT,
        )
