"""Features as arrays: rows × names, NaN is unknown."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from include.customer_value.feature_list import FEATURES

Floats = npt.NDArray[np.float64]
Keys = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
_SKEWED = frozenset(feature.name for feature in FEATURES if feature.is_skewed)


def matrix(columns: Mapping[str, Floats], names: tuple[str, ...]) -> Floats:
    """The columns of these names side by side, rows × names; NaN is unknown."""
    return np.column_stack([np.asarray(columns[name], dtype=np.float64) for name in names])


def unskewed(values: Floats, names: tuple[str, ...]) -> Floats:
    """The same matrix with ln(1 + |x|), signed, in place of the skewed columns."""
    result = values.copy()
    for place, name in enumerate(names):
        if name in _SKEWED:
            result[:, place] = np.sign(values[:, place]) * np.log1p(np.abs(values[:, place]))
    return result
