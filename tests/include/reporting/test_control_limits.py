"""Limits of values and of shares: METHODS' figures, frozen on the first twelve, never beyond what a unit can take."""

from __future__ import annotations

import pytest

from include.reporting.control_limits import Limits, clipped, individuals_limits, share_chart

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


def test_a_share_is_held_against_the_chance_of_its_own_cases() -> None:
    # 6 × 20 of 100 and 6 × 30 of 400: 300 of 3,000. The mean of the shares would be 0.1375.
    chart = share_chart([0.2, 0.075] * 6, [100, 400] * 6)

    assert chart is not None and not chart.is_laney
    assert chart.centre == pytest.approx(0.1)
    # 3 × √(0.1 × 0.9 / n) is 0.09 at 100, 0.045 at 400 and 0.18 at 25, where it would go below 0.
    for base, lower, upper in ((100, 0.01, 0.19), (400, 0.055, 0.145), (25, 0, 0.28)):
        limits = chart.limits(base)
        assert (limits.lower, limits.centre, limits.upper) == pytest.approx((lower, 0.1, upper)), base


def test_limits_of_a_share_end_at_all_cases() -> None:
    chart = share_chart([0.9] * 12, [100] * 12)

    assert chart is not None
    # 0.9 ± 0.18 at 25 cases.
    assert (chart.limits(25).lower, chart.limits(25).upper) == pytest.approx((0.72, 1))
    assert chart.limits(25).side_of(1.0) is None


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_share_of_none_or_all_has_no_chance_of_its_own(share: float) -> None:
    for base in (100, 5_000):
        chart = share_chart([share] * 12, [base] * 12)
        assert chart is not None
        assert chart.limits(base) == Limits(share, share, share)


def test_later_shares_do_not_move_them_and_eleven_set_none() -> None:
    shares, bases = [0.2, 0.075] * 6, [100, 400] * 6

    assert share_chart([*shares, 0.9], [*bases, 900]) == share_chart(shares, bases)
    assert share_chart(shares[:11], bases[:11]) is None


def test_shares_of_very_many_cases_spread_by_themselves() -> None:
    # Each is 0.01 off the centre, 10 / 3 of the 0.003 that chance alone explains at 10,000 cases; ranges of 20 / 3.
    chart = share_chart([0.09, 0.11] * 6, [10_000] * 12)

    assert chart is not None and chart.is_laney
    assert chart.spread == pytest.approx(20 / 3 / 1.128)
    limits = chart.limits(10_000)
    # With one n for all, it is I-MR: 0.1 ± 3 / 1.128 × 0.02.
    assert (limits.lower, limits.upper) == pytest.approx((0.1 - 0.0531915, 0.1 + 0.0531915), abs=1e-7)
    same = individuals_limits([0.09, 0.11] * 6)
    assert same is not None and (limits.lower, limits.upper) == pytest.approx((same.lower, same.upper))
    assert chart.limits(40_000).upper == pytest.approx(0.1 + 0.0531915 / 2, abs=1e-7)


@pytest.mark.parametrize(("base", "is_laney"), [(999, False), (1_000, True)])
def test_from_a_thousand_cases_on_average(base: int, is_laney: bool) -> None:
    chart = share_chart([0.09, 0.11] * 6, [base] * 12)

    assert chart is not None and chart.is_laney == is_laney
