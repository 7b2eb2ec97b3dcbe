"""The churn model on made-up customers whose true risk is known."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from include.customer_value.churn_model import (
    ChurnModel,
    Counts,
    Frame,
    Slice,
    fit_churn_model,
    lacking,
    naive_model,
    platt,
    version_of,
)
from include.customer_value.churn_windows import Windows
from include.customer_value.explanations import reason_codes, top_reasons
from include.customer_value.features import unskewed
from include.customer_value.forecast_scores import auc
from include.customer_value.learners import fit_boosted_learner, fit_logistic_learner, learner_from_json
from include.customer_value.logistic import expit, fit_logistic

NAMES = ("tickets_90d", "last_csat", "tenure_days", "csat_trend")
WINDOWS = Windows((date(2024, 12, 31),), (date(2025, 4, 30),), (date(2025, 11, 30),))
FRAME = Frame("contract", date(2026, 6, 30), 90, 30, WINDOWS, NAMES)
ROWS = 4000


def customers(seed: int, *, step: float = 0.0) -> tuple[Slice, np.ndarray]:
    """Rows of one month-end, and the true risk of each; `step` makes it jump, which no straight line follows."""
    rng = np.random.default_rng(seed)
    tickets = rng.poisson(2, ROWS).astype(float)
    csat = rng.uniform(0, 100, ROWS)
    values = np.column_stack([tickets, csat, rng.uniform(10, 2000, ROWS), rng.normal(0, 20, ROWS)])
    risk = expit(-2.2 + 0.8 * np.log1p(tickets) - 0.03 * (csat - 50) + step * (np.abs(csat - 50) < 12))
    values[rng.random(ROWS) < 0.3, 1] = np.nan
    happened = rng.random(ROWS) < risk
    return Slice.of(np.arange(ROWS) * 7 + seed, np.full(ROWS, seed), values, happened), risk


@pytest.fixture(scope="module")
def model() -> ChurnModel:
    return fit_churn_model(FRAME, *(customers(seed)[0] for seed in (1, 2, 3)))


def test_it_beats_the_naive_rate_and_is_calibrated(model: ChurnModel) -> None:
    assert model.is_used
    assert model.reason is None
    assert model.auc is not None
    assert model.auc > 0.7
    assert model.brier is not None
    assert model.naive_brier is not None
    assert model.brier < model.naive_brier
    assert model.brier_gain_low is not None
    assert model.brier_gain_low > 0
    assert model.calibration_error is not None
    assert model.calibration_error < 0.03
    assert sum(one.rows for one in model.bins) == ROWS
    fresh, risk = customers(9)
    probability = model.probability(fresh.values)
    # where the score is known the true risk is
    known = ~np.isnan(fresh.values[:, 1])
    assert np.corrcoef(probability[known], risk[known])[0, 1] > 0.95
    assert np.mean(probability) == pytest.approx(np.mean(fresh.happened), abs=0.02)


def test_shuffled_outcomes_teach_nothing() -> None:
    slices = []
    for seed in (1, 2, 3):
        rows, _ = customers(seed)
        slices.append(replace(rows, happened=np.random.default_rng(seed + 50).permutation(rows.happened)))
    model = fit_churn_model(FRAME, *slices)
    assert model.auc == pytest.approx(0.5, abs=0.03)
    assert not (model.is_used and model.reason is None)


def test_a_model_no_better_than_one_rate_is_not_used() -> None:
    training, calibration, test = (customers(seed)[0] for seed in (1, 2, 3))
    # what held no longer holds
    against = replace(test, happened=np.roll(test.happened[np.argsort(np.nan_to_num(test.values[:, 1]))], ROWS // 2))
    model = fit_churn_model(FRAME, training, calibration, against)
    assert not model.is_used
    assert model.reason == "not_better_than_naive"
    assert model.naive_rate == calibration.positives / ROWS
    assert set(model.probability(test.values)) == {model.naive_rate}


def test_neither_the_order_of_rows_nor_a_second_fit_changes_a_bit(model: ChurnModel) -> None:
    slices = []
    for seed in (1, 2, 3):
        rows, _ = customers(seed)
        order = np.random.default_rng(0).permutation(ROWS)
        slices.append(Slice.of(rows.customers[order], rows.cuts[order], rows.values[order], rows.happened[order]))
    assert version_of(FRAME, *slices) == model.version
    assert fit_churn_model(FRAME, *slices).as_json() == model.as_json()
    other = Slice(slices[2].customers, slices[2].cuts, slices[2].values + 1, slices[2].happened)
    assert version_of(FRAME, slices[0], slices[1], other) != model.version


def test_a_stored_model_forecasts_the_same(model: ChurnModel) -> None:
    again = ChurnModel.from_json(json.loads(json.dumps(model.as_json())))
    assert again == model
    values = customers(4)[0].values
    assert np.array_equal(again.probability(values), model.probability(values))
    # and in pieces
    pieces = np.concatenate([model.probability(values[:1001]), model.probability(values[1001:])])
    assert np.array_equal(pieces, model.probability(values))


def test_boosting_is_chosen_where_no_straight_line_fits() -> None:
    model = fit_churn_model(FRAME, *(customers(seed, step=3.0)[0] for seed in (1, 2, 3)))
    assert model.learner is not None
    assert model.learner.kind == "boosting"
    assert model.other_kind_brier is not None
    assert model.brier is not None
    assert model.brier < model.other_kind_brier
    again = learner_from_json(json.loads(json.dumps(model.learner.as_json())))
    assert again == model.learner


def test_stored_trees_say_what_scikit_learn_says() -> None:
    from sklearn.ensemble import HistGradientBoostingClassifier

    rows, _ = customers(1)
    learner = fit_boosted_learner(rows.values, rows.happened, NAMES)
    theirs = HistGradientBoostingClassifier(
        max_iter=60, max_depth=2, learning_rate=0.1, min_samples_leaf=30, l2_regularization=1.0,
        early_stopping=False, random_state=0,
    ).fit(rows.values, rows.happened)  # fmt: skip
    fresh = customers(5)[0].values
    assert expit(learner.margin(fresh)) == pytest.approx(theirs.predict_proba(fresh)[:, 1], abs=1e-9)


def test_stored_coefficients_say_what_scikit_learn_says() -> None:
    from sklearn.linear_model import LogisticRegression

    rows, _ = customers(1)
    learner = fit_logistic_learner(rows.values, rows.happened, NAMES)
    shaped = unskewed(rows.values, NAMES)
    standard = (shaped - np.nanmean(shaped, axis=0)) / np.nanstd(shaped, axis=0)
    theirs = LogisticRegression(max_iter=500, tol=1e-10).fit(np.nan_to_num(standard), rows.happened)
    assert expit(learner.margin(rows.values)) == pytest.approx(
        theirs.predict_proba(np.nan_to_num(standard))[:, 1], abs=1e-6
    )


def test_contributions_of_a_logistic_model_sum_to_its_margin() -> None:
    rows, _ = customers(1)
    learner = fit_logistic_learner(rows.values, rows.happened, NAMES)
    parts = learner.contributions(rows.values)
    assert parts.sum(axis=1) + learner.intercept == pytest.approx(learner.margin(rows.values))
    assert not parts[np.isnan(rows.values[:, 1]), 1].any()


def test_contributions_of_trees_are_what_one_usual_value_would_change() -> None:
    rows, _ = customers(1)
    learner = fit_boosted_learner(rows.values, rows.happened, NAMES)
    parts = learner.contributions(rows.values[:50])
    for place in range(len(NAMES)):
        changed = rows.values[:50].copy()
        changed[:, place] = learner.medians[place]
        assert parts[:, place] == pytest.approx(learner.margin(rows.values[:50]) - learner.margin(changed), abs=1e-9)


def test_reasons_are_the_largest_parts_that_raise_the_risk() -> None:
    parts = np.array([[0.5, -1.0, 0.2, 0.9], [0.0, 0.0, 0.3, -0.1]])
    values = np.array([[5.0, 1.0, np.nan, 1.0], [0, 0, 100.0, 0]])
    usual = np.array([2.0, 50.0, 900.0, 1.0])
    found = top_reasons(parts, values, usual, NAMES)
    assert found.tolist() == [
        ["csat_trend_low", "tickets_90d_high", "tenure_days_unknown"],
        ["tenure_days_low", None, None],
    ]
    assert top_reasons(parts[:, :1], values[:, :1], usual[:1], NAMES[:1]).tolist()[1] == [None, None, None]
    assert len(reason_codes(NAMES)) == 12


def test_few_losses_give_no_model() -> None:
    counts = [Counts(500, 29), Counts(500, 40), Counts(500, 40)]
    assert lacking(FRAME, counts) == "too_few_losses"
    assert lacking(FRAME, [Counts(500, 30), *counts[1:]]) is None
    # too few who stayed are too few as well
    assert lacking(FRAME, [Counts(500, 471), *counts[1:]]) == "too_few_losses"
    assert lacking(replace(FRAME, windows=Windows((), (), WINDOWS.test)), counts) == "too_few_windows"
    model = naive_model(FRAME, counts, "too_few_losses")
    assert model.naive_rate == pytest.approx(109 / 1500)
    assert model.probability(np.zeros((2, 4))).tolist() == [model.naive_rate] * 2
    assert ChurnModel.from_json(json.loads(json.dumps(model.as_json()))) == model


def test_platt_undoes_a_wrong_scale_and_refuses_a_margin_that_points_the_wrong_way() -> None:
    rng = np.random.default_rng(3)
    truth = rng.normal(-1, 1, 20000)
    happened = rng.random(20000) < expit(truth)
    slope, intercept = platt(truth * 3 + 2, happened)
    assert (slope, intercept) == (pytest.approx(1 / 3, abs=0.02), pytest.approx(-2 / 3, abs=0.06))
    assert platt(-truth, happened)[0] == 0
    assert auc(expit(truth), happened) > 0.7


def test_logistic_regression_of_a_published_example() -> None:
    # Hosmer and Lemeshow's two-by-two table: odds ratio (21*51)/(22*6) = 8.11, se of its logarithm 0.529
    exposed = np.array([1.0] * 27 + [0.0] * 73)
    target = np.array([1.0] * 21 + [0.0] * 6 + [1.0] * 22 + [0.0] * 51)
    fit = fit_logistic(exposed[:, None], target)
    assert fit.is_converged
    assert fit.coefficients == pytest.approx([np.log(22 / 51), np.log(21 * 51 / (22 * 6))])
    assert np.sqrt(fit.covariance[1, 1]) == pytest.approx(np.sqrt(1 / 21 + 1 / 6 + 1 / 22 + 1 / 51))
    assert fit.coefficients[1] == pytest.approx(2.094, abs=5e-4)
    assert not fit_logistic(exposed[:, None], exposed).is_converged
