"""What contracts are worth: agreed, renewed, discounted; and what was decided by a cut."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from include.customer_value.contract_value import (
    ALL_TERMS,
    Contracts,
    as_known_before,
    contract_share,
    decisions_by_term,
    predict_contracts,
    terms_lived,
)
from include.customer_value.maximum_likelihood import Fit

CUT = 20_000
FAR = 376_200
# renewal at decision 1: 3/4, at 2: 4/5, at 3: 5/6
FIT = Fit("sbg", ("alpha", "beta"), (1.0, 3.0), ((0.0,) * 2,) * 2, 0.0, 1, True)
USUAL: dict[str, Any] = {
    "customer": 1, "term": 12, "decision": 1, "start": CUT - 364, "begun": CUT - 364, "ended": CUT, "stated_end": CUT,
    "is_open_ended": False, "is_fitted": True, "is_end_agreed": True, "is_renewed": False, "amount": 100.0,
    "margin": 60.0,
}  # fmt: skip


def contracts(*rows: dict[str, Any]) -> Contracts:
    columns = {name: np.array([{**USUAL, **row}[name] for row in rows]) for name in USUAL}
    return Contracts(**columns)


def running(days: int, **row: Any) -> dict[str, Any]:
    """A contract whose last day lies so many days after the cut."""
    return {"ended": CUT + days, "stated_end": CUT + days, **row}


def test_agreed_until_the_end_then_as_likely_as_renewals() -> None:
    found = predict_contracts(contracts(running(365)), CUT, {12: FIT}, 1.0, 0.0, 365.0)

    # a year of 60 a month agreed, then 3/4, then 3/4 * 4/5 of a year
    assert found.certain[0] == pytest.approx([720, 720, 720])
    assert found.likely[0] == pytest.approx([0, 540, 540 + 432])
    # the decision falls on the last day of the horizon
    assert found.lapse[0] == pytest.approx(0.25)
    assert found.method.tolist() == ["sbg"]


def test_a_later_decision_is_likelier_to_be_a_renewal() -> None:
    found = predict_contracts(contracts(running(0, decision=2)), CUT, {12: FIT}, 1.0, 0.0, 365.0)

    assert found.certain[0] == pytest.approx([0, 0, 0])
    assert found.likely[0, 0] == pytest.approx(720 * 0.8)
    # two decisions within a year: today and in 365 days
    assert found.lapse[0] == pytest.approx(1 - 4 / 5 * 5 / 6)


def test_short_terms_are_decided_about_often() -> None:
    found = predict_contracts(contracts(running(0, term=3)), CUT, {3: FIT}, 1.0, 0.0, 300.0)

    quarters = np.cumprod([3 / 4, 4 / 5, 5 / 6, 6 / 7])
    assert found.likely[0, 0] == pytest.approx(180 * quarters.sum())
    # decisions at day 0, 91, 182 and 274
    assert found.lapse[0] == pytest.approx(1 - quarters[-1])


def test_discounting_by_hand() -> None:
    found = predict_contracts(contracts(running(365)), CUT, {12: FIT}, 1.0, 0.1, 365.0)

    year = 720 * (1 - 1 / 1.1) / np.log(1.1)
    assert found.certain[0, 0] == pytest.approx(year)
    assert found.likely[0, 2] == pytest.approx(year * (0.75 / 1.1 + 0.6 / 1.21))


def test_what_is_not_in_force_at_the_cut_is_worth_nothing() -> None:
    rows = (
        running(100, start=CUT + 1),
        {"ended": CUT - 1, "stated_end": CUT - 1},
        running(30, customer=9),
    )
    found = predict_contracts(contracts(*rows), CUT, {12: FIT}, 1.0, 0.0, 365.0)

    assert found.customer.tolist() == [9]
    # none at all
    assert len(predict_contracts(contracts(*rows[:2]), CUT, {12: FIT}, 1.0, 0.0, 365.0).customer) == 0


def test_a_contract_renewed_early_was_agreed_until_its_own_end() -> None:
    found = predict_contracts(contracts(running(10, stated_end=CUT + 365)), CUT, {}, 1.0, 0.0, 365.0)

    assert found.certain[0] == pytest.approx([720, 720, 720])


def test_open_ended_ones_are_agreed_until_the_term_ends() -> None:
    # begun 45 days ago, monthly: one renewal lived, the second month ends in about 15 days
    row = {"term": 1, "begun": CUT - 44, "start": CUT - 44, "ended": FAR, "stated_end": FAR, "is_open_ended": True}
    found = predict_contracts(contracts(row), CUT, {1: FIT}, 1.0, 0.0, 365.0)

    left = 2 * 365 / 12 - 45
    assert found.certain[0, 0] == pytest.approx(left * 60 * 12 / 365)
    # decision 2 comes next
    first = 60 * 0.8
    assert found.likely[0, 0] > first
    assert 0 < found.lapse[0] < 1


def test_nobody_knew_before_when_an_open_ended_contract_would_be_ended() -> None:
    rolling = {"term": 1, "begun": CUT - 44, "start": CUT - 44, "is_open_ended": True, "is_end_agreed": False}
    ended = contracts(running(183, **rolling))
    runs = contracts({**rolling, "ended": FAR, "stated_end": FAR})
    # one of a day that was agreed, and one that ends on the cut itself
    known = contracts(running(183), {**rolling, "ended": CUT, "stated_end": CUT})

    then, now = (predict_contracts(one, CUT, {1: FIT}, 1.0, 0.1, 365.0) for one in (as_known_before(ended, CUT), ended))
    other = predict_contracts(as_known_before(runs, CUT), CUT, {1: FIT}, 1.0, 0.1, 365.0)
    for name in ("certain", "likely", "spread", "lapse"):
        assert (getattr(then, name) == getattr(other, name)).all()
    assert now.certain[0, 0] > then.certain[0, 0]
    assert as_known_before(known, CUT).stated_end.tolist() == known.stated_end.tolist()


def test_an_open_end_without_decisions_is_agreed_for_ever() -> None:
    found = predict_contracts(contracts({"ended": FAR, "stated_end": FAR}), CUT, {12: FIT}, 1.0, 0.0, 365.0)

    assert found.certain[0] == pytest.approx([720, 1440, 2160])
    assert found.lapse[0] == 0.0


def test_without_a_model_only_what_is_agreed_counts() -> None:
    found = predict_contracts(contracts(running(73), running(400, customer=2)), CUT, {}, 1.0, 0.0, 365.0)

    assert found.method.tolist() == ["certain", "certain"]
    assert found.certain[0] == pytest.approx([144] * 3)
    assert (found.likely == 0).all()
    # nothing is known of the first; the second isn't due
    assert np.isnan(found.lapse[0])
    assert found.lapse[1] == 0.0


def test_contracts_of_a_customer_add_up_and_lapse_together() -> None:
    spread = replace(FIT, covariance=((0.04, 0.0), (0.0, 0.0)))
    one, two = running(10, term=6, decision=3), running(100, amount=50.0, margin=20.0)
    each = [predict_contracts(contracts(row), CUT, {ALL_TERMS: spread}, 1.0, 0.1, 365.0) for row in (one, two)]
    found = predict_contracts(contracts(one, two), CUT, {ALL_TERMS: spread}, 1.0, 0.1, 365.0)

    assert found.method.tolist() == ["sbg_all_terms"]
    for name in ("certain", "likely", "spread"):
        assert getattr(found, name)[0] == pytest.approx(sum(getattr(part, name)[0] for part in each))
    assert (found.spread > 0).all()
    assert found.lapse[0] == min(part.lapse[0] for part in each)


def test_unknown_costs_have_the_share_and_losses_are_worth_nothing() -> None:
    rows = (
        running(365, margin=np.nan),
        running(365, customer=2, margin=-10.0),
        running(365, customer=3, amount=np.nan, margin=np.nan),
    )
    found = predict_contracts(contracts(*rows), CUT, {}, 0.5, 0.0, 365.0)

    assert found.certain[:, 0] == pytest.approx([600, 0, 0])
    assert found.is_valued.tolist() == [True, True, False]
    # beside a known one an unknown one adds nothing
    both = predict_contracts(contracts(running(365), {**rows[2], "customer": 1}), CUT, {}, 0.5, 0.0, 365.0)
    assert both.certain[:, 0] == pytest.approx([720])
    assert both.is_valued.tolist() == [True]


def test_share_of_what_is_known_at_the_cut() -> None:
    rows = ({}, {"margin": np.nan}, {"start": CUT + 1, "margin": 0.0})

    assert contract_share(contracts(*rows), CUT) == pytest.approx(0.6)
    assert contract_share(contracts(rows[1]), CUT) is None


def test_a_contract_with_an_end_is_decided_about_once_grace_is_over() -> None:
    rows = (
        {"ended": CUT - 30},  # lost, decided today
        {"ended": CUT - 30, "is_renewed": True, "decision": 2},
        {"ended": CUT - 29},  # not yet, and not a renewal either: both are known alike
        {"ended": CUT - 29, "is_renewed": True},
        {"ended": CUT - 30, "term": 6, "is_renewed": True},
        {"ended": CUT - 30, "start": CUT + 1, "begun": CUT - 99},  # closed up to the contract before, signed later
    )
    found = decisions_by_term(contracts(*rows), CUT, 30)

    assert {term: (one.renewed.tolist(), one.lost.tolist()) for term, one in found.items()} == {
        ALL_TERMS: ([1, 1], [1, 0]),
        6: ([1], [0]),
        12: ([0, 1], [1, 0]),
    }


def test_an_open_ended_contract_is_renewed_every_term() -> None:
    monthly = {"term": 1, "is_open_ended": True, "begun": CUT - 100, "start": CUT - 100}
    rows = (
        {**monthly, "ended": FAR},  # three months lived
        {**monthly, "ended": CUT - 40},  # two months lived, lost at the end of the second
        {**monthly, "ended": CUT - 10},  # not decided; nearly three months lived
        {**monthly, "begun": CUT - 10, "ended": FAR},  # none yet
    )
    found = decisions_by_term(contracts(*rows), CUT, 30)[1]

    assert found.renewed.tolist() == [3, 2, 2]
    assert found.lost.tolist() == [0, 1, 0]


def test_one_without_an_end_teaches_nothing_of_those_that_have_one() -> None:
    yearly = [{"ended": CUT - 30 - n, "customer": n, "is_renewed": n % 5 > 0} for n in range(1000)]
    alone = {"is_open_ended": True, "is_fitted": False, "begun": CUT - 2000, "start": CUT - 2000, "ended": FAR}

    counts = [decisions_by_term(contracts(*rows), CUT, 30)[12] for rows in (yearly, [*yearly, alone])]
    assert [(one.renewed.tolist(), one.lost.tolist()) for one in counts] == [([800], [200])] * 2


@pytest.mark.parametrize(
    ("days", "term", "lived"),
    [(27, 1, 0), (28, 1, 1), (366, 1, 12), (88, 3, 0), (89, 3, 1), (361, 12, 0), (362, 12, 1), (365, 12, 1)],
)
def test_a_term_of_a_short_month_is_a_whole_one(days: int, term: int, lived: int) -> None:
    row = {"is_open_ended": True, "term": term, "begun": CUT - days + 1, "ended": FAR}

    assert terms_lived(contracts(row), CUT).tolist() == [lived]


def test_contracts_of_which_none_is_due_have_no_decision() -> None:
    assert decisions_by_term(contracts(running(9)), CUT, 30)[ALL_TERMS].cases == 0
    assert decisions_by_term(contracts({"start": CUT + 1}), CUT, 30) == {}
