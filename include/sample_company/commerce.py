"""Products, contracts over sixty months and orders over twenty-four."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from include.sample_company import assumptions as a
from include.sample_company.customers import Customers, Flags
from include.sample_company.nights import (
    CUTS,
    DAY,
    HISTORY_DAY,
    LAST_DAY,
    NEVER,
    TICKETS_FROM,
    Ints,
    local_day,
    local_midnight,
)

PRODUCTS = len(a.PRODUCT_LINES) * a.MODELS_PER_LINE
CNY, USD = range(2)
ORDER_CHANNELS = ("marketplace", "web", "store", "direct_sales")
# Contracts that would end about one grace period before the nights are always renewed: whether such an
# end is decided must not hang on the night or on how a day is counted.
UNDECIDED_EDGE = (LAST_DAY - 36, LAST_DAY - 27)
TEN_YUAN = 1_000


@dataclass(frozen=True)
class Contracts:
    """One entry per contract; days since 1970-01-01, amounts in hundredths a month."""

    customer: Ints
    start_day: Ints
    end_day: Ints  # last day
    billing_months: Ints
    amount: Ints
    cost: Ints
    currency: Ints
    product: Ints
    renews: Ints  # index of the contract that it renews, -1: none
    end_reason: Ints  # why it was not renewed, -1: it was, or has not ended
    is_voluntary: Flags
    signed_at: Ints
    end_noted_at: Ints  # when the CRM learnt of the end reason
    notice_at: Ints  # when the customer gave notice for an earlier end, NEVER: not
    notice_end_day: Ints

    def __len__(self) -> int:
        return len(self.customer)


@dataclass(frozen=True)
class Orders:
    """One entry per order; amounts in hundredths."""

    customer: Ints
    product: Ints
    ordered_at: Ints
    amount: Ints
    cost: Ints
    refund: Ints
    refunded_at: Ints
    voided_at: Ints
    promised_day: Ints
    delivered_at: Ints
    is_correct: Flags
    currency: Ints
    channel: Ints

    def __len__(self) -> int:
        return len(self.customer)


def month_start(days: Ints) -> Ints:
    """First day of the month of each day."""
    return days.astype("datetime64[D]").astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)


def add_months(days: Ints, months: Ints | int) -> Ints:
    """The same day of a later month; the day of the month must be at most 28."""
    first = days.astype("datetime64[D]").astype("datetime64[M]")
    return (first + months).astype("datetime64[D]").astype(np.int64) + (days - month_start(days))


def _early_in_month(days: Ints) -> Ints:
    return month_start(days) + np.minimum(days - month_start(days), 27)


def simulate_contracts(rng: np.random.Generator, scale: float, customers: Customers) -> Contracts:
    """Chains of contracts: renewal, late renewal, churn, reactivation, and add-ons beside them."""
    able = ~customers.is_prospect & ~customers.is_new & (customers.survivor == np.arange(len(customers)))
    customer = np.flatnonzero(able & (rng.random(len(customers)) < a.CONTRACT_SHARE))
    first_day = HISTORY_DAY - round(30.4 * a.CONTRACT_MONTHS)
    start = _early_in_month(rng.integers(first_day, HISTORY_DAY - 40, len(customer)))
    usual = np.choose(customers.tier[customer], [60_000, 30_000, 8_000]) * rng.lognormal(0, 0.5, len(customer))
    amount = np.maximum(np.round(usual / TEN_YUAN).astype(np.int64), 1) * TEN_YUAN
    currency = (rng.random(len(customer)) < a.FOREIGN_CURRENCY_SHARE).astype(np.int64)
    renews = np.full(len(customer), -1)

    rounds: list[dict[str, Any]] = []
    made = 0
    while len(customer):
        link = _chain_link(rng, customers, customer, start, amount, currency, renews)
        follows, next_start = link.pop("follows"), link.pop("next_start")
        index = made + np.arange(len(customer))
        rounds.append(link)
        made += len(customer)
        go_on = next_start <= LAST_DAY
        customer, start, currency = customer[go_on], next_start[go_on], currency[go_on]
        renews = np.where(follows, index, -1)[go_on]
        amount = _next_amount(rng, link["amount"][go_on])
    rounds.append(_add_ons(rng, customers, rounds[0]))
    stacked = {name: np.concatenate([part[name] for part in rounds]) for name in rounds[0]}
    return _with_notices(rng, scale, stacked)


def _chain_link(
    rng: np.random.Generator,
    customers: Customers,
    customer: Ints,
    start: Ints,
    amount: Ints,
    currency: Ints,
    renews: Ints,
) -> dict[str, Any]:
    """One contract per customer, what follows it, and when."""
    count = len(customer)
    months = rng.choice(a.TERM_MONTHS, count, p=a.TERM_SHARES)
    end = add_months(start, months) - 1
    odds = a.RENEWAL_LOGIT - a.DISSATISFACTION_RAISES_CHURN * customers.dissatisfaction[customer]
    edge = (end >= UNDECIDED_EDGE[0]) & (end <= UNDECIDED_EDGE[1])
    follows = (rng.random(count) < 1 / (1 + np.exp(-odds))) | edge
    late = (rng.random(count) < a.GRACE_RENEWAL_SHARE) & ~edge
    next_start = end + 1 + late * rng.integers(*a.GRACE_GAP_DAYS, count)
    returns = rng.random(count) < a.REACTIVATION_SHARE
    back = end + 1 + rng.integers(*a.REACTIVATION_GAP_DAYS, count)
    next_start = np.where(follows, next_start, np.where(returns, back, LAST_DAY + 999))
    # A day of the month over 28 has no like in every month; such a start moves back, still after the end.
    next_start = _early_in_month(next_start)
    reason = rng.choice(len(a.END_REASONS), count, p=[0.25, 0.3, 0.2, 0.1, 0.15])
    return {
        "customer": customer,
        "start_day": start,
        "end_day": end,
        "billing_months": np.where(months % 12 == 0, rng.choice([12, 3, 1], count, p=[0.5, 0.3, 0.2]), 1),
        "amount": amount,
        "cost": np.round(amount * rng.uniform(0.45, 0.7, count)).astype(np.int64),
        "currency": currency,
        "product": customers.product[customer],
        "renews": renews,
        "end_reason": np.where(follows, -1, reason),
        "is_voluntary": reason < 3,
        "follows": follows,
        "next_start": next_start,
    }


def _next_amount(rng: np.random.Generator, amount: Ints) -> Ints:
    draw = rng.random(len(amount))
    expansion = rng.uniform(1.1, 1.4, len(amount))
    contraction = rng.uniform(0.6, 0.9, len(amount))
    factor = np.where(draw < a.EXPANSION_SHARE, expansion, np.where(draw > 1 - a.CONTRACTION_SHARE, contraction, 1.0))
    return np.maximum(np.round(amount * factor / TEN_YUAN).astype(np.int64), 1) * TEN_YUAN


def _add_ons(rng: np.random.Generator, customers: Customers, first: dict[str, Any]) -> dict[str, Any]:
    """A second contract that begins after, and ends before, the first one of some customers."""
    long_enough = first["end_day"] - first["start_day"] > 170
    chosen = np.flatnonzero(long_enough & (rng.random(len(long_enough)) < a.ADD_ON_SHARE))
    part: dict[str, Any] = {name: values[chosen] for name, values in first.items()}
    start = part["start_day"] + rng.integers(30, 60, len(chosen))
    inside = start <= LAST_DAY - 30
    part = {name: values[inside] for name, values in part.items()}
    part["start_day"] = start[inside]
    part["end_day"] = part["end_day"] - rng.integers(20, 50, inside.sum())
    part["amount"] = np.maximum(part["amount"] // (3 * TEN_YUAN), 1) * TEN_YUAN
    part["cost"] = part["amount"] // 2
    part["product"] = (part["product"] + 1) % PRODUCTS
    part["renews"] = np.full(inside.sum(), -1)
    part["end_reason"] = np.full(inside.sum(), -1)
    return part


def _with_notices(rng: np.random.Generator, scale: float, part: dict[str, Any]) -> Contracts:
    """Signing and noting times, and the contracts whose end is moved forward in one of the nights."""
    count = len(part["customer"])
    order = np.lexsort((part["customer"], part["start_day"]))
    place = np.empty(count, np.int64)
    place[order] = np.arange(count)
    part = {name: values[order] for name, values in part.items()}
    part["renews"] = np.where(part["renews"] >= 0, place[part["renews"]], -1)
    office_hour = 10 * 3600 + rng.integers(0, 6 * 3600, count)
    ended = (part["end_reason"] >= 0) & (part["end_day"] < LAST_DAY)
    noted = np.where(ended, local_midnight(part["end_day"] + 1) + office_hour, NEVER)
    per_night = max(1, round(2 * scale))
    running = np.flatnonzero((part["end_day"] > LAST_DAY + 70) & (part["start_day"] < HISTORY_DAY - 5))
    given = rng.permutation(running)[: 3 * per_night]
    notice = np.full(count, NEVER)
    notice[given] = CUTS[np.arange(len(given)) % 3 + 1] - 9 * 3600
    return Contracts(
        **part,
        signed_at=local_midnight(part["start_day"]) + office_hour,
        end_noted_at=noted,
        notice_at=notice,
        notice_end_day=np.full(count, LAST_DAY + 62),
    )


def simulate_orders(rng: np.random.Generator, scale: float, customers: Customers) -> Orders:
    """Orders of two years, some refunded or voided later; a few in every night."""
    per_night = max(4, round(a.ORDERS_PER_NIGHT * scale))
    old = max(80, round(a.ORDERS * scale)) - 3 * per_night
    days = np.concatenate(
        [
            rng.integers(TICKETS_FROM, HISTORY_DAY + 1, old),
            np.repeat(HISTORY_DAY + np.arange(1, 4), per_night),
        ]
    )
    count = len(days)
    weights = np.where(customers.is_new, 0.0, customers.activity)
    customer = rng.choice(len(customers), count, p=weights / weights.sum())
    # The customers who came in a night placed the first orders of that night.
    fresh = np.flatnonzero(customers.is_new)
    newcomers = np.flatnonzero(days > HISTORY_DAY)
    for night in (1, 2, 3):
        of_night = fresh[customers.since[fresh] == night]
        slots = newcomers[days[newcomers] == HISTORY_DAY + night][: len(of_night)]
        customer[slots] = of_night[: len(slots)]
    ordered = local_midnight(days) + 8 * 3600 + rng.integers(0, 13 * 3600, count)
    order = np.argsort(ordered, kind="stable")
    customer, ordered = customer[order], ordered[order]

    amount = np.round(rng.lognormal(6.3, 0.9, count) * 100).astype(np.int64) + 1_000
    refunded = rng.random(count) < a.REFUND_SHARE
    voided = (rng.random(count) < a.VOIDED_ORDER_SHARE) & ~refunded
    delivered = ordered + np.round(rng.gamma(4.0, 1.0, count) * DAY).astype(np.int64)
    wait = rng.integers(2, 12, count) * DAY + rng.integers(0, DAY, count)
    refunded_at = np.where(refunded, delivered + wait, NEVER)
    voided_at = np.where(voided, ordered + wait // 4, NEVER)
    for cut in CUTS[1:]:
        _change_tonight(int(cut), ordered, delivered, refunded_at, voided_at)
    refunded, voided = refunded_at < NEVER, voided_at < NEVER
    return Orders(
        customer=customer,
        product=np.where(rng.random(count) < 0.8, customers.product[customer], rng.integers(0, PRODUCTS, count)),
        ordered_at=ordered,
        amount=amount,
        cost=np.round(amount * rng.uniform(0.55, 0.75, count)).astype(np.int64),
        refund=np.where(refunded, np.round(amount * rng.choice([1.0, 0.5, 0.2], count)).astype(np.int64), 0),
        refunded_at=refunded_at,
        voided_at=voided_at,
        promised_day=local_day(ordered) + 5,
        delivered_at=np.where(voided, NEVER, delivered),
        is_correct=rng.random(count) < 0.97,
        currency=(rng.random(count) < a.FOREIGN_CURRENCY_SHARE / 2).astype(np.int64),
        channel=rng.choice(len(ORDER_CHANNELS), count, p=[0.4, 0.25, 0.2, 0.15]),
    )


def _change_tonight(cut: int, ordered: Ints, delivered: Ints, refunded_at: Ints, voided_at: Ints) -> None:
    """Let the night before `cut` see one refund and one voided order; changes the last two arrays."""
    untouched = (refunded_at == NEVER) & (voided_at == NEVER)
    in_hand = untouched & (delivered < cut - 2 * DAY) & (delivered > cut - 30 * DAY)
    refunded_at[np.flatnonzero(in_hand)[:1]] = cut - 7 * 3600
    under_way = untouched & (ordered < cut - DAY) & (delivered > cut)
    voided_at[np.flatnonzero(under_way)[:1]] = cut - 6 * 3600


def orders_changed_at(orders: Orders, cut: int) -> Ints:
    """Time of the last change of every order before `cut`; NEVER where it is not placed yet."""
    last = orders.ordered_at.copy()
    for times in (orders.delivered_at, orders.refunded_at, orders.voided_at):
        last = np.where(times < cut, np.maximum(last, times), last)
    return np.where(orders.ordered_at < cut, last, NEVER)


def contracts_changed_at(contracts: Contracts, cut: int) -> Ints:
    """Time of the last change of every contract before `cut`; NEVER where it is not signed yet."""
    last = contracts.signed_at.copy()
    for times in (contracts.end_noted_at, contracts.notice_at):
        last = np.where(times < cut, np.maximum(last, times), last)
    return np.where(contracts.signed_at < cut, last, NEVER)
