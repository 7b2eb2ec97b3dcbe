"""The search for the parameters of a model: where it ends, and what it says where it does not."""

from __future__ import annotations

import numpy as np
import pytest

from include.customer_value.maximum_likelihood import HIGHEST, Fit, Floats, maximise
from include.customer_value.warning_words import in_words

PEAK = np.array([0.5, -1.0])


def hill(point: Floats) -> tuple[float, Floats]:
    """Highest at PEAK; the second direction is four times as steep."""
    away = point - PEAK
    steepness = np.array([1.0, 4.0])
    return float(-(steepness * away**2).sum() / 2), -steepness * away


def slope_that_misleads(point: Floats) -> tuple[float, Floats]:
    """A hill whose gradient is nowhere what its height says."""
    return hill(point)[0], np.ones(2)


def rising(point: Floats) -> tuple[float, Floats]:
    """The further the better in one direction; nothing changes in the other."""
    return float(point[0]), np.array([1.0, 0.0])


def fitted(likelihood: object) -> Fit:
    return maximise("any", ("one", "two"), likelihood, [np.zeros(2)], 100)  # type: ignore[arg-type]


def test_it_ends_at_the_peak_and_knows_how_sure_that_is() -> None:
    fit = fitted(hill)

    assert fit.converged
    assert fit.warnings == ()
    assert fit.values == pytest.approx(np.exp(PEAK))
    # information 100 x (1, 4): the errors of the logarithms are a tenth and a twentieth
    assert [fit.standard_error(name) / fit[name] for name in fit.names] == pytest.approx([0.1, 0.05], rel=1e-4)


def test_a_search_that_finds_no_peak_says_so_in_words() -> None:
    fit = fitted(slope_that_misleads)

    assert not fit.converged
    assert "not_converged" in fit.warnings
    told = in_words(fit.warnings)
    assert told and "The search for parameters did not end" in told
    assert "参数估计未收敛" in (in_words(fit.warnings, chinese=True) or "")
    assert Fit.from_json(fit.as_json()) == fit


def test_what_lies_at_its_bound_or_changes_nothing_is_told() -> None:
    fit = fitted(rising)

    assert fit["one"] == pytest.approx(np.exp(HIGHEST))
    assert fit.standard_error("one") == 0
    assert {"one_at_bound", "flat_likelihood"} <= set(fit.warnings)
    assert "two_at_bound" not in fit.warnings
