"""Why a customer is at risk: the features that raise the risk most, as codes whose words are the seed `risk_reason`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from include.customer_value.features import Floats

TOP = 3
# A part that raises the odds by less than a hundredth is no reason.
LEAST_PART = 0.01
SIDES = ("low", "high", "unknown")


def reason_codes(names: Sequence[str]) -> list[str]:
    """All codes of some features: `<feature>_low`, `_high` and `_unknown`, in this order, feature by feature."""
    return [f"{name}_{side}" for name in names for side in SIDES]


def top_reasons(
    parts: Floats, values: Floats, usual: Floats, names: Sequence[str], least: float = LEAST_PART
) -> npt.NDArray[np.object_]:
    """Codes of the (at most) three features with the largest parts above `least`, the largest first.

    Args:
        parts: (n, k), by how much each feature raises the risk; below zero it lowers it.
        values: (n, k), what is known; NaN is unknown.
        usual: (k,), beside which a value is high or low.
        names: the k features; of two equal parts the earlier one comes first.
        least: parts up to this are no reasons.

    Returns:
        (n, 3) of text, None where there is no further reason.
    """
    codes = np.array([*reason_codes(names), None], dtype=object)
    count = parts.shape[1]
    order = np.argsort(-parts, axis=1, kind="stable")[:, :TOP]
    rows = np.arange(len(parts))[:, None]
    side = np.where(np.isnan(values), 2, (values > usual).astype(int))
    place = np.where(parts[rows, order] > least, order * len(SIDES) + side[rows, order], count * len(SIDES))
    if count < TOP:
        nothing = np.full((len(parts), TOP - count), count * len(SIDES))
        place = np.hstack([place, nothing])
    return np.asarray(codes[place], dtype=object)
