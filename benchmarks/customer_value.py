"""Models of customer value for a company of any size: fitted on one day's histories, and what they say of everybody."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from include import files
from include.customer_value.contract_value import Contracts
from include.customer_value.model_store import ModelStore
from include.customer_value.order_value import OrderHistories
from include.customer_value.predicted_value import ValueSettings, fit_cut, predict_cut

CUSTOMERS = 1_000_000
CUT = 20_000
SETTINGS = ValueSettings(
    annual_rate=0.1,
    min_repeat_buyers=50,
    min_decisions=50,
    correlation_limit=0.2,
    horizon_days=365.0,
    grace_days=30,
)
_SEED = 20260630
_TERMS = (1, 3, 6, 12, 24)


def prepare(home: Path, customers: int) -> None:
    """Simulate three years of orders, and contracts of every second customer; keep them as arrays in `home`."""
    rng = np.random.default_rng(_SEED)
    histories, contracts = _orders(rng, customers), _contracts(rng, customers // 2)
    home.mkdir(parents=True, exist_ok=True)
    for name, table in (("orders", histories), ("contracts", contracts)):
        with files.writing(home / f"{name}.npz") as temporary, temporary.open("wb") as file:
            np.savez(file, **{column: getattr(table, column) for column in table.__dataclass_fields__})


def fit(home: Path) -> Callable[[], object]:
    """The models of the day, fitted anew."""
    histories, contracts = _kept(home)
    folder = home / "models"
    files.remove(folder)
    return lambda: fit_cut(CUT, histories, contracts, SETTINGS, ModelStore(folder))


def score(home: Path) -> Callable[[], object]:
    """What is expected of every customer, by models that were fitted."""
    histories, contracts = _kept(home)
    models = fit_cut(CUT, histories, contracts, SETTINGS, ModelStore(home / "models"))
    return lambda: predict_cut(CUT, histories, contracts, models, SETTINGS)


def _kept(home: Path) -> tuple[OrderHistories, Contracts]:
    with np.load(home / "orders.npz") as orders, np.load(home / "contracts.npz") as contracts:
        return OrderHistories(**orders), Contracts(**contracts)


def _orders(rng: np.random.Generator, customers: int) -> OrderHistories:
    age = rng.integers(0, 1095, customers)
    rate, leaving = rng.gamma(0.8, 1 / 90, customers), rng.beta(0.7, 3.0, customers)
    frequency, last, time = np.zeros(customers, np.int64), np.zeros(customers), np.zeros(customers)
    alive = np.arange(customers)
    while len(alive):
        time[alive] += np.maximum(rng.exponential(1 / rate[alive]), 1)
        alive = alive[time[alive] <= age[alive]]
        frequency[alive] += 1
        last[alive] = time[alive]
        alive = alive[rng.random(len(alive)) > leaving[alive]]
    days = frequency + 1
    total = np.round(rng.gamma(2.5 * days) / rng.gamma(3.5, 1 / 300, customers), 2)
    nothing = np.zeros(customers)
    return OrderHistories(
        customer=np.arange(customers),
        frequency=frequency,
        recency=np.floor(last).astype(np.int64),
        age=age,
        margin_days=days,
        margin_sum=total,
        revenue_days=nothing.astype(np.int64),
        revenue_sum=nothing,
        margin_total=total,
        margin_revenue=total * 3,
        revenue_total=nothing,
    )


def _contracts(rng: np.random.Generator, customers: int) -> Contracts:
    """Chains of contracts over five years, each customer of a term of its own."""
    customer, term = np.arange(customers), rng.choice(_TERMS, customers)
    leaving, begun = rng.beta(1.0, 4.0, customers), CUT - rng.integers(30, 1826, customers)
    links = []
    for decision in range(1, 60):
        ended = begun + term * 365 // 12 - 1
        renews = rng.random(len(customer)) > leaving
        links.append((customer, term, np.full(len(customer), decision), begun, ended, renews))
        go_on = renews & (ended < CUT)
        customer, term, leaving, begun = (part[go_on] for part in (customer, term, leaving, ended + 1))
    customer, term, numbers, begun, ended, renews = (np.concatenate(parts) for parts in zip(*links, strict=True))
    count = len(customer)
    return Contracts(
        customer=customer,
        term=term,
        decision=numbers,
        start=begun,
        begun=begun,
        ended=ended,
        stated_end=ended,
        is_open_ended=np.zeros(count, bool),
        is_fitted=np.ones(count, bool),
        is_end_agreed=np.ones(count, bool),
        is_renewed=renews,
        amount=np.full(count, 100.0),
        margin=np.full(count, 60.0),
    )
