"""What the columns of a file hold: counted over all records, in DuckDB."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from include.mapping_help.date_formats import DateGuess, guess_dates
from include.mapping_help.synonyms import load_synonyms, sentinels
from include.sources.cell_sql import number_text, trimmed, typed
from include.sql import in_list, literal

# So many different values are looked at one by one.
MAX_LISTED = 60
# What joins the ticked options of one cell.
OPTION_MARK = "┋"
_MAX_CELLS = 20_000
_UNIT_LENGTH = 4
_SURE = 0.9
_ERROR_VALUE = r"^#[A-Z][A-Z/!?0-9]*$"
_EMAIL = r"^[^@\s]+@[^@\s]+\.[^@\s]+$"
_PHONE = r"^(\+?86[ -]?)?1[3-9]\d[ -]?\d{4}[ -]?\d{4}$"
_THOUSANDS = r"^[+-]?\d{1,3}(,\d{3})+(\.\d+)?$"
_COMMA_DECIMALS = r"^[+-]?(\d+|\d{1,3}(\.\d{3})+),\d+$"
# A comma that no thousands have, and one that no decimals have.
_SURELY_DECIMALS = r"(,(\d{1,2}|\d{4,})$)|(\..*,)"
_SURELY_THOUSANDS = r"(,.*,)|(,.*\.)"


@dataclass(frozen=True)
class NumberGuess:
    """How a column's numbers are written; `read` of them can be read so."""

    read: int
    whole: int
    low: float | None
    high: float | None
    strip: tuple[str, ...] = ()
    decimal_mark: str | None = None
    # Thousands or decimals: 1,234 can be both.
    is_open: bool = False


@dataclass(frozen=True)
class ColumnProfile:
    """What a column holds beside blanks and sentinels."""

    name: str
    total: int
    distinct: int
    listed: dict[str, int]  # the commonest values and how often they stand there
    mean_length: float
    sentinels: tuple[str, ...]
    number_sentinels: tuple[str, ...]
    doubtful_numbers: tuple[str, ...]
    numbers: NumberGuess
    dates: DateGuess
    emails: int
    phones: int
    joined: int  # values that hold ┋, the mark between ticked options
    in_own_words: int  # values with 〖…〗, a text typed beside an option
    options: tuple[str, ...] = ()  # where values are joined: what they are joined of, in the order of the cells

    @property
    def is_all_listed(self) -> bool:
        """Whether `listed` holds every value."""
        return len(self.listed) == self.distinct

    @property
    def is_number(self) -> bool:
        """Whether nearly all values are numbers."""
        return self.total > 0 and self.numbers.read >= _SURE * self.total

    @property
    def is_whole(self) -> bool:
        """Whether nearly all values are whole numbers."""
        return self.total > 0 and self.numbers.whole >= _SURE * self.total

    @property
    def is_time(self) -> bool:
        """Whether nearly all values are dates or times."""
        return self.total > 0 and self.dates.share >= _SURE

    @property
    def is_unique(self) -> bool:
        """Whether no value stands twice."""
        return self.total > 0 and self.distinct == self.total


def profile_columns(con: duckdb.DuckDBPyConnection, relation: str, columns: Sequence[str]) -> dict[str, ColumnProfile]:
    """Profiles of the columns of a relation of texts."""
    return {name: _profile(con, relation, name) for name in columns}


def _profile(con: duckdb.DuckDBPyConnection, relation: str, name: str) -> ColumnProfile:
    con.execute(f"create or replace temp table cells as select {trimmed(name)} as text from {relation}")
    con.execute("delete from cells where text is null or text = ''")
    missing = [
        text
        for (text,) in con.execute(
            f"select distinct text from cells where lower(text) in ({in_list(sorted(sentinels()))}) "
            f"or regexp_matches(text, {literal(_ERROR_VALUE)}) order by 1"
        ).fetchall()
    ]
    if missing:
        con.execute(f"delete from cells where text in ({in_list(missing)})")
    coded, doubtful = _number_sentinels(con)
    if coded:
        con.execute(f"delete from cells where text in ({in_list(coded)})")
    total, distinct, length, emails, phones, joined, typed_in = _row(
        con,
        "select count(*), count(distinct text), coalesce(avg(length(text)), 0), "
        f"count(*) filter (where regexp_matches(text, {literal(_EMAIL)})), "
        f"count(*) filter (where regexp_matches(text, {literal(_PHONE)})), "
        f"count(*) filter (where contains(text, '{OPTION_MARK}')), "
        "count(*) filter (where contains(text, '〖')) from cells",
    )
    listed = con.execute(
        f"select text, count(*) from cells group by 1 order by 2 desc, 1 limit {MAX_LISTED}"
    ).fetchall()
    return ColumnProfile(
        name=name,
        total=total,
        distinct=distinct,
        listed=dict(listed),
        mean_length=length,
        sentinels=tuple(missing),
        number_sentinels=tuple(coded),
        doubtful_numbers=tuple(doubtful),
        numbers=_numbers(con),
        dates=guess_dates(con, "from cells"),
        emails=emails,
        phones=phones,
        joined=joined,
        in_own_words=typed_in,
        options=_options(con) if joined else (),
    )


def _options(con: duckdb.DuckDBPyConnection) -> tuple[str, ...]:
    """The parts of joined values, each after all that ever stand before it."""
    parts = (
        "select row, part, place from (select row, unnest(parts) as part, generate_subscripts(parts, 1) as place from "
        "(select row_number() over () as row, list_transform(string_split(regexp_replace(text, '〖[^〗]*〗', '', 'g'), "
        f"'{OPTION_MARK}'), lambda one: trim(one)) as parts from (select distinct text from cells limit {_MAX_CELLS})))"
    )
    found = con.execute(
        f"with part as ({parts}) select one.part, count(distinct before.part) from part as one "
        f"left join part as before on before.row = one.row and before.place < one.place where one.part <> '' "
        f"group by 1 order by 2, 1 limit {MAX_LISTED}"
    ).fetchall()
    return tuple(part for part, _ in found)


def _number_sentinels(con: duckdb.DuckDBPyConnection) -> tuple[list[str], list[str]]:
    """Codes among numbers: negative ones where all others are positive; far too large ones, which may be real."""
    number = "try_cast(text as double)"
    synonyms = load_synonyms()
    known = synonyms.sentinel_numbers
    total, numbers, low, below, others_high = _row(
        con,
        f"select count(*), count({number}), min({number}) filter (where text not in ({in_list(known)})), "
        f"count(*) filter (where text in ({in_list(known)})), "
        f"max({number}) filter (where text not in ({in_list(synonyms.doubtful_numbers)})) from cells",
    )
    if not total or numbers < _SURE * total:
        return [], []
    coded = _present(con, known) if below and below < total and low is not None and low >= 0 else []
    doubtful = [
        text
        for text in _present(con, synonyms.doubtful_numbers)
        if others_high is not None and 0 < others_high * 5 < float(text)
    ]
    return coded, doubtful


def _present(con: duckdb.DuckDBPyConnection, texts: Sequence[str]) -> list[str]:
    sql = f"select distinct text from cells where text in ({in_list(tuple(texts))}) order by 1"
    return [text for (text,) in con.execute(sql).fetchall()]


def _numbers(con: duckdb.DuckDBPyConnection) -> NumberGuess:
    """How numbers are written: what stands beside them, which mark stands before the decimals."""
    strip = _units(con)
    text = "text"
    for one in strip:
        text = f"trim(replace({text}, {literal(one)}, ''))"
    text = number_text(text, ".")
    commas, thousands, decimals, surely_decimals, surely_thousands, dotted = _row(
        con,
        f"select count(*) filter (where contains({text}, ',')), "
        + ", ".join(
            f"count(*) filter (where regexp_matches({text}, {literal(one)}))"
            for one in (_THOUSANDS, _COMMA_DECIMALS, _SURELY_DECIMALS, _SURELY_THOUSANDS)
        )
        + f", count(*) filter (where contains({text}, '.') and not contains({text}, ',')) from cells",
    )
    mark = None
    is_open = False
    if commas and decimals == commas and surely_decimals and not surely_thousands:
        mark = ","
        strip = (*strip, ".") if _row(con, f"select count(*) from cells where contains({text}, '.')")[0] else strip
    elif commas and thousands == commas:
        is_open = not surely_thousands and not dotted
        strip = strip if is_open else (*strip, ",")
    value = "text"
    for one in strip:
        value = f"replace({value}, {literal(one)}, '')"
    number = typed(value, "decimal", (), "UTC", mark or ".")
    read, whole, low, high = _row(
        con,
        f"select count(n), count(*) filter (where n = floor(n)), min(n), max(n) from (select {number} as n from cells)",
    )
    return NumberGuess(
        read,
        whole,
        None if low is None else float(low),
        None if high is None else float(high),
        strip,
        mark,
        is_open,
    )


def _units(con: duckdb.DuckDBPyConnection) -> tuple[str, ...]:
    """Texts of a few letters or signs that stand beside numbers: `秒`, `¥`, `min`."""
    rest = r"regexp_replace(text, '[0-9０-９.,，．+\-\s]+', ' ', 'g')"
    found = con.execute(
        f"select distinct trim({rest}) from cells where regexp_matches(text, '\\d') and trim({rest}) <> '' limit 6"
    ).fetchall()
    units = sorted((text for (text,) in found), key=len, reverse=True)
    if len(units) > 3 or any(len(unit) > _UNIT_LENGTH or re.search(r"[\s:/_]", unit) for unit in units):
        return ()
    return tuple(units)


def _row(con: duckdb.DuckDBPyConnection, sql: str) -> tuple[int, ...]:
    row: tuple[int, ...] | None = con.execute(sql).fetchone()
    assert row is not None  # noqa: S101 - an aggregate has one row
    return row
