"""The table of links between satisfaction and what followed, from DuckDB's relation `int_satisfaction_case`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from include.customer_value.features import Floats
from include.customer_value.satisfaction_link import indicators, last_of_each, odds_ratio, spearman

OUTCOMES = {"retained": "is_retained", "repurchased": "is_repurchased", "revenue_after": "revenue_after"}
# Points of 100 that make one step of an odds ratio.
STEP = 10.0
# A tier or product line of fewer customers stands with the other rare ones.
RARE = 20
LINKS = pa.schema(
    [
        *((name, pa.string()) for name in ("score_kind", "purpose", "outcome")),
        ("customer_count", pa.int64()),
        *((name, pa.float64()) for name in ("spearman", "spearman_low", "spearman_high")),
        ("spearman_reason", pa.string()),
        *((name, pa.float64()) for name in ("odds_ratio_alone", "odds_ratio", "odds_ratio_low", "odds_ratio_high")),
        ("odds_ratio_reason", pa.string()),
        ("adjusted_for", pa.string()),
    ]
)


def links_of(cases: Any) -> pa.Table:
    """One row per kind of score, purpose and outcome; each customer counts once, with the last answer that is known."""
    found = []
    for kind, purpose in sorted(cases.project("score_kind, purpose").distinct().fetchall()):
        of_kind = cases.filter(
            f"score_kind = '{_quoted(kind)}' and purpose = '{_quoted(purpose)}' and pomp is not null"
        )
        for outcome, column in OUTCOMES.items():
            rows = (
                of_kind.filter(f"{column} is not null")
                .order("response_key")
                .project(
                    "customer_key, response_key, date_diff('day', date '1970-01-01', measured_date) as measured_day, "
                    f"pomp, cast({column} as double) as outcome, coalesce(tier, '') as tier, "
                    "coalesce(product_line, '') as product_line, coalesce(tenure_days, 0) as tenure_days"
                )
                .fetchnumpy()
            )
            found.append({"score_kind": kind, "purpose": purpose, "outcome": outcome, **_link(rows, outcome)})
    return pa.Table.from_pylist(found, schema=LINKS)


def _link(rows: Mapping[str, npt.NDArray[Any]], outcome: str) -> dict[str, Any]:
    chosen = last_of_each(
        *(np.asarray(rows[name], dtype=np.int64) for name in ("customer_key", "measured_day", "response_key"))
    )
    score, after = _floats(rows["pomp"][chosen]), _floats(rows["outcome"][chosen])
    rank = spearman(score, after)
    link: dict[str, Any] = {
        "customer_count": rank.n,
        "spearman": rank.value,
        "spearman_low": rank.low,
        "spearman_high": rank.high,
        "spearman_reason": rank.reason,
    }
    if outcome == "revenue_after":  # no yes or no
        return link
    columns = {
        "tenure": np.log1p(np.maximum(_floats(rows["tenure_days"][chosen]), 0))[:, None],
        "tier": indicators(list(rows["tier"][chosen]), RARE),
        "product_line": indicators(list(rows["product_line"][chosen]), RARE),
    }
    # where losses are too few for all of them, fewer stand beside the score, and the row says which
    for names in (("tenure", "tier", "product_line"), ("tenure", "tier"), ("tenure",)):
        adjusted = odds_ratio(score, after, np.column_stack([columns[name] for name in names]), STEP)
        if adjusted.reason != "too_few_losses":
            break
    return link | {
        "odds_ratio_alone": odds_ratio(score, after, columns["tenure"][:, :0], STEP).value,
        "odds_ratio": adjusted.value,
        "odds_ratio_low": adjusted.low,
        "odds_ratio_high": adjusted.high,
        "odds_ratio_reason": adjusted.reason,
        "adjusted_for": ",".join(names) if adjusted.value is not None else None,
    }


def _floats(values: npt.NDArray[Any]) -> Floats:
    return np.asarray(values, dtype=np.float64)


def _quoted(text: str) -> str:
    return text.replace("'", "''")
