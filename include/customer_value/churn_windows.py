"""Which month-ends a churn model learns from, is calibrated on and is tested on: outcomes that were known in time.

A window of `horizon_days` begins at each of them. Windows of one slice do not overlap, so that one loss counts once; a
slice begins only when the last outcome of the one before it is known, so that nothing is learned from the future.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

# So much time the slices for calibration and test hold, and that for training at most.
SLICE_DAYS = 180
TRAINING_DAYS = 720


@dataclass(frozen=True)
class Windows:
    """The month-ends of each slice, earliest first."""

    training: tuple[date, ...]
    calibration: tuple[date, ...]
    test: tuple[date, ...]

    @property
    def is_whole(self) -> bool:
        """Whether there is something to learn from, to calibrate on and to test on."""
        return bool(self.training and self.calibration and self.test)

    @property
    def all(self) -> tuple[date, ...]:
        """All of them, earliest first."""
        return (*self.training, *self.calibration, *self.test)


def windows_before(fit_date: date, ends: Sequence[date], horizon_days: int, grace_days: int) -> Windows:
    """The slices of a model that is fitted at the end of `fit_date`.

    Args:
        fit_date: nothing that became known later is used.
        ends: the month-ends of which there are rows.
        horizon_days: length of the time ahead in which a customer is lost or not.
        grace_days: days after it until the outcome is known.
    """
    horizon, known = timedelta(days=horizon_days), timedelta(days=horizon_days + grace_days)
    short = max(1, SLICE_DAYS // horizon_days)
    test = _backwards(ends, fit_date - known, horizon, short)
    calibration = _backwards(ends, test[0] - known, horizon, short) if test else ()
    training = (
        _backwards(ends, calibration[0] - known, horizon, max(1, TRAINING_DAYS // horizon_days)) if calibration else ()
    )
    return Windows(training, calibration, test)


def fit_dates(ends: Sequence[date], every_months: int) -> list[date]:
    """The month-ends at which models are fitted: those of every so many months of the calendar year."""
    return [end for end in ends if end.month % every_months == 0]


def month_ends(days: Sequence[date]) -> list[date]:
    """Those of the days that are the last of their month, each once, in order."""
    return sorted({day for day in days if (day + timedelta(days=1)).day == 1})


def _backwards(ends: Sequence[date], latest: date, step: timedelta, count: int) -> tuple[date, ...]:
    """At most `count` of the ends, from the last that is not after `latest`, each a step before the next."""
    found: list[date] = []
    limit = latest
    for end in sorted(ends, reverse=True):
        if end <= limit and len(found) < count:
            found.append(end)
            limit = end - step
    return tuple(reversed(found))
