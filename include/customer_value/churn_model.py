"""A churn model with its own trial: learned on early month-ends, calibrated on later ones, tested on the last closed.

Logistic regression and gradient boosting are both learned; the calibration slice chooses, the test slice only judges. A
model is used only where its Brier score on the test slice beats one rate for everybody, the naive forecast.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

from include.customer_value import model_store
from include.customer_value.churn_windows import Windows
from include.customer_value.digits import rounded
from include.customer_value.feature_list import CustomerKind
from include.customer_value.features import Flags, Floats, Keys
from include.customer_value.forecast_scores import (
    CalibrationBin,
    auc,
    brier,
    brier_gain_interval,
    calibration_bins,
    calibration_error,
    lift_of_top_decile,
)
from include.customer_value.learners import (
    Learner,
    fit_boosted_learner,
    fit_logistic_learner,
    learner_from_json,
)
from include.customer_value.logistic import expit, fit_logistic

# A feature that is known of fewer rows than this share says nothing that lasts.
_KNOWN_SHARE = 0.02


@dataclass(frozen=True)
class Slice:
    """Rows of some month-ends: who, when, what was known then, and what happened. Sorted by month-end and customer."""

    customers: Keys
    cuts: Keys
    values: Floats
    happened: Flags

    @classmethod
    def of(cls, customers: Keys, cuts: Keys, values: Floats, happened: Flags) -> Slice:
        """The rows in their own order: (n,) keys, (n,) days of the cuts as numbers, (n, k) features, (n,) outcomes."""
        order = np.lexsort((customers, cuts))
        return cls(customers[order], cuts[order], values[order], happened[order])

    @property
    def positives(self) -> int:
        """Rows to which it happened."""
        return int(self.happened.sum())


@dataclass(frozen=True)
class Counts:
    """Rows and losses of a slice."""

    rows: int
    positives: int


@dataclass(frozen=True)
class ChurnModel:
    """What is stored of a fit; without a `learner`, for want of something to learn from, only the naive rate holds."""

    version: str
    customer_kind: str
    fit_date: date
    horizon_days: int
    windows: Windows
    training: Counts
    calibration: Counts
    test: Counts
    naive_rate: float | None
    learner: Learner | None = None
    platt_slope: float | None = None
    platt_intercept: float | None = None
    auc: float | None = None
    brier: float | None = None
    naive_brier: float | None = None
    brier_gain_low: float | None = None
    brier_gain_high: float | None = None
    calibration_error: float | None = None
    lift_top_decile: float | None = None
    other_kind_brier: float | None = None
    bins: tuple[CalibrationBin, ...] = ()
    is_used: bool = False
    reason: str | None = None

    def probability(self, values: Floats) -> Floats:
        """Calibrated probability of loss within the horizon, (n,); the naive rate where the model is not used."""
        if self.is_used and self.learner is not None:
            return self.calibrated(self.learner.margin(values))
        return np.full(len(values), np.nan if self.naive_rate is None else self.naive_rate)

    def calibrated(self, margin: Floats) -> Floats:
        """Platt's scaling of log odds (Platt 1999), fitted on the calibration slice."""
        assert self.platt_slope is not None  # noqa: S101 - it comes with a learner
        assert self.platt_intercept is not None  # noqa: S101
        return expit(self.platt_slope * margin + self.platt_intercept)

    def contributions(self, values: Floats) -> Floats:
        """Each feature's part in the calibrated log odds against the usual customer, (n, k); only with a learner."""
        assert self.learner is not None  # noqa: S101 - whoever asks has looked
        assert self.platt_slope is not None  # noqa: S101
        return self.learner.contributions(values) * self.platt_slope

    def as_json(self) -> dict[str, Any]:
        """All of it as plain values; NaN has none in JSON and is null."""
        fields = {**asdict(self), "learner": self.learner.as_json() if self.learner else None}
        fields["windows"] = {name: [str(one) for one in dates] for name, dates in fields["windows"].items()}
        fields["fit_date"] = str(self.fit_date)
        return fields

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> ChurnModel:
        """The model that `as_json` gave."""
        fields = dict(given)
        dates = {name: tuple(map(date.fromisoformat, days)) for name, days in given["windows"].items()}
        fields |= {
            "fit_date": date.fromisoformat(given["fit_date"]),
            "windows": Windows(**dates),
            **{name: Counts(**given[name]) for name in ("training", "calibration", "test")},
            "bins": tuple(CalibrationBin(**one) for one in given["bins"]),
            "learner": learner_from_json(given["learner"]) if given["learner"] else None,
        }
        return cls(**fields)


@dataclass(frozen=True)
class Frame:
    """What is the same for all slices of a fit."""

    customer_kind: CustomerKind
    fit_date: date
    horizon_days: int
    min_positives: int
    windows: Windows
    names: tuple[str, ...]


def lacking(frame: Frame, counts: Sequence[Counts]) -> str | None:
    """Why there is no model, as a code, or null: each slice wants so many losses, and as many who stayed."""
    if not frame.windows.is_whole:
        return "too_few_windows"
    if any(min(one.positives, one.rows - one.positives) < frame.min_positives for one in counts):
        return "too_few_losses"
    return None


def naive_model(frame: Frame, counts: Sequence[Counts], reason: str) -> ChurnModel:
    """No model: the rate over all closed windows, for everybody."""
    rows, positives = sum(one.rows for one in counts), sum(one.positives for one in counts)
    version = _version(frame, [np.array([[one.rows, one.positives] for one in counts])])
    return ChurnModel(**_shared(frame, version, counts), naive_rate=positives / rows if rows else None, reason=reason)


def version_of(frame: Frame, training: Slice, calibration: Slice, test: Slice) -> str:
    """The name of a fit: the same settings and sorted rows give the same model, whenever it is fitted."""
    slices = (training, calibration, test)
    return _version(frame, [part for one in slices for part in (one.customers, one.cuts, one.values, one.happened)])


def fit_churn_model(frame: Frame, training: Slice, calibration: Slice, test: Slice) -> ChurnModel:
    """Learn, calibrate, choose and test; each slice has enough losses (`lacking`)."""
    counts = [Counts(len(one.happened), one.positives) for one in (training, calibration, test)]
    places = [place for place in range(len(frame.names)) if _says_something(training.values[:, place])]
    names = tuple(frame.names[place] for place in places)
    naive = counts[1].positives / counts[1].rows
    version = version_of(frame, training, calibration, test)
    shared = {**_shared(frame, version, counts), "naive_rate": naive}
    if not names:
        return ChurnModel(**shared, reason="no_features")

    fitted = []
    for learn in (fit_logistic_learner, fit_boosted_learner):
        learner = learn(training.values[:, places], training.happened, names)
        margin = learner.margin(calibration.values[:, places])
        slope, intercept = platt(margin, calibration.happened)
        fitted.append((brier(expit(slope * margin + intercept), calibration.happened), learner, slope, intercept))
    # of two alike the plainer one, which comes first
    chosen, other = sorted(fitted, key=lambda one: one[0])
    _, learner, slope, intercept = chosen
    probability = expit(slope * learner.margin(test.values[:, places]) + intercept)
    other_probability = expit(other[2] * other[1].margin(test.values[:, places]) + other[3])
    naive_brier = brier(np.full(len(probability), naive), test.happened)
    own_brier = brier(probability, test.happened)
    _, low, high = brier_gain_interval(probability, naive, test.happened, test.customers)
    bins = calibration_bins(probability, test.happened)
    is_used = own_brier < naive_brier
    return ChurnModel(
        **shared,
        learner=learner,
        platt_slope=slope,
        platt_intercept=intercept,
        auc=auc(probability, test.happened),
        brier=own_brier,
        naive_brier=naive_brier,
        brier_gain_low=low,
        brier_gain_high=high,
        calibration_error=calibration_error(bins),
        lift_top_decile=lift_of_top_decile(probability, test.happened),
        other_kind_brier=brier(other_probability, test.happened),
        bins=tuple(bins),
        is_used=is_used,
        reason="not_better_than_naive" if not is_used else "gain_within_noise" if low <= 0 else None,
    )


def platt(margin: Floats, happened: Flags) -> tuple[float, float]:
    """Slope and intercept of log odds on the margin, on Platt's smoothed targets: a perfect parting has a maximum, too.

    A margin that says nothing, or the contrary of what happened, gets slope 0: the rate for all.
    """
    positives = float(happened.sum())
    negatives = len(happened) - positives
    target = np.where(happened, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    rate = positives / len(happened)
    flat = (0.0, float(np.log(rate / (1 - rate))))
    if np.std(margin) < 1e-9:
        return flat
    centre = float(np.mean(margin))
    fit = fit_logistic((margin - centre)[:, None], target)
    slope = float(fit.coefficients[1])
    if not fit.is_converged or slope <= 0:
        return flat
    return float(rounded(slope)), float(rounded(float(fit.coefficients[0]) - slope * centre))


def _says_something(values: Floats) -> bool:
    known = values[~np.isnan(values)]
    return len(known) >= max(2, _KNOWN_SHARE * len(values)) and bool(np.ptp(known) > 0)


def _shared(frame: Frame, version: str, counts: Sequence[Counts]) -> dict[str, Any]:
    training, calibration, test = counts
    return {
        "version": version,
        "customer_kind": frame.customer_kind,
        "fit_date": frame.fit_date,
        "horizon_days": frame.horizon_days,
        "windows": frame.windows,
        "training": training,
        "calibration": calibration,
        "test": test,
    }


def _version(frame: Frame, counts: Sequence[npt.NDArray[Any]]) -> str:
    settings = {**asdict(frame), "fit_date": str(frame.fit_date)}
    settings["windows"] = {name: [str(day) for day in days] for name, days in settings["windows"].items()}
    return model_store.version_of(f"churn_{frame.customer_kind}", settings, counts)
