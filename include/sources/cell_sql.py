"""SQL from the text of a cell to the value of a contract's type; what can't be read is null."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from include.sources.schema import ANYTHING_ELSE, ValueMap
from include.sql import in_list, literal, quoted

TYPED = ("integer", "decimal", "number", "boolean", "timestamp", "date")
NUMBERS = ("integer", "decimal", "number")
_TRUE = ("true", "t", "yes", "y", "1", "是")
_FALSE = ("false", "f", "no", "n", "0", "否")
_OFFSET = r":\d{2}(\.\d+)?\s*([zZ]|UTC|[+-]\d{2}(:?\d{2})?)$"
# What no reader sees: spaces of all kinds, tabs, and the byte order mark of a file pasted into another.
_BLANKS = " \t\r\n\u00a0\u3000\ufeff"
_FULL_WIDTH = ("０１２３４５６７８９．，－＋", "0123456789.,-+")


def trimmed(column: str) -> str:
    """A raw column without the blanks around its text."""
    return trim(quoted(column))


def trim(sql: str) -> str:
    """A text without the blanks around it."""
    return f"trim({sql}, {literal(_BLANKS)})"


def present(text: str, missing: Iterable[str]) -> str:
    """A text, or null where it means that there is no value."""
    return f"case when {text} in ({in_list(sorted({*missing}))}) then null else {text} end"


def null_texts(values: ValueMap) -> list[str]:
    """The raw texts that a value map says are no value."""
    return [raw for raw, value in values.items() if value is None and raw != ANYTHING_ELSE]


def mapped_text(text: str, values: ValueMap, otherwise: str) -> str:
    """A text through a value map; `otherwise` is for what the map does not name, not even by `*`."""
    if ANYTHING_ELSE in values:
        rest = values[ANYTHING_ELSE]
        otherwise = "null" if rest is None else f"case when {text} is not null then {literal(rest)} end"
    pairs = " ".join(
        f"when {literal(raw)} then {literal(value)}"
        for raw, value in values.items()
        if value is not None and raw != ANYTHING_ELSE
    )
    return f"case {text} {pairs} else {otherwise} end" if pairs else otherwise


def permitted(text: str, values: tuple[str, ...]) -> str:
    """A text, or null if the contract does not permit it."""
    return f"case when {text} in ({in_list(values)}) then {text} end"


def number_text(text: str, decimal_mark: str) -> str:
    """A number's text with full-width digits as digits and its decimal mark as a point."""
    narrow = f"translate({text}, {literal(_FULL_WIDTH[0])}, {literal(_FULL_WIDTH[1])})"
    # Only texts with longer characters: translating letter by letter costs more than all else of a number.
    text = f"case when strlen({text}) = length({text}) then {text} else {narrow} end"
    # A point that is no decimal mark must not be read as one: 1.500 would be a thousand times too small.
    return text if decimal_mark == "." else f"translate({text}, {literal(decimal_mark + '.')}, '.?')"


def typed(
    text: str, kind: str, formats: Sequence[str], zone: str, decimal_mark: str = ".", factor: Decimal | None = None
) -> str:
    """A text as a value of a contract's type; local times are of `zone`, numbers are multiplied by `factor`."""
    if kind in NUMBERS:
        return _number(number_text(text, decimal_mark), kind, factor)
    if kind == "boolean":
        return (
            f"case when lower({text}) in ({in_list(_TRUE)}) then true "
            f"when lower({text}) in ({in_list(_FALSE)}) then false end"
        )
    if kind == "timestamp":
        return _coalesce([_instant(text, one, zone) for one in formats] or [_iso_instant(text, zone)])
    if kind == "date":
        if not formats:
            # By way of a timestamp: a cast to date ignores what stands behind the date.
            return f"cast({_iso(text, 'timestamp')} as date)"
        return _coalesce([f"cast(try_strptime({text}, {literal(one)}) as date)" for one in formats])
    return text


def _number(text: str, kind: str, factor: Decimal | None) -> str:
    if kind == "number":
        times = f" * {factor}" if factor else ""
        return f"case when isfinite(try_cast({text} as double)) then try_cast({text} as double){times} end"
    if factor:
        # In decimals, so that 0.1 hours are 6 minutes; a unit that is too coarse leaves fractions, which are rounded.
        number = f"try(try_cast({text} as decimal(24, 8)) * cast({factor} as decimal(14, 6)))"
        return f"try_cast({f'round({number})' if kind == 'integer' else number} as {_SQL_TYPES[kind]})"
    if kind == "decimal":
        return f"try_cast({text} as decimal(18, 4))"
    number = f"try_cast({text} as decimal(38, 4))"
    whole = f"case when {number} = floor({number}) then try_cast({number} as bigint) end"
    # Nearly all are plain digits, which cost a hundredth of a wide decimal.
    return f"case when regexp_full_match({text}, '-?[0-9]{{1,18}}') then try_cast({text} as bigint) else {whole} end"


_SQL_TYPES = {"integer": "bigint", "decimal": "decimal(18, 4)"}


def _coalesce(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"coalesce({', '.join(parts)})"


def _instant(text: str, strptime_format: str, zone: str) -> str:
    parsed = f"try_strptime({text}, {literal(strptime_format)})"
    if "%z" in strptime_format or "%Z" in strptime_format:
        return f"timezone('UTC', {parsed})"
    return _in_utc(parsed, zone)


def _iso_instant(text: str, zone: str) -> str:
    # DuckDB reads no space before an offset, and no small z.
    offset = f"regexp_replace(upper({text}), '\\s+([+-][0-9:]+)$', '\\1')"
    return (
        f"case when regexp_matches({text}, {literal(_OFFSET)}) then timezone('UTC', {_iso(offset, 'timestamptz')}) "
        f"else {_in_utc(_iso(text, 'timestamp'), zone)} end"
    )


def _iso(text: str, kind: str) -> str:
    """A date or time that begins with its year: DuckDB would read `infinity` and `epoch` too."""
    return f"case when regexp_matches({text}, '^\\d{{4}}\\D') then try_cast({text} as {kind}) end"


def _in_utc(local: str, zone: str) -> str:
    """UTC of a local time; null at the edge of what a timestamp holds."""
    # By way of the epoch: twice as fast as timezone('UTC', …).
    return f"try(make_timestamp(epoch_us(timezone({literal(zone)}, {local}))))"
