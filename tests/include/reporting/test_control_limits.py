"""Limits of single values: METHODS' figures, frozen on the first twelve, never beyond what a unit can take."""

from __future__ import annotations

import pytest

from include.reporting.control_limits import Limits, clipped, individuals_limits

BASELINE = [52, 50, 51, 49, 53, 50, 48, 51, 50, 52, 50, 49]


def test_the_limits_are_those_of_the_methods() -> None:
    limits = individuals_limits(BASELINE)

    assert limits is not None
    # Mean 605 / 12; mean moving range 23 / 11.
    assert limits.centre == pytest.approx(50.41667, abs=5e-6)
    assert limits.lower == pytest.approx(44.8557, abs=5e-5)
    assert limits.upper == pytest.approx(55.9776, abs=5e-5)


def test_later_values_do_not_move_them() -> None:
    assert individuals_limits([*BASELINE, 90, 10]) == individuals_limits(BASELINE)


def test_eleven_values_set_none() -> None:
    assert individuals_limits(BASELINE[:11]) is None


@pytest.mark.parametrize(("value", "side"), [(3.01, "above"), (3, None), (2, None), (1, None), (0.99, "below")])
def test_on_a_limit_is_inside(value: float, side: str | None) -> None:
    assert Limits(1, 2, 3).side_of(value) == side


def test_a_value_that_never_moves_is_inside() -> None:
    limits = individuals_limits([0.0125] * 12)
    assert limits is not None
    assert limits.side_of(0.0125) is None
    assert limits.side_of(0.0126) == "above"


@pytest.mark.parametrize(
    ("unit", "lower", "upper"),
    [("share", 0, 1), ("minutes", 0, 150), ("points", -50, 100), ("score", -50, 150), ("currency", -50, 150)],
)
def test_limits_stay_within_what_a_unit_can_take(unit: str, lower: float, upper: float) -> None:
    limits = clipped(Limits(-50, 0.5, 150), unit)

    assert (limits.lower, limits.upper) == (lower, upper)
