"""Numbers to some significant digits: what lies beyond is the machine's, not the data's.

So a stored model and one that is fitted anew are the same.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
DIGITS = 10


def rounded(values: Floats | float, digits: int = DIGITS) -> Floats:
    """Numbers to some significant digits."""
    array = np.asarray(values, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.where((array == 0) | ~np.isfinite(array), 0.0, np.floor(np.log10(np.abs(array))))
    scale = 10.0 ** (digits - 1 - size)
    return np.where(np.isfinite(array), np.round(array * scale) / scale, array)
