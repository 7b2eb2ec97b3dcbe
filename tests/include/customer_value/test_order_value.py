"""What orders are worth: values, refunds, discounting, intervals, and the mean of the cohort."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from include.customer_value.maximum_likelihood import Fit
from include.customer_value.order_value import (
    OrderHistories,
    discounting,
    order_values,
    order_worth,
    predict_orders,
    predict_orders_by_cohort,
    valued_days,
)

ORDERS = Fit("bg_nbd", ("r", "alpha", "a", "b"), (0.8, 60.0, 0.7, 2.5), ((0.0,) * 4,) * 4, 0.0, 1, True)
VALUES = Fit("gamma_gamma", ("p", "q", "gamma"), (2.0, 3.0, 40.0), ((0.0,) * 3,) * 3, 0.0, 1, True)


def histories(**columns: list[float]) -> OrderHistories:
    count = len(next(iter(columns.values())))
    names = OrderHistories.__dataclass_fields__
    floats = {"margin_sum", "revenue_sum", "margin_total", "margin_revenue", "revenue_total"}
    filled = {name: np.array(columns.get(name, [0] * count), float if name in floats else np.int64) for name in names}
    return OrderHistories(**{**filled, "customer": np.arange(count)})


def test_unknown_costs_have_the_share_of_the_known_ones() -> None:
    # known: 30 and -10 of margin on 50 of revenue each, so 20 %; unknown: 200 of revenue
    found = histories(
        margin_days=[1, 0, 0], margin_sum=[30, 0, 0], margin_total=[30, -10, 0], margin_revenue=[50, 50, 0],
        revenue_days=[0, 0, 2], revenue_sum=[0, 0, 250], revenue_total=[0, 0, 200],
    )  # fmt: skip
    worth = order_worth(found, share_elsewhere=0.9)

    assert (worth.basis, worth.share) == ("margin", 0.2)
    # all days are worth 20 + 40, those above zero 30 + 50
    assert worth.kept == pytest.approx(60 / 80)
    days, total = valued_days(found, worth)
    assert days.tolist() == [1, 0, 2]
    assert total == pytest.approx([30, 0, 50])


def test_without_any_cost_value_is_revenue_or_has_the_share_of_contracts() -> None:
    found = histories(revenue_days=[2], revenue_sum=[100], revenue_total=[100])

    assert order_worth(found, None).basis == "revenue"
    assert order_worth(found, None).share == 1.0
    assert order_worth(found, 0.4).basis == "margin"
    assert valued_days(found, order_worth(found, 0.4))[1].tolist() == [40.0]


def test_a_company_that_loses_with_every_order_expects_nothing() -> None:
    found = histories(margin_days=[1, 0], margin_sum=[5, 0], margin_total=[5, -50], margin_revenue=[50, 50])
    worth = order_worth(found, None)

    assert worth.kept == 0.0
    assert order_values(found, worth, VALUES, np.zeros(2, np.int64))[0].tolist() == [0.0, 0.0]


def test_discounting_by_hand() -> None:
    days, weights = discounting(0.1)

    assert days[[3, 7, 11]] == pytest.approx([365, 730, 1095])
    # one order a quarter: 1.1^-1/8 + 1.1^-3/8 + ...
    quarters = [1.1 ** (-(quarter + 0.5) / 4) for quarter in range(12)]
    steady = np.arange(1, 13)
    assert weights @ steady == pytest.approx([sum(quarters[:4]), sum(quarters[:8]), sum(quarters)])
    assert discounting(0.0)[1] @ steady == pytest.approx([4, 8, 12])


def test_worth_is_orders_times_value() -> None:
    found = histories(frequency=[0, 5], recency=[0, 300], age=[100, 400], margin_days=[1, 6], margin_sum=[30, 600])
    values = order_values(found, order_worth(replace(found, margin_total=found.margin_sum), None), VALUES, found.age)
    prediction = predict_orders(found, ORDERS, values, 0.0, 365.0)

    assert prediction.value == pytest.approx([2 * 70 / 4, 2 * 640 / 14])
    assert prediction.worth[:, 0] == pytest.approx(prediction.orders * prediction.value)
    assert (np.diff(prediction.worth, axis=1) > 0).all()
    assert prediction.p_alive[0] == 1.0
    assert (prediction.spread == 0).all()
    discounted = predict_orders(found, ORDERS, values, 0.1, 365.0)
    assert (discounted.worth < prediction.worth).all()


def test_spread_is_that_of_many_draws_of_the_parameters() -> None:
    found = histories(frequency=[0, 5, 2], recency=[0, 300, 20], age=[100, 400, 400], margin_days=[1, 6, 3],
                      margin_sum=[30, 600, 90], margin_total=[30, 600, 90], margin_revenue=[90, 900, 300])  # fmt: skip
    deviation = np.array([[0.05, 0, 0, 0], [0.03, 0.04, 0, 0], [0, 0, 0.1, 0], [0, 0, 0.08, 0.06]])
    orders = replace(ORDERS, covariance=tuple(map(tuple, (deviation @ deviation.T).tolist())))
    values = replace(VALUES, covariance=tuple(map(tuple, np.diag([0.03, 0.02, 0.04]).__pow__(2).tolist())))
    worth = order_worth(found, None)
    told = predict_orders(found, orders, order_values(found, worth, values, found.age), 0.1, 365.0)

    rng = np.random.default_rng(2)
    drawn = []
    for _ in range(800):
        one = replace(ORDERS, values=tuple(np.exp(ORDERS.logarithms + deviation @ rng.standard_normal(4))))
        other = replace(VALUES, values=tuple(np.exp(VALUES.logarithms + rng.standard_normal(3) * [0.03, 0.02, 0.04])))
        value = order_values(found, worth, other, found.age)
        drawn.append(np.log(predict_orders(found, one, value, 0.1, 365.0).worth))
    assert told.spread == pytest.approx(np.std(drawn, axis=0), rel=0.1)


def test_the_mean_of_the_cohort_by_hand() -> None:
    # cohort 1: 3 repeat days in 600 days, 140 in 5 valued days; cohort 2 began on the day of the cut
    found = histories(frequency=[3, 0, 0], age=[300, 300, 0], margin_days=[4, 1, 1], margin_sum=[120, 20, 60],
                      margin_total=[120, 20, 60], margin_revenue=[300, 50, 150])  # fmt: skip
    cohorts = np.array([1, 1, 2])
    worth = order_worth(found, None)
    prediction = predict_orders_by_cohort(found, cohorts, order_values(found, worth, None, cohorts), 0.0)

    assert prediction.method == "cohort_mean"
    assert prediction.orders == pytest.approx([3 / 600 * 365] * 3)
    assert prediction.value == pytest.approx([28, 28, 60])
    assert prediction.worth[0] == pytest.approx(3 / 600 * 365 * 28 * np.array([1, 2, 3]))
    assert np.isnan(prediction.p_alive).all()
    assert np.isnan(prediction.silence).all()
    # one customer bought again; two days of value
    assert prediction.spread[0, 0] == pytest.approx(np.sqrt(1 / 1 + 1 / 2))
