"""A large CSV of made-up tickets: 20 columns, some of them faulty, the same for the same number of rows."""

from __future__ import annotations

from pathlib import Path

import duckdb

from include.sql import literal

COLUMNS = 20
# One row in so many has the fault.
NO_KEY, BAD_TIME, RESOLVED_TOO_EARLY, COPY = 997, 499, 101, 211


def write_tickets(path: Path, rows: int, seed: int = 0) -> None:
    """Write `rows` tickets as UTF-8 CSV with a header; ticket ids begin at `seed` * 10^9."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as con:
        con.execute("set enable_progress_bar = false")
        con.execute(
            f"""
            copy (
                with ticket as (
                    select i, hash(i + {seed * 10**9}) as h,
                           timestamp '2025-01-01' + to_seconds((hash(i) % 40000000)::bigint) as created
                    from range({rows}) t(i)
                )
                select case when i % {NO_KEY} = 0 then null
                            else 'T' || ({seed * 10**9} + i - (i % {COPY} = 1)::integer) end as "Ticket ID",
                       'C' || (h % 50000) as "Customer",
                       'P' || (h % 200) as "Product",
                       'A' || (h % 300) as "Agent",
                       'G' || (h % 20) as "Team",
                       case h % 4 when 0 then '处理中' when 1 then 'Closed' else '已解决' end as "Status",
                       ['low', 'normal', 'high', 'urgent'][(h % 4 + 1)::integer] as "Priority",
                       ['phone', 'chat', 'email', 'web'][(h // 7 % 4 + 1)::integer] as "Channel",
                       'issue ' || (h % 25) as "Issue",
                       case when i % {BAD_TIME} = 0 then 'yesterday'
                            else strftime(created, '%Y-%m-%d %H:%M:%S') end as "Created",
                       strftime(created + to_seconds((h % 9000)::bigint), '%Y-%m-%d %H:%M:%S') as "First response",
                       strftime(created + to_seconds(case when i % {RESOLVED_TOO_EARLY} = 0 then -60
                                else (h % 400000)::bigint end), '%Y-%m-%d %H:%M:%S') as "Resolved",
                       case when h % 4 = 1 then
                            strftime(created + to_seconds((400000 + h % 90000)::bigint), '%Y-%m-%d %H:%M:%S')
                       end as "Closed",
                       h % 3 as "Reopens",
                       case when h % 11 = 0 then '是' else '否' end as "Complaint",
                       case when h % 501 = 0 then 'spam' end as "Exclusion",
                       'no' as "By agent",
                       'Subject of ticket ' || i as "Subject",
                       strftime(created + to_seconds((500000)::bigint), '%Y-%m-%d %H:%M:%S') as "Updated",
                       'false' as "Deleted"
                from ticket order by i
            ) to {literal(str(path))} (format csv, header true)
            """
        )
