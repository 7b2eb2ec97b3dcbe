"""Rows of a table as a file that people open in a spreadsheet; from DuckDB to CSV directly, to XLSX through pandas."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Literal

import duckdb

from include.spreadsheet_text import escaped_for_spreadsheet
from include.sql import literal

FileFormat = Literal["csv", "xlsx"]
# One less than what a sheet holds: the header takes a row.
SHEET_ROWS = 1_048_575
_CELL_CHARACTERS = 32_767
# What XML, and so a sheet, can't hold.
_CONTROL = r"[\x00-\x08\x0b\x0c\x0e-\x1f]"
_BYTE_ORDER_MARK = "\ufeff"  # without it Excel takes a CSV for one of the machine's own encoding


def write_row_file(
    con: duckdb.DuckDBPyConnection,
    table: str,
    temporary: Path,
    file_format: FileFormat,
    texts: Collection[str],
    sheet_name: str,
) -> None:
    """Write a table; no text begins as a formula does.

    Args:
        con: a connection with the table.
        table: its name.
        temporary: the file to fill, which is there.
        file_format: `csv` (UTF-8) or `xlsx`; a sheet holds at most `SHEET_ROWS` rows.
        texts: the columns that hold text.
        sheet_name: of an XLSX.
    """
    names = [column[0] for column in con.execute(f"select * from {table} limit 0").description or []]
    columns = [(name, escaped_for_spreadsheet(name) if name in texts else name) for name in names]
    if file_format == "csv":
        first, *rest = columns
        selected = [f'{first[1]} as "{_BYTE_ORDER_MARK}{first[0]}"', *(f"{sql} as {name}" for name, sql in rest)]
        # Into the file that is there: it may be for its owner's eyes only.
        told = "format csv, header true, use_tmp_file false"
        con.execute(f"copy (select {', '.join(selected)} from {table}) to {literal(str(temporary))} ({told})")
        return
    cells = [
        f"left(regexp_replace({sql}, '{_CONTROL}', '', 'g'), {_CELL_CHARACTERS}) as {name}" if name in texts else name
        for name, sql in columns
    ]
    rows = con.execute(f"select {', '.join(cells)} from {table}").df()
    with temporary.open("wb") as file:
        rows.to_excel(file, sheet_name=sheet_name, index=False, engine="openpyxl", freeze_panes=(1, 0))
