"""How many defects of a kind a delivery holds, and which rows have them."""

from collections.abc import Iterator, Sequence

import numpy as np

from include.sample_company.assumptions import DEFECT_SHARES
from include.sample_company.nights import NIGHTS, Ints

NO_KIND = -1


def defect_count(name: str, rows: int, night: int) -> int:
    """Number of defects among `rows` delivered rows: its share in the history, one in a night."""
    if rows < 2:
        return 0
    return min(rows // 2, max(1, round(DEFECT_SHARES[name] * rows)) if night == 0 else 1)


def assign_kinds(rng: np.random.Generator, night: Ints, kinds: Sequence[str]) -> Ints:
    """Number of the kind of defect of every row, -1 for none; drawn within each night's delivery.

    In the nights the kinds take turns, so that a small delivery keeps honest rows.
    """
    chosen = np.full(len(night), NO_KIND)
    for number in range(len(NIGHTS)):
        rows = rng.permutation(np.flatnonzero(night == number))
        tonight = range(len(kinds)) if number == 0 else range((number - 1) % 3, len(kinds), 3)
        taken = 0
        for kind in tonight:
            room = len(rows) // 2 - taken
            many = min(room, defect_count(kinds[kind], len(rows), number))
            chosen[rows[taken : taken + many]] = kind
            taken += many
    return chosen


def spread_rows(rng: np.random.Generator, name: str, eligible: Ints, rows: int, night: int) -> Ints:
    """The rows (among the eligible ones) that get the defect in one delivery of `rows` rows, ascending."""
    many = min(len(eligible), defect_count(name, rows, night))
    return np.sort(rng.permutation(eligible)[:many])


def spread_apart(
    rng: np.random.Generator, names: Sequence[str], eligible: Ints, rows: int, night: int
) -> Iterator[Ints]:
    """As `spread_rows`, for one defect after the other: no row gets two of them."""
    left = eligible
    for name in names:
        found = spread_rows(rng, name, left, rows, night)
        left = np.setdiff1d(left, found)
        yield found
