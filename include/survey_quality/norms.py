"""What is usual in a survey: mean and covariance of its rating items, from exact sums of products."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations, combinations_with_replacement

import duckdb
import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

Floats = npt.NDArray[np.float64]
# Fewer complete responses than this per item say nothing of a covariance.
CASES_PER_ITEM = 2
# A covariance has a figure per pair of items: those of a thousand items would take longer than all else.
MOST_ITEMS = 250
# Items that correlate more than this ask the same (R `careless`, `psychsyn`, critval).
SYNONYM_CORRELATION = 0.60
# Of a matrix of worse condition an inverse is noise.
_WORST_CONDITION = 1e10
# Answers have four decimals at most (`decimal` of the contracts): so many units make one.
_UNITS = 10_000


class Norms(BaseModel):
    """Sums over the responses in which every item is answered, each answer counted from the low end of its scale."""

    model_config = ConfigDict(frozen=True)

    items: tuple[str, ...] = ()
    cases: int = 0
    sums: tuple[float, ...] = ()
    products: tuple[float, ...] = ()  # of every item with itself and those after it: upper triangle, row by row

    @property
    def is_enough(self) -> bool:
        """Whether they hold at least two cases per item, of two items or more."""
        return len(self.items) > 1 and self.cases >= CASES_PER_ITEM * len(self.items)

    @property
    def mean(self) -> Floats:
        """Mean of every item, shape (items,)."""
        return np.array(self.sums) / self.cases

    @property
    def covariance(self) -> Floats:
        """Covariance (n - 1) of the items, shape (items, items)."""
        size = len(self.items)
        products = np.zeros((size, size))
        products[np.triu_indices(size)] = self.products
        products = np.triu(products) + np.triu(products, 1).T
        sums = np.array(self.sums)
        found: Floats = (products - np.outer(sums, sums) / self.cases) / (self.cases - 1)
        return found

    def of(self, items: Sequence[str]) -> Norms | None:
        """The norms of some of the items, in their order; None if one is not known."""
        if not set(items) <= set(self.items):
            return None
        place = {item: number for number, item in enumerate(self.items)}
        pairs = combinations_with_replacement(range(len(self.items)), 2)
        product = dict(zip(pairs, self.products, strict=True))
        places = [place[item] for item in items]
        return Norms(
            items=tuple(items),
            cases=self.cases,
            sums=tuple(self.sums[one] for one in places),
            products=tuple(
                product[min(one, two), max(one, two)] for one, two in combinations_with_replacement(places, 2)
            ),
        )

    def whitening(self) -> Floats | None:
        """Matrix W, shape (items, items), of which D² = |W (x - mean)|²; None if the covariance is singular."""
        if not self.is_enough:
            return None
        covariance = self.covariance
        spread = np.sqrt(np.diag(covariance))
        if not (spread > 0).all():
            return None
        correlation = covariance / np.outer(spread, spread)
        if np.linalg.cond(correlation) > _WORST_CONDITION:
            return None
        try:
            found: Floats = np.linalg.inv(np.linalg.cholesky(correlation)) / spread
        except np.linalg.LinAlgError:
            return None
        return found

    def synonyms(self) -> list[tuple[int, int]]:
        """Places of the pairs of items that correlate more than SYNONYM_CORRELATION, the earlier item first."""
        if not self.is_enough:
            return []
        covariance = self.covariance
        spread = np.sqrt(np.maximum(np.diag(covariance), 0))
        return [
            (one, two)
            for one, two in combinations(range(len(self.items)), 2)
            if covariance[one, two] > SYNONYM_CORRELATION * spread[one] * spread[two] > 0
        ]


def groups_of(pairs: Sequence[tuple[int, int]]) -> int:
    """Into how many groups pairs fall that share no item, not even through other pairs."""
    groups: list[set[int]] = []
    for pair in pairs:
        touched = [group for group in groups if group & set(pair)]
        groups = [group for group in groups if group not in touched] + [set(pair).union(*touched)]
    return len(groups)


def measured_norms(con: duckdb.DuckDBPyConnection, relation: str, answers: Mapping[str, str]) -> Norms:
    """The norms of the responses in a relation; none of no item, and of more than MOST_ITEMS.

    Args:
        con: where the relation is.
        relation: one row per response.
        answers: item -> SQL of its answer counted from the low end of the scale, null where there is none.
    """
    if not 0 < len(answers) <= MOST_ITEMS:
        return Norms()
    names = [f"i{number}" for number in range(len(answers))]
    # Whole numbers, so that sums do not depend on the order of rows.
    units = ", ".join(
        f"round(({sql}) * {_UNITS})::bigint as {name}" for name, sql in zip(names, answers.values(), strict=True)
    )
    sums = [f"coalesce(sum({name}), 0)" for name in names]
    products = [f"coalesce(sum({one} * {two}), 0)" for one, two in combinations_with_replacement(names, 2)]
    complete = " and ".join(f"{name} is not null" for name in names)
    found = con.execute(
        f"select count(*), {', '.join(sums + products)} from (select {units} from {relation}) where {complete}"
    ).fetchone()
    assert found is not None  # noqa: S101 - a count is one row
    cases, figures = int(found[0]), found[1:]
    return Norms(
        items=tuple(answers),
        cases=cases,
        sums=tuple(int(one) / _UNITS for one in figures[: len(names)]),
        products=tuple(int(one) / _UNITS**2 for one in figures[len(names) :]),
    )
