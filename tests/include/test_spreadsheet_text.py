"""A text that a spreadsheet would run does not get into one as it is."""

from __future__ import annotations

import duckdb
import pytest

from include.spreadsheet_text import escaped_for_spreadsheet


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ("+1+cmd|' /C calc'!A0", "'+1+cmd|' /C calc'!A0"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1+1", "'\t=1+1"),
        (" =1+1", "' =1+1"),
        ("\n=1", "'\n=1"),
        ("＝1+1", "'＝1+1"),
        ("-5", "-5"),
        ("+86 138 1234 5678", "+86 138 1234 5678"),
        ("-1,234.50", "-1,234.50"),
        ("a=b", "a=b"),
        ("好", "好"),
        ("", ""),
        (None, None),
    ],
)
def test_formulas_get_an_apostrophe_and_nothing_else_does(text: str | None, escaped: str | None) -> None:
    row = duckdb.connect().execute(f"select {escaped_for_spreadsheet('x')} from (select ?::varchar as x)", [text])
    assert row.fetchone() == (escaped,)
