"""A large CSV of made-up survey responses: 20 rated items in four blocks, some answered without care."""

from __future__ import annotations

from pathlib import Path

import duckdb

from include.sql import literal

BLOCKS, ITEMS_PER_BLOCK = 4, 5
ITEMS = BLOCKS * ITEMS_PER_BLOCK
# The last item of each block is worded the other way round.
REVERSED = tuple(range(ITEMS_PER_BLOCK - 1, ITEMS, ITEMS_PER_BLOCK))
# One response in so many has the fault.
NO_KEY, FAST, STRAIGHT, RANDOM, GAPS, NEGATIVE, COPY, OFF_SCALE = 997, 37, 41, 43, 47, 1009, 211, 503


def write_responses(path: Path, rows: int) -> None:
    """Write `rows` responses as UTF-8 CSV with a header; the same for the same number of rows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    items = ",\n".join(f'{_item(number)} as "Q{number + 1}"' for number in range(ITEMS))
    with duckdb.connect() as con:
        con.execute("set enable_progress_bar = false")
        con.execute(
            f"""
            copy (
                with response as (
                    select i, hash(i) as h, timestamp '2026-01-01' + to_seconds((hash(i) % 15000000)::bigint) as begun,
                           case when i % {FAST} = 0 or i % {RANDOM} = 0 then 15
                                else (90 + hash(i, 1) % 200)::integer end as took
                    from (select n - (n % {COPY} = 1)::integer as i from range({rows}) t(n))
                )
                select case when i % {NO_KEY} = 0 then null else 'R' || i end as "Response",
                       'C' || (h % 50000) as "Customer",
                       ['sms', 'email', 'wechat', 'web'][(h // 7 % 4 + 1)::integer] as "Channel",
                       strftime(begun, '%Y-%m-%d %H:%M:%S') as "Started",
                       strftime(begun + to_seconds(took::bigint), '%Y-%m-%d %H:%M:%S') as "Submitted",
                       case when i % {NEGATIVE} = 0 then -took else took end as "Seconds",
                       {items}
                from response order by i
            ) to {literal(str(path))} (format csv, header true)
            """
        )


def _item(number: int) -> str:
    """SQL of an answer: the person's level and the block's matter with some noise, or what a careless person clicks."""
    block = number // ITEMS_PER_BLOCK
    level = f"(hash(i, 10) % 3 + hash(i, {20 + block}) % 3 + (hash(i, {40 + number}) % 4 = 0)::ubigint)"
    careful = f"5 - {level} % 5" if number in REVERSED else f"1 + {level} % 5"
    return f"""case when i % {STRAIGHT} = 0 then 4
                    when i % {RANDOM} = 0 then 1 + hash(i, {60 + number}) % 5
                    when i % {GAPS} = 0 and {number} % 4 <> 0 then null
                    when i % {OFF_SCALE} = 0 and {number} = 3 then 9
                    else {careful} end"""
