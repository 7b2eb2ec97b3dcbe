"""What is expected of contracts: certain to the end of the term, then as likely as their renewals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import fsum

import numpy as np
import numpy.typing as npt

from include.customer_value.maximum_likelihood import Fit, Floats
from include.customer_value.order_value import YEAR_DAYS, YEARS
from include.customer_value.sbg import Decisions, decisions_of, survival

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
MONTH_DAYS = YEAR_DAYS / 12
# Months are of 28 to 31 days: a term of a calendar month is over although it is shorter than the mean one.
CALENDAR_DAYS = 3
ALL_TERMS = 0
# 2999-12-31, in days since 1970-01-01: the last day of what has none.
NO_END = 376_199
_STEP = 1e-4


@dataclass(frozen=True)
class Contracts:
    """Recurring contracts, one entry each; days are counted from 1970-01-01, amounts are a month's.

    Attributes:
        customer: key.
        term: months after which it is decided about.
        decision: number of that decision, from 1: one more than it was renewed before.
        start: its first day as stated, from which it is known; `begun`: the day from which it counts (grace closed up).
        ended: last day in force; `stated_end`: last day by the contract, even if renewed earlier. Far ahead if open.
        is_open_ended: one of those that go on until somebody ends them.
        is_fitted: models of renewal learn from its decisions.
        is_end_agreed: its last day was agreed when it was signed, and not written when somebody ended it.
        is_renewed: another one went on from its last day.
        amount, margin: revenue and margin a month in the installation's currency; nan where unknown.
    """

    customer: Ints
    term: Ints
    decision: Ints
    start: Ints
    begun: Ints
    ended: Ints
    stated_end: Ints
    is_open_ended: Flags
    is_fitted: Flags
    is_end_agreed: Flags
    is_renewed: Flags
    amount: Floats
    margin: Floats

    def __len__(self) -> int:
        return len(self.customer)

    def chosen(self, rows: Flags) -> Contracts:
        """Some of them."""
        return Contracts(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


def as_known_before(contracts: Contracts, cut: int) -> Contracts:
    """Contracts as told of at a cut of the past: a last day that nobody had agreed on was not known before it came."""
    unknown = ~contracts.is_end_agreed & (contracts.stated_end > cut)
    return replace(contracts, stated_end=np.where(unknown, NO_END, contracts.stated_end))


def terms_lived(contracts: Contracts, cut: int) -> Ints:
    """Whole terms from the first day to the cut or the end (as `int_contract_term` counts them to the end)."""
    days = np.minimum(cut, contracts.ended) + 1 - contracts.begun
    return np.asarray(12 * (days + CALENDAR_DAYS) // (YEAR_DAYS * contracts.term), np.int64)


def decisions_by_term(contracts: Contracts, cut: int, grace_days: int) -> dict[int, Decisions]:
    """What was decided by the cut, per term and for all terms together (no decision, where none is due yet).

    A contract with an end was decided about once, `grace_days` after it; renewals and losses are known alike only then.
    One that is open-ended was renewed after every term that it lived on.
    """
    known = contracts.chosen(contracts.is_fitted & (contracts.start <= cut) & (contracts.begun <= cut))
    decided = known.ended + grace_days <= cut
    lost = decided & ~known.is_renewed
    lived = terms_lived(known, cut)
    last = known.decision + np.where(known.is_open_ended, np.where(lost, np.maximum(lived, 1), lived), 1) - 1
    counts = np.where(known.is_open_ended, lost | (lived > 0), decided)
    found = {}
    for term in [ALL_TERMS, *np.unique(known.term).tolist()]:
        of_term = counts & ((known.term == term) | (term == ALL_TERMS))
        if of_term.any():
            found[int(term)] = decisions_of(known.decision[of_term], last[of_term], lost[of_term])
    if not found and len(known):
        found[ALL_TERMS] = Decisions(np.zeros(0, np.int64), np.zeros(0, np.int64))
    return found


def contract_share(contracts: Contracts, cut: int) -> float | None:
    """Margin of revenue of the contracts known at the cut whose cost is known; None without any."""
    told = (contracts.start <= cut) & np.isfinite(contracts.margin)
    revenue = fsum(contracts.amount[told].tolist())
    return max(fsum(contracts.margin[told].tolist()) / revenue, 0.0) if revenue > 0 else None


@dataclass(frozen=True)
class ContractPrediction:
    """One entry per customer with a contract in force at the cut.

    Attributes:
        customer: key, ascending.
        method: sbg, sbg_all_terms (some contract's term has too few decisions of its own) or certain (no model).
        certain: customers × (12, 24, 36 months): worth of what is agreed, discounted.
        likely: the same of what lies behind renewals.
        spread: standard error of `likely`; those of one customer's contracts are added up, as they err together.
        lapse: probability that none of its contracts is renewed through the horizon; nan without a model.
        is_valued: the amount of any of its contracts is known; those of unknown amounts add nothing.
    """

    customer: Ints
    method: npt.NDArray[np.str_]
    certain: Floats
    likely: Floats
    spread: Floats
    lapse: Floats
    is_valued: Flags


def predict_contracts(
    contracts: Contracts,
    cut: int,
    fits: Mapping[int, Fit],
    share: float,
    annual_rate: float,
    horizon_days: float,
) -> ContractPrediction:
    """Worth of the contracts in force at the cut.

    Args:
        contracts: all there are.
        cut: day.
        fits: sBG by term, `ALL_TERMS` for the terms that have none of their own.
        share: margin of revenue where a contract's cost is unknown.
        annual_rate: of discounting.
        horizon_days: of `lapse`.
    """
    in_force = contracts.chosen((contracts.start <= cut) & (contracts.ended >= cut))
    lived = np.where(in_force.is_open_ended, terms_lived(in_force, cut), 0)
    term_days = in_force.term * MONTH_DAYS
    until_next = in_force.begun + (lived + 1) * term_days - 1 - cut
    far = cut + 2 * YEAR_DAYS * YEARS[-1]
    remaining = np.where(in_force.stated_end < far, in_force.stated_end - cut, np.maximum(until_next, 0.0))
    remaining = np.where(in_force.is_open_ended, remaining, np.where(in_force.stated_end < far, remaining, far - cut))
    monthly = np.where(np.isfinite(in_force.margin), in_force.margin, in_force.amount * share)
    # what a contract loses is in the value to date; to go on with it is worth nothing
    is_valued = np.isfinite(monthly)
    daily = np.where(is_valued, np.maximum(monthly, 0.0), 0.0) / MONTH_DAYS

    count = len(in_force)
    certain, likely, spread = (np.zeros((count, len(YEARS))) for _ in range(3))
    lapse, method = np.full(count, np.nan), np.full(count, 2)
    for term in np.unique(in_force.term).tolist():
        rows = np.flatnonzero(in_force.term == term)
        fit = fits.get(int(term), fits.get(ALL_TERMS))
        first = in_force.decision[rows] + lived[rows]
        worth = _segments(remaining[rows], term * MONTH_DAYS, annual_rate)
        certain[rows] = worth[:, 0, :] * daily[rows, None]
        due = np.maximum(np.floor((horizon_days - remaining[rows]) / (term * MONTH_DAYS)) + 1, 0).astype(np.int64)
        if fit is None:
            lapse[rows[due == 0]] = 0.0
            continue
        method[rows] = 0 if int(term) in fits else 1
        chances, slopes = _chances(fit, first, worth.shape[1] - 1)
        likely[rows] = np.einsum("nk,nkh->nh", chances[:, 1:], worth[:, 1:, :]) * daily[rows, None]
        slope = np.einsum("pnk,nkh->nhp", slopes[:, :, 1:], worth[:, 1:, :]) * daily[rows, None, None]
        spread[rows] = np.sqrt(np.maximum(np.sum((slope @ fit.sigma) * slope, axis=2), 0.0))
        lapse[rows] = 1 - chances[np.arange(len(rows)), np.minimum(due, chances.shape[1] - 1)]
    return _by_customer(in_force.customer, certain, likely, spread, lapse, is_valued, method)


def _segments(remaining: Floats, term_days: float, annual_rate: float) -> Floats:
    """Present value of 1 a day: contracts × (what is agreed, the term after 1, 2, … renewals) × (12, 24, 36 months)."""
    reach = YEAR_DAYS * YEARS[-1]
    count = int(np.ceil(reach / term_days)) + 1
    begins = remaining[:, None] + term_days * np.arange(count)
    edges = np.concatenate([np.zeros((len(remaining), 1)), begins, begins[:, -1:] + term_days], axis=1)
    capped = np.minimum(edges[:, :, None], YEAR_DAYS * np.array(YEARS))
    force = np.log1p(annual_rate) / YEAR_DAYS
    value = -np.expm1(-force * capped) / force if force > 0 else capped
    return np.diff(value, axis=1)


def _chances(fit: Fit, first: Ints, renewals: int) -> tuple[Floats, Floats]:
    """Chance of 0, 1, … renewals in a row from decision `first` on; and its slopes by the parameters' logarithms."""

    def conditional(values: tuple[float, ...]) -> Floats:
        alive = survival(values, int(first.max(initial=1)) + renewals)
        places = first[:, None] - 1 + np.arange(renewals + 1)
        return alive[places] / alive[first - 1][:, None]

    slopes = []
    for place in range(len(fit.values)):
        beside = [
            conditional(tuple(v * np.exp(sign * _STEP) if p == place else v for p, v in enumerate(fit.values)))
            for sign in (1, -1)
        ]
        slopes.append((beside[0] - beside[1]) / (2 * _STEP))
    return conditional(fit.values), np.array(slopes)


def _by_customer(
    customer: Ints, certain: Floats, likely: Floats, spread: Floats, lapse: Floats, is_valued: Flags, method: Ints
) -> ContractPrediction:
    order = np.argsort(customer, kind="stable")
    keys, begins = np.unique(customer[order], return_index=True)
    names = np.array(["sbg", "sbg_all_terms", "certain"])
    if not len(keys):
        empty = np.zeros((0, len(YEARS)))
        return ContractPrediction(keys, names[:0], empty, empty, empty, np.zeros(0), np.zeros(0, bool))

    def added(part: Floats) -> Floats:
        return np.add.reduceat(part[order], begins, axis=0)

    return ContractPrediction(
        customer=keys,
        method=names[np.maximum.reduceat(method[order], begins)],
        certain=added(certain),
        likely=added(likely),
        spread=added(spread),
        # a customer's contracts lapse together rather than apart; nan, if any is unknown
        lapse=np.minimum.reduceat(lapse[order], begins),
        is_valued=np.logical_or.reduceat(is_valued[order], begins),
    )
