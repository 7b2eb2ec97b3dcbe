"""Which periods a trend has, what sets its limits, and where its picture's parts lie."""

from __future__ import annotations

from datetime import date

import pytest

from include.periods import following
from include.reporting.trend_chart import picture_of, round_ticks
from include.reporting.trends import PeriodValue, preceding, trend_of

UNTIL = date(2026, 7, 1)


def value(grain: str, start: date, number: float | None, n: int = 100) -> PeriodValue:
    return PeriodValue(grain, start, number, n, n < 30, None, None, None if number is not None else "immature")


def months(count: int, first: date = date(2025, 1, 1)) -> list[date]:
    found = [first]
    while len(found) < count:
        found.append(following("month", found[-1]))
    return found


def test_a_month_that_still_runs_is_no_part_of_a_trend() -> None:
    rows = [value("month", start, 1.0) for start in months(18)]

    whole, half = trend_of(rows, "score", UNTIL), trend_of(rows, "score", date(2026, 6, 30))

    assert whole and half
    assert whole.points[-1].period.start == date(2026, 6, 1)
    assert half.points[-1].period.start == date(2026, 5, 1)


def test_no_more_than_24_months_and_none_before_the_first() -> None:
    long = trend_of([value("month", start, 1.0) for start in months(54, date(2022, 1, 1))], "score", UNTIL)
    short = trend_of([value("month", start, 1.0) for start in months(13, date(2025, 6, 1))], "score", UNTIL)

    assert long and short
    assert [point.period.start for point in long.points] == months(24, date(2024, 7, 1))
    assert len(short.points) == 13


def test_a_month_without_a_row_is_a_gap_with_a_reason() -> None:
    rows = [value("month", start, 1.0) for start in months(18) if start != date(2025, 6, 1)]

    trend = trend_of(rows, "score", UNTIL)

    assert trend
    (gap,) = [point.period for point in trend.points if point.period.value is None]
    assert (gap.start, gap.null_reason, gap.n) == (date(2025, 6, 1), "no_data", 0)
    assert [len(line) for line in picture_of(trend).lines] == [5, 12]


def test_weeks_where_there_are_too_few_months() -> None:
    weeks = [date(2026, 6, 22)]
    while len(weeks) < 30:
        weeks.append(preceding("week", weeks[-1]))
    rows = [value("month", start, 1.0) for start in months(6, date(2026, 1, 1))]

    trend = trend_of(rows + [value("week", start, 1.0) for start in weeks], "score", UNTIL)

    assert trend and trend.grain == "week"
    assert [point.period.start for point in trend.points] == sorted(weeks)[-26:]


def test_a_metric_without_complete_periods_has_no_trend() -> None:
    assert trend_of([], "score", UNTIL) is None
    assert trend_of([value("snapshot", date(2026, 6, 30), 1.0)], "score", UNTIL) is None
    assert trend_of([value("month", date(2026, 6, 1), None)], "score", UNTIL) is None


def test_a_metric_whose_last_value_is_long_ago_has_no_trend() -> None:
    long_ago = [value(grain, date(2014, 3, 1 if grain == "month" else 3), 1.0) for grain in ("month", "week")]
    assert trend_of(long_ago, "score", UNTIL) is None


def test_months_where_all_weeks_with_a_value_are_long_ago() -> None:
    rows = [value("month", date(2025, 3, 1), 1.0), value("week", date(2025, 3, 3), 1.0)]

    trend = trend_of(rows, "score", UNTIL)

    assert trend and trend.grain == "month"
    assert [point.period.value for point in trend.points] == [1.0] + [None] * 15


def test_a_low_base_neither_sets_the_limits_nor_is_held_against_them() -> None:
    values = [52, 50, 51, 49, 53, 50, 48, 51, 50, 52, 50, 49]
    starts = months(16, date(2025, 3, 1))
    rows = [value("month", start, number) for start, number in zip(starts[1:13], values, strict=True)]
    rows += [value("month", starts[0], 500, n=29), value("month", starts[13], 500, n=29)]
    rows += [value("month", starts[14], 56), value("month", starts[15], 44)]

    trend = trend_of(rows, "minutes", UNTIL)

    assert trend and trend.method == "individuals"
    (limits,) = {point.limits for point in trend.points}
    assert limits and limits.centre == pytest.approx(50.41667, abs=5e-6)
    assert [(point.period.start, point.side) for point in trend.outside] == [
        (starts[14], "above"),
        (starts[15], "below"),
    ]
    assert [point.is_baseline for point in trend.points] == [False, *[True] * 12, False, False, False]


@pytest.mark.parametrize(
    ("grain", "day", "before"),
    [
        ("month", date(2026, 7, 1), date(2026, 6, 1)),
        ("month", date(2026, 1, 15), date(2025, 12, 1)),
        ("quarter", date(2026, 7, 1), date(2026, 4, 1)),
        ("quarter", date(2026, 6, 30), date(2026, 1, 1)),
        ("quarter", date(2026, 2, 1), date(2025, 10, 1)),
        ("week", date(2026, 6, 29), date(2026, 6, 22)),
        ("week", date(2026, 7, 1), date(2026, 6, 22)),
    ],
)
def test_the_last_complete_period(grain: str, day: date, before: date) -> None:
    assert preceding(grain, day) == before
    assert following(grain, before) <= day


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (29.9, 45.3, [20, 30, 40, 50]),
        (97.2, 100, [97, 98, 99, 100]),
        (-31.9, 13, [-40, -20, 0, 20]),
        (0, 0, [-0.5, 0, 0.5]),
        (7, 7, [6, 6.5, 7, 7.5, 8]),
    ],
)
def test_ticks_are_round_and_cover_the_values(low: float, high: float, ticks: list[float]) -> None:
    assert round_ticks(low, high) == pytest.approx(ticks)


def test_a_picture_lies_within_its_frame_and_higher_values_lie_higher() -> None:
    rows = [value("month", start, number) for number, start in enumerate(months(18))]
    trend = trend_of(rows, "count", UNTIL)

    assert trend
    picture = picture_of(trend)
    assert all(picture.left <= mark.x <= picture.right for mark in picture.marks)
    assert all(picture.top <= mark.y <= picture.bottom for mark in picture.marks)
    assert [mark.y for mark in picture.marks] == sorted((mark.y for mark in picture.marks), reverse=True)
    assert [mark.is_latest for mark in picture.marks] == [False] * 17 + [True]
    ((span,),) = picture.bands
    assert (span.left, span.right) == (picture.left, picture.right), "one stretch from end to end"
    assert picture.top <= span.upper < span.centre < span.lower <= picture.bottom


def shares(bases: list[float | None], values: list[float | None]) -> list[PeriodValue]:
    """Months of a share of so many cases each; under 30 is a low base."""
    return [
        PeriodValue("month", start, value, int(base or 0), (base or 0) < 30, None, None, None, base)
        for start, base, value in zip(months(18)[-len(bases) :], bases, values, strict=True)
    ]


def test_limits_of_a_share_go_with_its_cases() -> None:
    rows = shares([100.0] * 12 + [400.0, 100.0, 400.0], [0.1] * 12 + [0.15, 0.15, 0.05])

    trend = trend_of(rows, "share", UNTIL, is_share_of_cases=True)

    assert trend and trend.method == "shares"
    # 0.1 ± 3 × √(0.1 × 0.9 / n): 0.09 at 100 cases, 0.045 at 400.
    limits = [point.limits for point in trend.points[11:15] if point.limits]
    assert [one.upper for one in limits] == pytest.approx([0.19, 0.145, 0.19, 0.145])
    assert [one.lower for one in limits] == pytest.approx([0.01, 0.055, 0.01, 0.055])
    assert [point.side for point in trend.points[12:15]] == ["above", None, "below"], "the same share, another n"
    spans = picture_of(trend, 100).bands
    assert [len(band) for band in spans] == [4]


def test_a_share_of_few_cases_neither_sets_the_limits_nor_is_held_against_them() -> None:
    few = shares([29.0, *[100.0] * 12, 29.0], [0.9, *[0.1] * 12, 0.9])

    trend = trend_of(few, "share", UNTIL, is_share_of_cases=True)

    assert trend and [point.side for point in trend.points] == [None] * 14
    assert [point.is_baseline for point in trend.points] == [False, *[True] * 12, False]
    last = trend.points[-1].limits
    assert last and (last.lower, last.upper) == pytest.approx((0, 0.1 + 3 * (0.09 / 29) ** 0.5))


def test_a_month_without_cases_is_a_gap_in_the_range() -> None:
    trend = trend_of(
        shares([100.0] * 12 + [None, 100.0], [0.1] * 12 + [None, 0.1]), "share", UNTIL, is_share_of_cases=True
    )

    assert trend and [point.limits is None for point in trend.points] == [False] * 12 + [True, False]
    assert [len(band) for band in picture_of(trend).bands] == [1, 1]


def test_eleven_shares_set_no_limits() -> None:
    trend = trend_of(shares([100.0] * 11, [0.1] * 11), "share", UNTIL, is_share_of_cases=True)

    assert trend and trend.method is None
    assert all(point.limits is None and point.side is None and not point.is_baseline for point in trend.points)
