"""SQL of the indices that compare answers with each other: distance from the usual, consistency within a person.

References: Meade & Craig 2012; Curran 2016; Yentes & Wilhelm, R `careless` 1.2 (`mahad`, `evenodd`, `psychsyn`).
"""

from __future__ import annotations

from collections.abc import Sequence

from include.survey_quality.norms import Norms

# Two pairs always correlate by 1 or -1.
LEAST_PAIRS = 3


def distance_sql(relation: str, answers: Sequence[str], norms: Norms) -> str | None:
    """SQL of `row_id, mahalanobis`: squared distance from the survey's mean, of responses without a gap.

    Args:
        relation: one row per response, with `row_id`.
        answers: SQL of the answers to the items of the norms, counted from the low end of the scale.
        norms: of the same items, in the same order.

    Returns:
        None where the norms allow no distance: too few cases, or a singular covariance.
    """
    whitening = norms.whitening()
    if whitening is None:
        return None
    kind = f"double[{len(answers)}]"
    centred = ", ".join(f"({one})::double - {mean!r}" for one, mean in zip(answers, norms.mean.tolist(), strict=True))
    parts = ", ".join(f"power(array_inner_product(centred, {weights!r}::{kind}), 2)" for weights in whitening.tolist())
    complete = " and ".join(f"({one}) is not null" for one in answers)
    return (
        f"select row_id, list_sum([{parts}]) as mahalanobis "
        f"from (select row_id, [{centred}]::{kind} as centred from {relation} where {complete})"
    )


def even_odd_sql(relation: str, blocks: Sequence[Sequence[str]]) -> str | None:
    """SQL of `row_id, even_odd`: do the odd and the even items of each block agree, over a person's blocks?

    The correlation of the means of both halves over the blocks, corrected for the halves' length (Spearman-Brown),
    at least -1. R `careless` gives its negative since 1.2: here, too, a high value is a consistent person.

    Args:
        relation: one row per response, with `row_id`.
        blocks: per block the SQL of its answers as shares of the scale, reverse-keyed items turned round.

    Returns:
        None with fewer than three blocks of two items. A person with fewer answered blocks has null.
    """
    blocks = [block for block in blocks if len(block) > 1]
    if len(blocks) < LEAST_PAIRS:
        return None
    halves = [f"list_avg([{', '.join(block[start::2])}])" for block in blocks for start in (0, 1)]
    pairs = [(2 * number, 2 * number + 1) for number in range(len(blocks))]
    return (
        "select row_id, case when r < -1.0 / 3 then -1.0 else 2 * r / (1 + r) end as even_odd "
        f"from ({_within_person(relation, halves, pairs)})"
    )


def synonyms_sql(relation: str, answers: Sequence[str], pairs: Sequence[tuple[int, int]]) -> str | None:
    """SQL of `row_id, psychometric_synonyms`: correlation within a person over pairs of items that ask the same.

    Args:
        relation: one row per response, with `row_id`.
        answers: SQL of the answers as shares of the scale, as given.
        pairs: places of the items of each pair (`Norms.synonyms`).

    Returns:
        None with fewer than three pairs. A person with fewer answered pairs has null.
    """
    if len(pairs) < LEAST_PAIRS:
        return None
    return f"select row_id, r as psychometric_synonyms from ({_within_person(relation, answers, pairs)})"


def _within_person(relation: str, values: Sequence[str], pairs: Sequence[tuple[int, int]]) -> str:
    """SQL of `row_id, r`: Pearson correlation over the pairs of values of each row, those with a null left out.

    `r` is null with fewer than three pairs, and where one side does not vary.
    """
    places = sorted({place for pair in pairs for place in pair})
    # A value that is missing is 0 in `v` and its square `s`, and in `t` (is it there?): it adds nothing to any sum.
    columns = ", ".join(
        f"coalesce(x{p}, 0) as v{p}, coalesce(x{p} * x{p}, 0) as s{p}, (x{p} is not null)::double as t{p}"
        for p in places
    )
    given = ", ".join(f"({values[p]})::double as x{p}" for p in places)
    sides = ", ".join(
        f"[{', '.join(f'{name}{pair[side]}' for pair in pairs)}] as {'lr'[side]}_{name}"
        for side in (0, 1)
        for name in "vst"
    )
    return f"""
        select row_id,
               case when n >= {LEAST_PAIRS} and spread_l > 1e-9 and spread_r > 1e-9
                    then greatest(-1.0, least(1.0, (n * across - sum_l * sum_r) / sqrt(spread_l * spread_r))) end as r
        from (
            select *, n * squares_l - sum_l * sum_l as spread_l, n * squares_r - sum_r * sum_r as spread_r
            from (
                select row_id, list_inner_product(l_t, r_t) as n, list_inner_product(l_v, r_v) as across,
                       list_inner_product(l_v, r_t) as sum_l, list_inner_product(r_v, l_t) as sum_r,
                       list_inner_product(l_s, r_t) as squares_l, list_inner_product(r_s, l_t) as squares_r
                from (
                    select row_id, {sides}
                    from (
                        select row_id, {columns}
                        from (select row_id, {given} from {relation})
                    )
                )
            )
        )"""
