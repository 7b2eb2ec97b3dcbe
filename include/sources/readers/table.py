"""What a reader makes of one file: a relation of text, in the order of the file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Table:
    """One file as SQL.

    `select` gives the `columns` and the text of what could not be parsed (null for a record) as `_unparsable`.
    """

    name: str
    columns: list[str]
    select: str
    encoding: str | None = None
    row_bytes: int = 256  # about what a record takes
    notes: list[str] = field(default_factory=list)
    # How many records there are by another count than that of `select`; where they differ, the table is read `again`.
    records: int | None = None
    # The slower and surer reading.
    again: Callable[[], Table] | None = None
