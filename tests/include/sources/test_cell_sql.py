"""Cells as values, held against plain Python."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation

import duckdb
from hypothesis import given, settings
from hypothesis import strategies as st

from include.sources.cell_sql import typed

FULL_WIDTH = str.maketrans("０１２３４５６７８９．，－＋", "0123456789.,-+")
DIGITS = st.text("0123456789０１２３-+－.．eE_x ", min_size=1, max_size=22)
NUMBERS = st.one_of(
    st.integers(-(10**19), 10**19).map(str),
    st.integers(-(10**17), 10**17).map(lambda number: f"{number}.0"),
    st.decimals(-(10**12), 10**12, places=3).map(str),
    DIGITS,
)
LARGEST = 2**63


def plain_integer(text: str) -> int | None:
    """A whole number, to the four decimals that a contract's numbers have at most; None for all else."""
    narrow = text.translate(FULL_WIDTH)
    try:
        number = Decimal(narrow).quantize(Decimal("0.0001"), ROUND_HALF_UP, Context(prec=60))
    except InvalidOperation:
        return None
    return int(number) if number == number.to_integral_value() and -LARGEST <= number < LARGEST else None


@settings(max_examples=20, deadline=None)
@given(st.lists(NUMBERS, min_size=1, max_size=200))
def test_integers_are_those_of_plain_python(texts: list[str]) -> None:
    # What Python alone takes for a number, or DuckDB alone: neither is one that an export writes.
    texts = [text for text in texts if not any(letter in text for letter in "eE_ ")]
    found = duckdb.execute(
        f"select text, {typed('text', 'integer', (), 'UTC')} from (select unnest(?::varchar[]) as text)", [texts]
    ).fetchall()
    assert found == [(text, plain_integer(text)) for text in texts]
