"""Which of several copies is kept, against plain Python."""

from __future__ import annotations

from itertools import groupby
from typing import NamedTuple

import duckdb
from hypothesis import given, settings
from hypothesis import strategies as st

from expectations.custom import ExpectEachBatchToHoldAKeyOnce
from include.gate.judging import REPEATED_COLUMNS, note_repeated_keys


class Row(NamedTuple):
    """A row as the rule sees it; its record is its place."""

    batch_no: int
    key: str | None
    changed: int | None
    is_usable: bool
    is_complete: bool
    filled: int


rows_of_batches = st.lists(
    st.builds(
        Row,
        batch_no=st.integers(1, 2),
        key=st.sampled_from([None, "a", "b"]),
        changed=st.sampled_from([None, 1, 2]),
        is_usable=st.booleans(),
        is_complete=st.booleans(),
        filled=st.integers(0, 2),
    ),
    max_size=14,
)


def copies(rows: list[Row]) -> set[tuple[int, str]]:
    """Record and record kept of every copy: usable beats unusable, complete incomplete, then fuller, then later."""

    def group(numbered: tuple[int, Row]) -> tuple[int, str, int]:
        row = numbered[1]
        return row.batch_no, row.key or "", row.changed or 0

    keyed = sorted(((n, row) for n, row in enumerate(rows, start=1) if row.key is not None), key=group)
    found = set()
    for _, same in groupby(keyed, key=group):
        members = list(same)
        kept, _ = max(members, key=lambda one: (one[1].is_usable, one[1].is_complete, one[1].filled, one[0]))
        found |= {(n, f"#{kept}") for n, _ in members if n != kept}
    return found


@settings(max_examples=60, deadline=None)
@given(rows=rows_of_batches)
def test_copies_are_those_of_plain_python(rows: list[Row]) -> None:
    query = str(ExpectEachBatchToHoldAKeyOnce().unexpected_rows_query)
    with duckdb.connect() as con:
        con.execute(
            f"create table repeated_key ({REPEATED_COLUMNS}); "
            "create table m_delivery (row_id bigint, record bigint, batch_no integer, _key varchar, "
            "_key_parts varchar, _key_hash ubigint generated always as (hash(batch_no, _key)) virtual, "
            "_change_time timestamp, _is_usable boolean, _is_complete boolean, _filled_count integer)"
        )
        for n, row in enumerate(rows, start=1):
            con.execute(
                "insert into m_delivery values (?, ?, ?, ?, ?, make_timestamp(?::bigint), ?, ?, ?)",
                [n, n, row.batch_no, row.key, row.key, row.changed, row.is_usable, row.is_complete, row.filled],
            )
        note_repeated_keys(con, "delivery")
        assert set(con.execute(query.format(batch="m_delivery")).fetchall()) == copies(rows)
