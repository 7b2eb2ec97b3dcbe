"""Models of a cut and what they predict: kept versions, any order of rows, what adds up."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from include.customer_value import predicted_value
from include.customer_value.contract_value import ALL_TERMS, Contracts
from include.customer_value.model_store import ModelStore
from include.customer_value.order_value import OrderHistories
from include.customer_value.predicted_value import Prediction, ValueSettings, fit_cut, predict_cut
from tests.support.simulated_customers import simulated_orders, simulated_values

CUT = 20_000
SETTINGS = ValueSettings(0.1, 50, 50, 0.2, 365.0, 30)


def orders(count: int = 2000, seed: int = 3) -> OrderHistories:
    x, last, age = simulated_orders(seed, count, 0.8, 60.0, 0.7, 2.5, 900)
    total = np.round(simulated_values(seed, x + 1, 2.5, 3.5, 300.0), 2)
    nothing = np.zeros(count)
    return OrderHistories(
        np.arange(10, 10 + count),
        x,
        last,
        age,
        x + 1,
        total,
        np.zeros(count, np.int64),
        nothing,
        total,
        total * 3,
        nothing,
    )


def contracts(count: int = 400, seed: int = 5) -> Contracts:
    """Chains of yearly contracts, of which the last one is lost or runs."""
    rng = np.random.default_rng(seed)
    rows = []
    for customer in range(count):
        leaving, begin = rng.beta(1.0, 4.0), CUT - int(rng.integers(200, 2000))
        for decision in range(1, 12):
            renews = bool(rng.random() > leaving)
            ended = begin + 364
            rows.append((customer, 12, decision, begin, begin, ended, ended, False, True, True, renews, 100.0, 60.0))
            begin = ended + 1
            if not renews or begin > CUT:
                break
    columns = [np.array(column) for column in zip(*rows, strict=True)]
    return Contracts(*columns)


def shuffled(table: OrderHistories | Contracts) -> OrderHistories | Contracts:
    order = np.random.default_rng(9).permutation(len(table))
    return type(table)(*(getattr(table, name)[order] for name in table.__dataclass_fields__))


def predicted(folder: Path, histories: OrderHistories, agreed: Contracts) -> Prediction:
    models = fit_cut(CUT, histories, agreed, SETTINGS, ModelStore(folder))
    return predict_cut(CUT, histories, agreed, models, SETTINGS)


def test_order_of_rows_changes_nothing(tmp_path: Path) -> None:
    histories, agreed = orders(), contracts()
    one = predicted(tmp_path / "one", histories, agreed)
    other = predicted(tmp_path / "other", shuffled(histories), shuffled(agreed))

    for name in Prediction.__dataclass_fields__:
        left, right = getattr(one, name), getattr(other, name)
        if left.dtype.kind == "f":
            np.testing.assert_allclose(left, right, rtol=1e-12, err_msg=name)
        else:
            assert left.tolist() == right.tolist(), name


def test_a_kept_version_is_not_fitted_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    histories, agreed = orders(), contracts()
    first = fit_cut(CUT, histories, agreed, SETTINGS, ModelStore(tmp_path))
    assert len(list(tmp_path.glob("*.json"))) == 2
    monkeypatch.setattr(predicted_value, "fit_bg_nbd", None)
    monkeypatch.setattr(predicted_value, "fit_gamma_gamma", None)
    monkeypatch.setattr(predicted_value, "fit_sbg", None)

    again = fit_cut(CUT, shuffled(histories), shuffled(agreed), SETTINGS, ModelStore(tmp_path))

    assert again.version == first.version
    assert again.orders == first.orders
    assert again.renewals.fits == first.renewals.fits


def test_other_data_or_settings_are_another_version(tmp_path: Path) -> None:
    histories, agreed = orders(), contracts()
    store = ModelStore(tmp_path)
    first = fit_cut(CUT, histories, agreed, SETTINGS, store)
    one_more = replace(histories, frequency=histories.frequency + (np.arange(2000) == 0))
    later = replace(agreed, ended=agreed.ended - 400)

    versions = {
        first.version,
        fit_cut(CUT, one_more, agreed, SETTINGS, store).version,
        fit_cut(CUT, histories, later, SETTINGS, store).version,
        fit_cut(CUT, histories, agreed, replace(SETTINGS, min_repeat_buyers=51), store).version,
        fit_cut(CUT, histories, agreed, replace(SETTINGS, annual_rate=0.2), store).version,
    }
    assert len(versions) == 5
    # what is decided later is no part of the cut
    unknown = replace(agreed, is_renewed=np.where(agreed.ended > CUT - 30, ~agreed.is_renewed, agreed.is_renewed))
    assert fit_cut(CUT, histories, unknown, SETTINGS, store).version == first.version


def test_a_damaged_version_is_fitted_again(tmp_path: Path) -> None:
    histories, agreed = orders(), contracts()
    first = fit_cut(CUT, histories, agreed, SETTINGS, ModelStore(tmp_path))
    for path in tmp_path.glob("*.json"):
        path.write_bytes(path.read_bytes()[:-20])

    assert fit_cut(CUT, histories, agreed, SETTINGS, ModelStore(tmp_path)) is not None
    assert fit_cut(CUT, histories, agreed, SETTINGS, ModelStore(tmp_path)).orders == first.orders


def test_longer_is_worth_more_and_lies_in_its_interval(tmp_path: Path) -> None:
    found = predicted(tmp_path, orders(), contracts())

    assert (np.diff(found.worth, axis=1) >= 0).all()
    assert (found.low <= found.worth).all()
    assert (found.worth <= found.high).all()
    assert (found.low[:, 0] < found.high[:, 0]).any()
    told = np.isfinite(found.churn)
    assert told.all()
    assert ((found.churn >= 0) & (found.churn <= 1)).all()
    assert set(found.order_method) == {"bg_nbd", ""}
    assert set(found.contract_method) == {"sbg", ""}


def test_orders_and_contracts_of_a_customer_add_up(tmp_path: Path) -> None:
    histories, agreed = orders(), contracts()
    both = predicted(tmp_path, histories, agreed)
    customer = int(np.intersect1d(histories.customer, agreed.customer[agreed.ended >= CUT])[0])
    nobody = replace(agreed, start=agreed.start + 10**6)
    models = fit_cut(CUT, histories, agreed, SETTINGS, ModelStore(tmp_path))
    alone = [
        predict_cut(CUT, histories, nobody, models, SETTINGS),
        predict_cut(CUT, _none(histories), agreed, models, SETTINGS),
    ]

    def worth(found: Prediction) -> np.ndarray:
        return found.worth[found.customer == customer][0]

    assert worth(both) == pytest.approx(sum(worth(one) for one in alone))
    # with a contract in force, churn is that of the contract
    assert both.churn[both.customer == customer] == alone[1].churn[alone[1].customer == customer]


def _none(histories: OrderHistories) -> OrderHistories:
    return OrderHistories(*(getattr(histories, name)[:0] for name in histories.__dataclass_fields__))


def test_too_few_repeat_buyers_have_the_mean_of_the_cohort_and_it_is_said(tmp_path: Path) -> None:
    histories = orders(60)
    models = fit_cut(CUT, histories, contracts(10), SETTINGS, ModelStore(tmp_path))
    found = predict_cut(CUT, histories, contracts(10), models, SETTINGS)

    assert (histories.frequency > 0).sum() < 50
    assert models.orders.orders is None
    assert models.orders.warnings == ("few_repeat_buyers",)
    assert models.renewals.fits == {}
    assert set(found.order_method) == {"cohort_mean", ""}
    assert set(found.contract_method) == {"certain", ""}
    assert list(tmp_path.glob("*.json")) == []
    assert (np.diff(found.worth, axis=1) >= 0).all()


def test_terms_with_few_decisions_share_one_model(tmp_path: Path) -> None:
    agreed = contracts()
    rare = replace(agreed, term=np.where(agreed.customer % 40 == 0, 6, 12))
    models = fit_cut(CUT, _none(orders(10)), rare, SETTINGS, ModelStore(tmp_path))

    assert set(models.renewals.fits) == {ALL_TERMS, 12}
    # where each term has enough, none is shared
    usual = fit_cut(CUT, _none(orders(10)), agreed, SETTINGS, ModelStore(tmp_path))
    assert set(usual.renewals.fits) == {12}


def test_values_that_depend_on_frequency_are_warned_of(tmp_path: Path) -> None:
    histories = orders()
    dearer = histories.margin_sum * (1 + histories.frequency)
    related = replace(histories, margin_sum=dearer, margin_total=dearer)

    assert fit_cut(CUT, histories, contracts(), SETTINGS, ModelStore(tmp_path)).orders.warnings == ()
    assert fit_cut(CUT, related, contracts(), SETTINGS, ModelStore(tmp_path)).orders.warnings == (
        "value_depends_on_frequency",
    )
