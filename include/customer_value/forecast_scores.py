"""How good forecast probabilities were: AUC, Brier score, calibration by bins, lift; and how sure a gain is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from include.customer_value.features import Flags, Floats, Keys

Z95 = 1.959963984540054


@dataclass(frozen=True)
class CalibrationBin:
    """Customers of like forecasts: the mean forecast beside the share that it happened to."""

    number: int
    predicted: float
    observed: float
    rows: int


def auc(probability: Floats, happened: Flags) -> float:
    """Chance that one to whom it happened has the higher forecast (ties count half); 0.5 tells nothing apart.

    The rank-sum form of Mann and Whitney 1947 over (n,) forecasts; NaN unless both outcomes occur.
    """
    positives = int(happened.sum())
    negatives = len(happened) - positives
    if not positives or not negatives:
        return float("nan")
    ranks = mid_ranks(probability)
    return float((ranks[happened].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def mid_ranks(values: Floats) -> Floats:
    """Ranks from 1, (n,); equal values share the mean of theirs."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[place], dtype=np.float64)


def brier(probability: Floats, happened: Flags) -> float:
    """Mean squared error of the forecasts (Brier 1950), 0 to 1, lower is better."""
    return float(np.mean((probability - happened) ** 2))


def lift_of_top_decile(probability: Floats, happened: Flags) -> float:
    """How many times the overall rate happened among the tenth with the highest forecasts; NaN if nothing happened.

    Where the tenth ends inside equal forecasts, those count by their mean: no order of rows decides.
    """
    rate = float(np.mean(happened))
    if rate == 0:
        return float("nan")
    top = len(probability) / 10
    values, place, counts = np.unique(-probability, return_inverse=True, return_counts=True)
    happenings = np.bincount(place, weights=happened, minlength=len(values))
    before = np.cumsum(counts) - counts
    share = np.clip((top - before) / counts, 0, 1)
    return float(np.sum(share * happenings) / top / rate)


def calibration_bins(probability: Floats, happened: Flags, bins: int = 10) -> list[CalibrationBin]:
    """At most so many bins of about as many rows, lowest forecasts first; equal forecasts are never parted."""
    limits = np.unique(np.quantile(probability, np.linspace(0, 1, bins + 1)[1:-1], method="inverted_cdf"))
    place = np.searchsorted(limits, probability, side="left")
    found: list[CalibrationBin] = []
    for bin_place in np.unique(place):
        inside = place == bin_place
        ordered = np.sort(probability[inside])
        rows = int(inside.sum())
        found.append(CalibrationBin(len(found) + 1, float(np.mean(ordered)), float(np.mean(happened[inside])), rows))
    return found


def calibration_error(bins: list[CalibrationBin]) -> float:
    """Mean distance of forecast and outcome over the rows of all bins (expected calibration error)."""
    rows = sum(one.rows for one in bins)
    return sum(one.rows * abs(one.predicted - one.observed) for one in bins) / rows


def brier_gain_interval(
    probability: Floats, naive: float, happened: Flags, customers: Keys
) -> tuple[float, float, float]:
    """By how much the Brier score is better than that of one rate for all: mean, and its 95 % interval.

    Rows of one customer (several cuts) hang together, so the error is that of sums by customer (Liang and Zeger 1986).
    """
    gains = (naive - happened) ** 2 - (probability - happened) ** 2
    mean = float(np.mean(gains))
    _, place = np.unique(customers, return_inverse=True)
    sums = np.bincount(place, weights=gains - mean)
    groups = len(sums)
    if groups < 2:
        return mean, float("nan"), float("nan")
    error = float(np.sqrt(groups / (groups - 1) * np.sum(sums**2))) / len(gains)
    return mean, mean - Z95 * error, mean + Z95 * error
