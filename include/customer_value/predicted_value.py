"""Models of one cut (a month-end or the as-of date), and what they predict for its customers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from include.customer_value.back_test import BackTest
from include.customer_value.bg_nbd import fit_bg_nbd, grouped
from include.customer_value.contract_value import (
    ALL_TERMS,
    ContractPrediction,
    Contracts,
    contract_share,
    decisions_by_term,
    predict_contracts,
)
from include.customer_value.digits import rounded
from include.customer_value.gamma_gamma import correlation, fit_gamma_gamma, grouped_values
from include.customer_value.maximum_likelihood import Fit, Floats
from include.customer_value.model_store import ModelStore, version_of
from include.customer_value.order_value import (
    YEARS,
    OrderHistories,
    OrderPrediction,
    Worth,
    Z,
    order_values,
    order_worth,
    predict_orders,
    predict_orders_by_cohort,
    valued_days,
)
from include.customer_value.sbg import Decisions, fit_sbg

Ints = npt.NDArray[np.int64]
# A renewal rate of 0 or 1 has no sBG, and one of two or three losses no error to speak of.
FEWEST_OUTCOMES = 5


@dataclass(frozen=True)
class ValueSettings:
    """Settings of the predictions (vars of the dbt project).

    Attributes:
        annual_rate: of discounting, .1 is 10 % a year.
        min_repeat_buyers: fewest customers with two order days for a model.
        min_decisions: fewest renewal decisions for a model.
        correlation_limit: of frequency and value, from which on a warning is given.
        horizon_days: of the probability of churn.
        grace_days: after a contract's last day within which it may be renewed.
    """

    annual_rate: float
    min_repeat_buyers: int
    min_decisions: int
    correlation_limit: float
    horizon_days: float
    grace_days: int


@dataclass(frozen=True)
class OrderModels:
    """What was fitted on the orders of a cut; no fit where there was too little.

    `correlation` is that of frequency and value among `repeat_buyers`.
    """

    version: str
    customers: int
    repeat_buyers: int
    orders: Fit | None = None
    values: Fit | None = None
    correlation: float | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class RenewalModels:
    """What was fitted on the renewals of a cut, by term, with `ALL_TERMS` for terms of too few decisions."""

    version: str
    decisions: dict[int, Decisions]
    fits: dict[int, Fit] = field(default_factory=dict)


@dataclass(frozen=True)
class CutModels:
    """All models of a cut. `version` names them together."""

    version: str
    worth: Worth
    orders: OrderModels
    renewals: RenewalModels
    back_test: BackTest | None = None


def fit_cut(
    cut: int, histories: OrderHistories, contracts: Contracts, settings: ValueSettings, store: ModelStore
) -> CutModels:
    """Fit the models of a cut, or read them from the store if they were fitted on the same counts before.

    Args:
        cut: days since 1970-01-01.
        histories: of the customers with an order by the cut, in any order.
        contracts: all contracts; later ones are not looked at.
    """
    worth = order_worth(histories, contract_share(contracts, cut))
    orders = _order_models(histories, worth, settings, store)
    renewals = _renewal_models(decisions_by_term(contracts, cut, settings.grace_days), settings, store)
    together = version_of(
        "customer_value",
        {"annual_rate": settings.annual_rate, "horizon_days": settings.horizon_days},
        [np.array([int(one.version, 16) >> 1 for one in (orders, renewals)])],
    )
    return CutModels(together, worth, orders, renewals)


def _order_models(histories: OrderHistories, worth: Worth, settings: ValueSettings, store: ModelStore) -> OrderModels:
    groups = grouped(histories.frequency, histories.recency, histories.age)
    days, total = valued_days(histories, worth)
    repeat = (histories.frequency > 0) & (days > 1) & (total > 0)
    values = grouped_values(days[repeat], total[repeat])
    repeat_buyers = int((histories.frequency > 0).sum())
    version = version_of(
        "orders",
        {"min_repeat_buyers": settings.min_repeat_buyers},
        [groups.frequency, groups.recency, groups.age, groups.count, values.days, values.total, values.count],
    )
    counted: dict[str, Any] = {"version": version, "customers": len(histories), "repeat_buyers": repeat_buyers}
    if repeat_buyers < settings.min_repeat_buyers:
        return OrderModels(**counted, warnings=("few_repeat_buyers",) if len(histories) else ())
    found = store.read(version)
    if found is None:
        order_fit = fit_bg_nbd(groups)
        is_enough = int(repeat.sum()) >= settings.min_repeat_buyers
        value_fit = fit_gamma_gamma(values) if is_enough else None
        related = correlation(days[repeat], total[repeat] / days[repeat]) if is_enough else float("nan")
        found = {
            "orders": order_fit.as_json(),
            "values": value_fit.as_json() if value_fit else None,
            "correlation": float(rounded(related, 6)) if np.isfinite(related) else None,
        }
        store.write(version, found)
    warnings = []
    if found["values"] is None:
        warnings.append("few_values")
    if found["correlation"] is not None and abs(found["correlation"]) > settings.correlation_limit:
        warnings.append("value_depends_on_frequency")
    return OrderModels(
        **counted,
        orders=Fit.from_json(found["orders"]),
        values=Fit.from_json(found["values"]) if found["values"] else None,
        correlation=found["correlation"],
        warnings=tuple(warnings),
    )


def _renewal_models(decisions: dict[int, Decisions], settings: ValueSettings, store: ModelStore) -> RenewalModels:
    counts = [np.concatenate([[term], one.renewed, one.lost]) for term, one in sorted(decisions.items())]
    version = version_of("renewals", {"min_decisions": settings.min_decisions}, counts)
    enough = {term: one for term, one in decisions.items() if _is_enough(one, settings.min_decisions)}
    if set(enough) >= set(decisions) - {ALL_TERMS}:
        enough.pop(ALL_TERMS, None)  # every term has its own
    if not enough:
        return RenewalModels(version, decisions)
    found = store.read(version)
    if found is None:
        found = {str(term): fit_sbg(one).as_json() for term, one in sorted(enough.items())}
        store.write(version, found)
    return RenewalModels(version, decisions, {int(term): Fit.from_json(fit) for term, fit in found.items()})


def _is_enough(decisions: Decisions, least: int) -> bool:
    lost, renewed = int(decisions.lost.sum()), int(decisions.renewed.sum())
    return decisions.cases >= least and min(lost, renewed) >= FEWEST_OUTCOMES


@dataclass(frozen=True)
class Prediction:
    """One entry per customer with an order, or a contract in force; nan (an empty text) where there is nothing to say.

    Attributes:
        customer: key, ascending.
        order_method: bg_nbd, cohort_mean or empty. contract_method: sbg, sbg_all_terms, certain or empty.
        p_alive, orders, order_value: of the orders.
        worth, low, high: customers × (12, 24, 36 months): value expected and the bounds of its interval; nan for
            who has no order, and contracts of unknown amounts alone.
        churn: probability of it within the horizon.
    """

    customer: Ints
    order_method: npt.NDArray[np.str_]
    contract_method: npt.NDArray[np.str_]
    p_alive: Floats
    orders: Floats
    order_value: Floats
    worth: Floats
    low: Floats
    high: Floats
    churn: Floats


def predict_cut(
    cut: int, histories: OrderHistories, contracts: Contracts, models: CutModels, settings: ValueSettings
) -> Prediction:
    """What the models of a cut expect of its customers."""
    by_orders = _predict_orders(cut, histories, models, settings)
    share = contract_share(contracts, cut)
    by_contract = predict_contracts(
        contracts,
        cut,
        models.renewals.fits,
        models.worth.share if share is None else share,
        settings.annual_rate,
        settings.horizon_days,
    )
    return _together(histories.customer, by_orders, by_contract)


def _predict_orders(cut: int, histories: OrderHistories, models: CutModels, settings: ValueSettings) -> OrderPrediction:
    first_days = (cut - histories.age).astype("datetime64[D]")
    cohorts = first_days.astype("datetime64[Y]").astype(np.int64)
    value = order_values(histories, models.worth, models.orders.values, cohorts)
    if models.orders.orders is None:
        return predict_orders_by_cohort(histories, cohorts, value, settings.annual_rate)
    return predict_orders(histories, models.orders.orders, value, settings.annual_rate, settings.horizon_days)


def _together(buyers: Ints, by_orders: OrderPrediction, by_contract: ContractPrediction) -> Prediction:
    """Orders and contracts of a customer are worth their sum; their errors are independent of each other.

    The interval lies around what is not agreed yet, on its logarithm, so that no bound is below what is agreed.
    """
    customers = np.union1d(buyers, by_contract.customer)
    at_order = np.searchsorted(customers, buyers)
    at_contract = np.searchsorted(customers, by_contract.customer)

    def spread_out(place: Ints, values: Any, empty: Any) -> Any:
        filled = np.full((len(customers), *values.shape[1:]), empty, dtype=values.dtype)
        filled[place] = values
        return filled

    ordered = spread_out(at_order, by_orders.worth, 0.0)
    certain, likely, contract_error = (
        spread_out(at_contract, part, 0.0) for part in (by_contract.certain, by_contract.likely, by_contract.spread)
    )
    is_valued = spread_out(at_contract, by_contract.is_valued, False)
    is_valued[at_order] = True
    uncertain = np.where(is_valued[:, None], ordered + likely, np.nan)
    error = np.hypot(ordered * spread_out(at_order, by_orders.spread, 0.0), contract_error)
    reach = np.exp(Z * error / np.where(uncertain > 0, uncertain, 1.0))
    has_contract = np.zeros(len(customers), bool)
    has_contract[at_contract] = True
    methods = np.full(len(customers), "", dtype="U11")
    methods[at_order] = by_orders.method
    return Prediction(
        customer=customers,
        order_method=methods,
        contract_method=spread_out(at_contract, by_contract.method.astype("U13"), ""),
        p_alive=spread_out(at_order, by_orders.p_alive, np.nan),
        orders=spread_out(at_order, by_orders.orders, np.nan),
        order_value=spread_out(at_order, by_orders.value, np.nan),
        worth=certain + uncertain,
        low=certain + uncertain / reach,
        high=certain + uncertain * reach,
        churn=np.where(
            has_contract,
            spread_out(at_contract, by_contract.lapse, np.nan),
            spread_out(at_order, by_orders.silence, np.nan),
        ),
    )


MONTHS = tuple(12 * year for year in YEARS)
