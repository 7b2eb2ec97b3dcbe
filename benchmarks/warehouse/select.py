"""Parts of SELECTs over made-up rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from include.sql import literal


def values(rows: Iterable[Sequence[str | bool | float | None]]) -> str:
    """Rows of Python values as a VALUES list."""
    return "values " + ", ".join(f"({', '.join(_value(cell) for cell in row)})" for row in rows)


def _value(cell: str | bool | float | None) -> str:
    if cell is None:
        return "null"
    return literal(cell) if isinstance(cell, str) else str(cell).lower()
