"""Which time formats read a column: proven on all its values, D/M/Y told from M/D/Y by a number above 12."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass

import duckdb

from include.sources.cell_sql import typed
from include.sql import literal

_DATES = {
    "ymd": ("%Y/%m/%d", "%Y-%m-%d", "%Y.%m.%d", "%Y年%m月%d日", "%Y%m%d", "%y-%m-%d", "%y/%m/%d"),
    "dmy": ("%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y", "%d/%m/%y", "%d.%m.%y", "%d %b %Y", "%d-%b-%Y", "%d-%b-%y", "%d %B %Y"),
    "mdy": ("%m/%d/%Y", "%m-%d-%Y", "%m/%d/%y", "%b %d, %Y", "%B %d, %Y"),
}
_TIMES = (
    "",
    " %H:%M:%S",
    " %H:%M",
    " %H:%M:%S.%f",
    " %I:%M:%S %p",
    " %I:%M %p",
    " %H:%M:%S %z",
    "T%H:%M:%S",
    "%H%M%S",
    " %H时%M分%S秒",
    " %H时%M分",
    "%H时%M分%S秒",
)
# Only Chinese dates are written without a blank before the time, and only compact ones without any mark.
_UNBROKEN = {"%H%M%S": "%Y%m%d", "%H时%M分%S秒": "%Y年%m月%d日"}
_YEARS = "between 1950 and 2100"
_SHAPES = 12
_COMPACT = {"%Y%m%d": r"^(19|20)\d{6}$", "%Y%m%d%H%M%S": r"^(19|20)\d{12}$"}
_OFFSET = r":\d{2}(\.\d+)?\s*([zZ]|UTC|[+-]\d{2}:?(\d{2})?)$"
_EPOCH = r"^1\d{9}(\d{3})?$"


@dataclass(frozen=True)
class DateGuess:
    """How a column's times are written.

    `formats` is empty where they are ISO 8601. `either` holds two ways that both read everything: which one is meant
    can't be seen. `read` of `total` values can be read (by the first of them).
    """

    total: int
    read: int
    formats: tuple[str, ...] = ()
    either: tuple[tuple[str, ...], ...] = ()
    is_local: bool = False  # some say no offset
    is_epoch: bool = False

    @property
    def share(self) -> float:
        """Share of the values that are times."""
        return self.read / self.total if self.total else 0.0


def guess_dates(con: duckdb.DuckDBPyConnection, values: str) -> DateGuess:
    """How the times in `values` are written, a relation of the column `text` without nulls and blanks around it."""
    iso = typed("text", "timestamp", (), "UTC")
    total, read, local, epochs = _row(
        con,
        f"select count(*), count({iso}), count(*) filter (where not regexp_matches(text, {literal(_OFFSET)})), "
        f"count(*) filter (where regexp_matches(text, '{_EPOCH}')) from ({values})",
    )
    if not total or read == total:
        return DateGuess(total, read, is_local=local > 0)
    shapes = _shapes(con, values)
    unread = DateGuess(total, read, is_local=local > 0, is_epoch=epochs == total)
    if not shapes:
        return unread
    by_order = {order: _readings(con, values, shapes, order) for order in ("dmy", "mdy")}
    scores = {order: sum(count for _, count in readings.values()) for order, readings in by_order.items()}
    best = max(scores.values())
    winners = [order for order, score in scores.items() if score == best]
    ways = [tuple(dict.fromkeys(one for one, _ in by_order[order].values())) for order in winners]
    if best <= read or not ways[0]:
        return unread
    is_open = len(ways) == 2 and ways[0] != ways[1]
    return DateGuess(
        total, best, formats=() if is_open else ways[0], either=tuple(ways) if is_open else (), is_local=local > 0
    )


def _shapes(con: duckdb.DuckDBPyConnection, values: str) -> list[str]:
    """The commonest shapes of the values, if times have them: each number as 9 (long ones as #), each word as A."""
    found = con.execute(
        f"select {_shape_sql('text')} as shape, count(*) from ({values}) where length(text) <= 40 "
        f"group by 1 order by 2 desc, 1 limit {_SHAPES}"
    ).fetchall()
    return [shape for shape, _ in found if shape in _formats_by_shape()]


def _readings(con: duckdb.DuckDBPyConnection, values: str, shapes: list[str], order: str) -> dict[str, tuple[str, int]]:
    """Per shape the format that reads the most of its values, year first or in an order, and how many."""
    found = {}
    for shape in shapes:
        formats = [one for kind, one in _formats_by_shape()[shape] if kind in (order, "ymd")]
        counts = [f"count(*) filter (where {_is_read('text', one)})" for one in formats]
        if not counts:
            continue
        row = _row(con, f"select {', '.join(counts)} from ({values}) where {_shape_sql('text')} = {literal(shape)}")
        count, best = max(zip(row, formats, strict=True), key=lambda pair: pair[0])
        if count:
            found[shape] = (best, count)
    return found


def _is_read(text: str, strptime_format: str) -> str:
    # %Y reads `26` too.
    compact = _COMPACT.get(strptime_format)
    shape = f" and regexp_matches({text}, {literal(compact)})" if compact else ""
    return f"(year(try_strptime({text}, {literal(strptime_format)})) {_YEARS}{shape})"


def _shape_sql(text: str) -> str:
    for pattern, sign in (("[A-Za-z]+", "A"), ("[0-9]{3,}", "#"), ("[0-9]+", "9")):
        text = f"regexp_replace({text}, '{pattern}', '{sign}', 'g')"
    return text


def _formats_by_shape() -> dict[str, list[tuple[str, str]]]:
    """Order and format of all that we try, by the shape of what they read."""
    found: dict[str, list[tuple[str, str]]] = {}
    for order, dates in _DATES.items():
        for date, time in itertools.product(dates, _TIMES):
            if _UNBROKEN.get(time, date) == date:
                found.setdefault(_shape_of(date + time), []).append((order, date + time))
    return found


def _shape_of(strptime_format: str) -> str:
    shape = re.sub(r"%[bBp]|(?<!%)[A-Z](?=%)", "A", strptime_format)
    shape = re.sub(r"%[Yf]", "#", shape).replace("%z", "+#")
    shape = re.sub(r"%[mdHMSIy]", "9", shape)
    return re.sub("[9#]{2,}", "#", shape)


def _row(con: duckdb.DuckDBPyConnection, sql: str) -> tuple[int, ...]:
    row: tuple[int, ...] | None = con.execute(sql).fetchone()
    assert row is not None  # noqa: S101 - an aggregate has one row
    return row
