"""The two kinds of churn model: what each learns, its margin (log odds before calibration), and each feature's part.

Both are kept as plain numbers (JSON), so that a model once fitted scores without scikit-learn, and the same everywhere:
sums run feature by feature and tree by tree, and so no order of rows or number of threads changes a bit of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from include.customer_value.digits import rounded
from include.customer_value.features import Flags, Floats, unskewed

SEED = 20260630
_TREES = 60
_DEPTH = 2
_LEARNING_RATE = 0.1
_ROWS_IN_A_LEAF = 30
_RIDGE = 1.0


@dataclass(frozen=True)
class LogisticLearner:
    """Logistic regression on standardised features; an unknown value counts as the mean."""

    names: tuple[str, ...]
    means: tuple[float, ...]
    scales: tuple[float, ...]
    coefficients: tuple[float, ...]
    intercept: float
    medians: tuple[float, ...]
    kind: str = "logistic"

    def margin(self, values: Floats) -> Floats:
        """Intercept plus the parts, summed feature by feature."""
        total = np.full(len(values), self.intercept)
        for part in self.contributions(values).T:
            total = total + part
        return total

    def contributions(self, values: Floats) -> Floats:
        """Coefficient times the standardised distance from the mean."""
        standard = (unskewed(values, self.names) - np.array(self.means)) / np.array(self.scales)
        return np.where(np.isnan(standard), 0.0, standard) * np.array(self.coefficients)

    def usual(self) -> Floats:
        """The medians of the training rows."""
        return np.array(self.medians)

    def as_json(self) -> dict[str, Any]:
        """Its fields."""
        return asdict(self)


@dataclass(frozen=True)
class Tree:
    """A regression tree, node by node; node 0 is the root and a leaf has left = right = 0."""

    feature: tuple[int, ...]
    threshold: tuple[float, ...]
    is_missing_left: tuple[bool, ...]
    left: tuple[int, ...]
    right: tuple[int, ...]
    value: tuple[float, ...]

    def used(self) -> list[int]:
        """The features that it asks for."""
        return sorted({f for f, left in zip(self.feature, self.left, strict=True) if left})

    def of(self, columns: Sequence[Any], node: int = 0) -> Any:
        """Its value for rows given as columns, each an array (n,) or one number for all rows."""
        if not self.left[node]:
            return self.value[node]
        column = columns[self.feature[node]]
        threshold = self.threshold[node]
        # of a comparison with NaN nothing is true
        goes_left = ~(column > threshold) if self.is_missing_left[node] else column <= threshold
        return np.where(goes_left, self.of(columns, self.left[node]), self.of(columns, self.right[node]))


@dataclass(frozen=True)
class BoostedLearner:
    """Gradient boosted shallow trees; unknown values go the way that the training rows favoured."""

    names: tuple[str, ...]
    baseline: float
    trees: tuple[Tree, ...]
    medians: tuple[float, ...]
    kind: str = "boosting"

    def margin(self, values: Floats) -> Floats:
        """Baseline plus the trees, one after the other."""
        columns = list(values.T)
        total = np.full(len(values), self.baseline)
        for tree in self.trees:
            total = total + tree.of(columns)
        return total

    def contributions(self, values: Floats) -> Floats:
        """By how much the margin would fall if this feature alone had its usual value, tree by tree."""
        columns = list(values.T)
        parts = np.zeros_like(values)
        for tree in self.trees:
            own = tree.of(columns)
            for place in tree.used():
                replaced = [np.float64(self.medians[place]) if n == place else one for n, one in enumerate(columns)]
                parts[:, place] += own - tree.of(replaced)
        return parts

    def usual(self) -> Floats:
        """The medians of the training rows."""
        return np.array(self.medians)

    def as_json(self) -> dict[str, Any]:
        """Its fields, trees as plain lists."""
        return asdict(self)


# A fitted model over features (n, k) in the order of its names; NaN is unknown.
Learner = LogisticLearner | BoostedLearner


def learner_from_json(given: dict[str, Any]) -> Learner:
    """The learner that `as_json` gave."""
    fields: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}
    if given["kind"] == "logistic":
        return LogisticLearner(**fields)
    trees = tuple(Tree(**{name: tuple(value) for name, value in tree.items()}) for tree in given["trees"])
    fields["trees"] = trees
    return BoostedLearner(**fields)


def fit_logistic_learner(values: Floats, happened: Flags, names: tuple[str, ...]) -> LogisticLearner:
    """L2-penalised logistic regression (scikit-learn); rows weigh alike, outcomes are never rebalanced.

    Args:
        values: (n, k) with NaN for unknown; every column has two known values or more.
        happened: (n,).
        names: the k features.
    """
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - seconds, and most nights fit nothing
    from threadpoolctl import threadpool_limits  # noqa: PLC0415

    shaped = unskewed(values, names)
    means, scales = np.nanmean(shaped, axis=0), np.nanstd(shaped, axis=0)
    means, scales = rounded(means), np.where(scales > 0, rounded(scales), 1.0)
    standard = (shaped - means) / scales
    # one thread: partial sums of several depend on how many there are
    with threadpool_limits(1):
        model = LogisticRegression(C=1 / _RIDGE, max_iter=500, tol=1e-10)
        model.fit(np.where(np.isnan(standard), 0.0, standard), happened)
    return LogisticLearner(
        names=names,
        means=tuple(means.tolist()),
        scales=tuple(scales.tolist()),
        coefficients=tuple(rounded(model.coef_[0]).tolist()),
        intercept=float(rounded(model.intercept_)[0]),
        medians=tuple(rounded(np.nanmedian(values, axis=0)).tolist()),
    )


def fit_boosted_learner(values: Floats, happened: Flags, names: tuple[str, ...]) -> BoostedLearner:
    """Histogram gradient boosting (scikit-learn), trees of depth two; arguments as of `fit_logistic_learner`."""
    from sklearn.ensemble import HistGradientBoostingClassifier  # noqa: PLC0415 - seconds, most nights fit nothing
    from threadpoolctl import threadpool_limits  # noqa: PLC0415

    with threadpool_limits(1):
        model = HistGradientBoostingClassifier(
            max_iter=_TREES,
            max_depth=_DEPTH,
            learning_rate=_LEARNING_RATE,
            min_samples_leaf=_ROWS_IN_A_LEAF,
            l2_regularization=_RIDGE,
            early_stopping=False,
            random_state=SEED,
        )
        model.fit(values, happened)
    return BoostedLearner(
        names=names,
        baseline=float(rounded(np.ravel(model._baseline_prediction))[0]),
        trees=tuple(_tree(stage[0].nodes) for stage in model._predictors),
        medians=tuple(rounded(np.nanmedian(values, axis=0)).tolist()),
    )


def _tree(nodes: Any) -> Tree:
    """A tree from scikit-learn's own array of nodes; a test holds what it says against `predict_proba`."""
    leaf = nodes["is_leaf"].astype(bool)
    return Tree(
        feature=tuple(nodes["feature_idx"].tolist()),
        threshold=tuple(nodes["num_threshold"].tolist()),
        is_missing_left=tuple(nodes["missing_go_to_left"].astype(bool).tolist()),
        left=tuple(np.where(leaf, 0, nodes["left"]).tolist()),
        right=tuple(np.where(leaf, 0, nodes["right"]).tolist()),
        value=tuple(rounded(nodes["value"]).tolist()),
    )
