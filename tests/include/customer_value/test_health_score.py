"""Health scores worked out by hand, and what satisfaction has to do with staying on figures that are known."""

from __future__ import annotations

import numpy as np
import pytest

from include.customer_value.health import HealthItem, health, item_points
from include.customer_value.logistic import expit
from include.customer_value.satisfaction_link import indicators, last_of_each, odds_ratio, spearman

ITEMS = (
    HealthItem("service", 30, "response_minutes", 2, worst=480, best=0),
    HealthItem("service", 30, "tickets_90d", 1, worst=10, best=0),
    HealthItem("experience", 50, "last_csat", 1, worst=0, best=100),
)
WEIGHTS = {"service": 30.0, "experience": 50.0, "payment": 20.0}


def test_scores_by_hand() -> None:
    columns = {
        "response_minutes": np.array([120.0, 960.0, np.nan, np.nan]),
        "tickets_90d": np.array([1.0, np.nan, 4.0, np.nan]),
        "last_csat": np.array([80.0, np.nan, 50.0, np.nan]),
    }
    found = health(columns, ITEMS, WEIGHTS, coverage_min=0.25)
    # (2·75 + 1·90) / 3 = 80; only the response, beyond the worst: 0; only the tickets: 60
    assert found.components["service"][:3] == pytest.approx([80, 0, 60])
    assert found.components["experience"][[0, 2]] == pytest.approx([80, 50])
    assert np.isnan(found.components["payment"]).all()
    # payment is never known: its 20 of 100 are left out
    assert found.coverage == pytest.approx([0.8, 0.2, 0.6, 0])
    assert found.score[[0, 2]] == pytest.approx([80, (30 * 60 + 50 * 50) / 80])
    assert np.isnan(found.score[[1, 3]]).all()


def test_what_is_lost_adds_up_to_a_full_score() -> None:
    rng = np.random.default_rng(1)
    columns = {item.feature: rng.uniform(0, 20, 500) for item in ITEMS}
    columns["last_csat"][::3] = np.nan
    found = health(columns, ITEMS, WEIGHTS, coverage_min=0)
    assert found.score + found.lost.sum(axis=1) == pytest.approx(np.full(500, 100.0))
    assert ((found.score >= 0) & (found.score <= 100)).all()


def test_points_run_between_worst_and_best() -> None:
    points = item_points(np.array([0.0, 240.0, 480.0, 900.0, np.nan]), ITEMS[0])
    assert points[:4].tolist() == [100, 50, 0, 0]
    assert np.isnan(points[4])


def test_spearman_of_a_published_example() -> None:
    # IQ and hours of television of ten people (en.wikipedia.org): rho = -29/165; repeated, as under 30 there is none
    iq = np.array([106, 86, 100, 101, 99, 103, 97, 113, 112, 110.0])
    hours = np.array([7, 0, 27, 50, 28, 29, 20, 12, 6, 17.0])
    assert spearman(iq, hours).reason == "too_few_customers"
    found = spearman(np.tile(iq, 4), np.tile(hours, 4))
    assert found.value == pytest.approx(-29 / 165)
    error = np.sqrt((1 + (29 / 165) ** 2 / 2) / 37)
    assert found.low == pytest.approx(np.tanh(np.arctanh(-29 / 165) - 1.959963984540054 * error))
    assert spearman(np.tile(iq, 4), np.zeros(40)).reason == "all_alike"


def test_the_interval_of_spearman_holds_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(7)
    rho = 0.4
    truth = 6 / np.pi * np.arcsin(rho / 2)
    hits = 0
    for _ in range(300):
        x = rng.normal(size=80)
        found = spearman(x, rho * x + np.sqrt(1 - rho**2) * rng.normal(size=80))
        hits += found.low <= truth <= found.high  # type: ignore[operator]
    assert 0.92 <= hits / 300 <= 0.98


def test_the_odds_ratio_leaves_out_what_the_tier_does() -> None:
    rng = np.random.default_rng(5)
    tier = rng.random(20000) < 0.4
    score = 50 + 20 * tier + rng.normal(0, 15, 20000)
    # the tier alone decides; satisfied customers are often of that tier
    stayed = (rng.random(20000) < expit(0.2 + 1.5 * tier)).astype(float)
    alone = odds_ratio(score, stayed, np.zeros((20000, 0)), unit=10)
    beside = odds_ratio(score, stayed, tier[:, None].astype(float), unit=10)
    assert alone.low is not None
    assert alone.low > 1.1
    assert beside.low is not None
    assert beside.high is not None
    assert beside.low < 1 < beside.high
    true = (rng.random(20000) < expit(0.2 + 0.03 * (score - 50))).astype(float)
    assert odds_ratio(score, true, tier[:, None].astype(float), unit=10).value == pytest.approx(np.exp(0.3), abs=0.05)


def test_what_cannot_be_estimated_says_why() -> None:
    score, stayed = np.arange(100.0), (np.arange(100) >= 50).astype(float)
    none = np.zeros((100, 0))
    assert odds_ratio(score, stayed, none, 10).reason == "not_converged"
    assert odds_ratio(score[:10], stayed[:10], none[:10], 10).reason == "too_few_customers"
    assert odds_ratio(score, np.ones(100), none, 10).reason == "all_alike"
    assert odds_ratio(score, (np.arange(100) < 4).astype(float), none, 10).reason == "too_few_losses"


def test_each_customer_counts_once_and_rare_codes_together() -> None:
    customers = np.array([3, 1, 3, 1, 2])
    assert last_of_each(customers, np.array([5, 9, 7, 9, 1]), np.array([0, 1, 2, 3, 4])).tolist() == [3, 4, 2]
    codes = ["a", "a", "a", "b", "b", "c", None]
    assert indicators(codes, least=2).tolist() == [[0, 0], [0, 0], [0, 0], [0, 1], [0, 1], [1, 0], [1, 0]]
    assert indicators(["a", "a"], least=1).shape == (2, 0)
    assert indicators([], least=1).shape == (0, 0)
