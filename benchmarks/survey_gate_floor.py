"""What one would write by hand for the responses of this benchmark.

It reads the CSV, works out every careless-response index column by column, judges by the same rules, and writes clean
responses, clean answers and why the others failed.

The lists of columns are generated, as twenty items have 210 products.
"""

from __future__ import annotations

from itertools import combinations, combinations_with_replacement
from pathlib import Path

import duckdb
import numpy as np
from scipy.special import chdtri

from benchmarks.responses_file import BLOCKS, ITEMS, ITEMS_PER_BLOCK, REVERSED
from include.sql import literal
from include.survey_quality.norms import groups_of

_PLACES = range(ITEMS)
_BLOCKS = [range(one * ITEMS_PER_BLOCK, (one + 1) * ITEMS_PER_BLOCK) for one in range(BLOCKS)]


def run(con: duckdb.DuckDBPyConnection, csv: Path, responses: Path, answers: Path, failures: Path) -> None:
    """Judge the delivery `csv` and write the three Parquet files."""
    con.execute(_loaded(csv))
    con.execute(_kept())
    mean, covariance = _norms(con)
    con.execute(_indices(mean, covariance))
    con.execute(_judged())
    con.execute(f"copy ({_clean_responses()}) to {literal(str(responses))} (format parquet)")
    con.execute(f"copy ({_clean_answers()}) to {literal(str(answers))} (format parquet)")
    con.execute(f"copy ({_failures()}) to {literal(str(failures))} (format parquet)")


def _loaded(csv: Path) -> str:
    items = ", ".join(f'try_cast("Q{n + 1}" as double) as a{n}' for n in _PLACES)
    # On the scale from 0 to 4, else null; `k…` with reverse-keyed items turned round.
    scaled = ", ".join(f"case when a{n} between 1 and 5 then a{n} - 1 end as s{n}" for n in _PLACES)
    keyed = ", ".join(f"{f'4 - s{n}' if n in REVERSED else f's{n}'} as k{n}" for n in _PLACES)
    return f"""
        create temp table response as
        select *, {keyed} from (select *, {scaled} from (
            select row_number() over () as row_number, "Response" as response_id, "Customer" as customer_id,
                   "Channel" as channel, {_utc("Started")} as started_at,
                   {_utc("Submitted")} as submitted_at,
                   try_cast("Seconds" as bigint) as duration_seconds, {items}
            from read_csv({literal(str(csv))}, header = true, all_varchar = true, delim = ',', auto_detect = false,
                          columns = {{{", ".join(f"'{name}': 'VARCHAR'" for name in _header())}}})
        ))"""


def _utc(column: str) -> str:
    return f"""timezone('UTC', timezone('Asia/Shanghai', try_cast("{column}" as timestamp)))"""


def _header() -> list[str]:
    first = ["Response", "Customer", "Channel", "Started", "Submitted", "Seconds"]
    return first + [f"Q{n + 1}" for n in _PLACES]


def _kept() -> str:
    return """
        create temp table unusable as
        select row_number, case when response_id is null then 'missing_key'
                                when submitted_at > timestamp '2026-06-30 16:00:00' then 'in_future'
                                when place > 1 then 'duplicate_in_batch' end as rule_id
        from (
            select row_number, response_id, submitted_at,
                   row_number() over (partition by response_id, submitted_at order by row_number desc) as place
            from response
        )
        where response_id is null or submitted_at > timestamp '2026-06-30 16:00:00' or place > 1;
        create temp table usable as select * from response where row_number not in (select row_number from unusable)"""


def _norms(con: duckdb.DuckDBPyConnection) -> tuple[np.ndarray, np.ndarray]:
    sums = ", ".join(f"sum(s{n})" for n in _PLACES)
    products = ", ".join(f"sum(s{one} * s{two})" for one, two in combinations_with_replacement(_PLACES, 2))
    complete = " and ".join(f"s{n} is not null" for n in _PLACES)
    count, *figures = con.execute(
        f"select count(*), {sums}, {products} from response where response_id is not null and {complete}"
    ).fetchall()[0]
    total = np.array(figures[:ITEMS])
    square = np.zeros((ITEMS, ITEMS))
    square[np.triu_indices(ITEMS)] = figures[ITEMS:]
    square = np.triu(square) + np.triu(square, 1).T
    return total / count, (square - np.outer(total, total) / count) / (count - 1)


def _indices(mean: np.ndarray, covariance: np.ndarray) -> str:
    means, spread = mean.tolist(), np.sqrt(np.diag(covariance))
    whitening = np.linalg.inv(np.linalg.cholesky(covariance))
    distance = " + ".join(
        "power(" + " + ".join(f"{weights[n]!r} * (s{n} - {means[n]!r})" for n in range(row + 1)) + ", 2)"
        for row, weights in enumerate(whitening.tolist())
    )
    pairs = [
        (one, two) for one, two in combinations(_PLACES, 2) if covariance[one, two] > 0.60 * spread[one] * spread[two]
    ]
    halves = [(_mean_of(block[0::2]), _mean_of(block[1::2])) for block in _BLOCKS]
    even_odd = _correlation(halves)
    synonyms = _correlation([(f"s{one}", f"s{two}") for one, two in pairs]) if len(pairs) > 2 else "null"
    runs = ", ".join(_longest_run(block) for block in _BLOCKS)
    spreads = ", ".join(_deviation(block) for block in _BLOCKS)
    gaps = " + ".join(f"(a{n} is null)::integer" for n in _PLACES)
    limit = float(chdtri(ITEMS, 0.001))
    return f"""
        create temp table indexed as
        with usual as (
            select median(duration_seconds) as middle, median(ln(duration_seconds)) as log_middle,
                   mad(ln(duration_seconds)) as log_mad
            from response where response_id is not null and duration_seconds > 0
        ),
        measured as (
            select u.*, {ITEMS} - ({gaps}) as answered_count, greatest({runs}) as longest_run,
                   coalesce({spreads}) as irv, duration_seconds / middle as relative_speed, {distance} as mahalanobis,
                   {even_odd} as half_r, {synonyms} as psychometric_synonyms,
                   duration_seconds > 0 and log_mad > 0
                       and ln(abs(duration_seconds)) - log_middle > 5 * log_mad as is_extreme,
                   {" or ".join(f"({_constant(block)})" for block in _BLOCKS)} as has_constant,
                   {" or ".join(f"({_constant(block)} and a{block[0]} <> 3)" for block in _BLOCKS)} as has_conflict
            from usable u cross join usual
        )
        select * exclude (half_r),
               case when half_r < -1.0 / 3 then -1 else 2 * half_r / (1 + half_r) end as even_odd,
               relative_speed < 0.3333 as is_fast,
               duration_seconds / nullif(answered_count, 0) < 2 as is_fast_per_rating,
               longest_run >= 6 or irv <= 0.35 as has_no_variation,
               mahalanobis > {limit!r} as is_unusual,
               {groups_of(pairs)} >= 3 as has_matters
        from measured"""


def _mean_of(places: range) -> str:
    answered = " + ".join(f"(k{n} is not null)::integer" for n in places)
    return f"(({' + '.join(f'coalesce(k{n}, 0)' for n in places)}) / nullif({answered}, 0))"


def _correlation(pairs: list[tuple[str, str]]) -> str:
    """Pearson's r over pairs of expressions of one row."""
    both = " + ".join(f"({x} + {y} is not null)::integer" for x, y in pairs)
    x = " + ".join(f"coalesce({x} + 0 * {y}, 0)" for x, y in pairs)
    y = " + ".join(f"coalesce({y} + 0 * {x}, 0)" for x, y in pairs)
    xx = " + ".join(f"coalesce({x} * {x} + 0 * {y}, 0)" for x, y in pairs)
    yy = " + ".join(f"coalesce({y} * {y} + 0 * {x}, 0)" for x, y in pairs)
    xy = " + ".join(f"coalesce({x} * {y}, 0)" for x, y in pairs)
    spread_x, spread_y = f"(({both}) * ({xx}) - power({x}, 2))", f"(({both}) * ({yy}) - power({y}, 2))"
    return (
        f"case when ({both}) > 2 and {spread_x} > 1e-7 and {spread_y} > 1e-7 "
        f"then (({both}) * ({xy}) - ({x}) * ({y})) / sqrt({spread_x} * {spread_y}) end"
    )


def _longest_run(block: range) -> str:
    """Every run there can be, longest first; a gap is a run of its own."""
    cases = [
        (length, " and ".join(f"a{n} = a{start}" for n in range(start + 1, start + length)))
        for length in range(ITEMS_PER_BLOCK, 1, -1)
        for start in range(block[0], block[-1] - length + 2)
    ]
    longest = " ".join(f"when {same} then {length}" for length, same in cases)
    empty = " and ".join(f"a{n} is null" for n in block)
    return f"case when {empty} then null {longest} else 1 end"


def _deviation(block: range) -> str:
    count = " + ".join(f"(a{n} is not null)::integer" for n in block)
    total = " + ".join(f"coalesce(a{n}, 0)" for n in block)
    squares = " + ".join(f"coalesce(a{n} * a{n}, 0)" for n in block)
    return f"sqrt((({count}) * ({squares}) - power({total}, 2)) / nullif(({count}) * (({count}) - 1), 0))"


def _constant(block: range) -> str:
    return " and ".join(f"a{block[0]} = a{n}" for n in block[1:])


def _judged() -> str:
    shown = """coalesce(is_fast or is_fast_per_rating, is_fast, is_fast_per_rating, false)::integer
             + coalesce(has_no_variation, false)::integer + coalesce(is_unusual, false)::integer
             + (coalesce(even_odd < 0.3, false)
                or coalesce(has_matters and psychometric_synonyms < 0.22, false))::integer"""
    applicable = """(coalesce(relative_speed, duration_seconds / nullif(answered_count, 0)) is not null)::integer
             + (coalesce(longest_run, irv) is not null)::integer + (mahalanobis is not null)::integer
             + (even_odd is not null or (has_matters and psychometric_synonyms is not null))::integer"""
    return f"""
        create temp table judged as
        select *,
               case when applicable > 0 then shown end as careless_sign_count,
               100.0 * (applicable - shown) / nullif(applicable, 0) as quality_score,
               concat_ws(',', case when shown >= 2 then 'careless' end,
                   case when duration_seconds < 0 then 'negative_duration' end,
                   case when a0 is null then 'required_unanswered' end,
                   case when has_conflict then 'reversed_items_conflict' end,
                   case when {ITEMS} - answered_count > {ITEMS} / 2 then 'too_many_gaps' end) as not_counted_rules,
               concat_ws(',', case when has_constant then 'constant_block' end,
                   case when is_extreme then 'extreme_duration' end,
                   case when relative_speed < 0.5 then 'fast' end,
                   case when is_fast_per_rating then 'fast_per_rating' end,
                   case when submitted_at < started_at then 'submitted_before_started' end) as flag_rules
        from (select *, {shown} as shown, {applicable} as applicable from indexed)"""


def _clean_responses() -> str:
    return """
        select response_id, customer_id, channel, started_at, submitted_at, duration_seconds, answered_count,
               longest_run, irv, relative_speed, even_odd, mahalanobis, psychometric_synonyms, careless_sign_count,
               quality_score, row_number, not_counted_rules = '' as is_counted, not_counted_rules, flag_rules
        from judged"""


def _clean_answers() -> str:
    # A list per row is a quarter of the work of an unpivot.
    listed = ", ".join(f"{{'question_id': 'q{n + 1:02d}', 'answer_value': a{n}}}" for n in _PLACES)
    return f"""
        select response_id, one.question_id, one.answer_value::decimal(18, 4) as answer_value, submitted_at, row_number,
               one.answer_value between 1 and 5 as is_counted
        from (select response_id, submitted_at, row_number, unnest([{listed}]) as one from judged)
        where one.answer_value is not null"""


def _failures() -> str:
    answers = ", ".join(f"a{n}" for n in _PLACES)
    return f"""
        select r.*, f.entity, f.rule_id
        from (
            select row_number, 'survey_response' as entity, rule_id from unusable
            union all
            select row_number, 'survey_response', unnest(string_split(not_counted_rules, ',')) from judged
            where not_counted_rules <> ''
            union all
            select row_number, 'survey_answer', rule_id
            from (
                select row_number, rule_id, unnest([{answers}]) as answer
                from unusable join response using (row_number)
            )
            where answer is not null
            union all
            select row_number, 'survey_answer', 'out_of_scale'
            from (select row_number, unnest([{answers}]) as answer from judged)
            where answer not between 1 and 5
        ) f join response r using (row_number)"""
