"""The common dialect: each thing beyond it is seen, and ordinary SQL is not."""

from __future__ import annotations

import pytest

from include.development.common_dialect import faults_of

COMMON = """
with recursive months as (

    select
        tickets.ticket_key,
        cast(tickets.created_at as date) as created_date,
        row_number() over (partition by tickets.customer_key order by tickets.created_at desc nulls last) as place,
        case when tickets.tier is distinct from 'vip' then coalesce(tickets.minutes, 0) / 60 end as hours,
        extract(year from tickets.created_at) || '-' || upper(substr(tickets.region, 1, 2)) as label,
        sum(tickets.amount) filter (where tickets.is_counted) over (partition by tickets.region) as amount,
        dispatched_local_date(tickets.created_at) as local_date
    from "warehouse"."marts"."fct_ticket" as tickets
    left join agents on tickets.agent_key = agents.agent_key
    cross join as_of
    where tickets.created_at >= timestamp '2026-01-01' and tickets.region in (select region from regions)
    group by grouping sets ((tickets.ticket_key), ())
    having count(distinct tickets.ticket_key) > 0

)

select * from months
union all
select * from (select * from dispatched_date_spine_days()) as days
"""

BEYOND = {
    "select a from t qualify row_number() over (order by a) = 1": "Qualify",
    "select * exclude (a) from t": "star",
    "select * replace (1 as a) from t": "star",
    "select t.* rename (a as b) from t": "star",
    "select columns('a.*') from t": "COLUMNS",
    "select t.a from t asof join u on t.at >= u.at": "ASOF join",
    "select a from t positional join u": "POSITIONAL join",
    "select a from t semi join u using (b)": "SEMI join",
    "select list_filter(a, x -> x > 1) from t": "Lambda",
    "select [x for x in a] from t": "Comprehension",
    "select list_contains(a, 1) from t": "ARRAY_CONTAINS",
    "select array_agg(a) from t": "ARRAY_AGG",
    "select unnest(a) from t": "EXPLODE",
    "select a[1] from t": "Bracket",
    "select {'a': 1} as a": "STRUCT",
    "select a::date from t": "::",
    "select try_cast(a as date) from t": "TRY_CAST",
    "select cast(a as hugeint) from t": "type INT128",
    "select distinct on (a) a, b from t": "distinct on",
    "select a, count(*) from t group by all": "group by all",
    "select a from t order by all": "order by all",
    "from t select a": "from before select",
    "select a from (from t)": "from before select",
    "select a from t union by name select a from u": "union by name",
    "select a // 2 from t": "IntDiv",
    "select a from t using sample 10%": "TableSample",
    "pivot t on a using sum(b)": "Pivot",
    "select arg_min(a, b) from t": "ARG_MIN",
    "select quantile_cont(a, 0.5) from t": "PERCENTILE_CONT",
    "select date_diff('day', a, b) from t": "DATEDIFF",
    "select regexp_matches(a, 'b') from t": "REGEXP_LIKE",
    "select md5(a) from t": "MD5",
    "select some_function(a) from t": "some_function",
    "select a from read_parquet('x.parquet')": "READ_PARQUET",
    "select a from": "parsed",
}


def test_ordinary_sql_is_common() -> None:
    assert faults_of(COMMON) == []


@pytest.mark.parametrize(("sql", "word"), BEYOND.items())
def test_what_is_beyond_is_named(sql: str, word: str) -> None:
    assert word in " ".join(str(fault) for fault in faults_of(sql))


def test_staging_reads_sources_where_their_files_lie() -> None:
    assert faults_of("select * from read_parquet('x.parquet')", reads_sources=True) == []
    assert faults_of("select list_sort(a) from read_parquet('x.parquet')", reads_sources=True) != []


def test_of_the_statements_of_a_hook_the_queries_are_judged() -> None:
    hook = "create temporary table a as select {} from t; insert into b select c from a; drop table a"
    assert faults_of(hook.format("c"), is_hook=True) == []
    assert faults_of(hook.format("c")) != []
    assert "LIST_SORT" in " ".join(str(fault) for fault in faults_of(hook.format("list_sort(c)"), is_hook=True)).upper()
