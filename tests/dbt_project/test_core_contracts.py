"""Contract movements and churn against a reference that walks day by day."""

from __future__ import annotations

import random
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import pytest

from tests.support.warehouse_fixture import WarehouseFixture

AS_OF = date(2026, 6, 17)
FIRST = date(2025, 9, 1)
GRACE = 30
DAY = timedelta(days=1)
CUSTOMERS = 60


@dataclass
class Contract:
    """What the CRM says of one contract."""

    start: date
    end: date
    amount: int


def _random_contracts(pick: random.Random) -> list[Contract]:
    contracts = []
    start = FIRST + timedelta(days=pick.randrange(60))
    for _ in range(pick.randrange(1, 5)):
        end = start + timedelta(days=pick.choice([27, 29, 30, 60, 90, 150]))
        contracts.append(Contract(start, end, pick.choice([5, 10, 20])))
        # beside it, the day after, on the last grace day, one later, long after
        start = end + timedelta(days=pick.choice([-20, 0, 1, 1, 10, GRACE, GRACE + 1, 50]))
    return contracts


def _close_gaps(contracts: list[Contract]) -> list[Contract]:
    """Contracts that follow, within grace, the end of all others begin on the day after it."""
    placed: list[Contract] = []
    for contract in sorted(contracts, key=lambda one: one.start):
        others = [one for one in placed if one.start < contract.start or one in placed[-1:]]
        before = [one.end for one in contracts if one.start < contract.start]
        start = contract.start
        if others and before and max(before) < start <= max(before) + GRACE * DAY:
            start = max(before) + DAY
        placed.append(Contract(start, contract.end, contract.amount))
    return placed


def _amount(contracts: list[Contract], day: date) -> int:
    return sum(one.amount for one in contracts if one.start <= day <= one.end)


def _walk(contracts: list[Contract]) -> tuple[dict[date, int], dict[date, bool | None]]:
    """Per month the closing amount, and whether the customer churned in it (None: undecided)."""
    placed = _close_gaps(contracts)
    closing: dict[date, int] = {}
    churned: dict[date, bool | None] = {}
    for day in (FIRST + DAY * n for n in range((AS_OF - FIRST).days + 1)):
        month = day.replace(day=1)
        goes_on = any(one.start == day + DAY for one in placed)
        ending = [one for one in placed if one.end == day]
        left = any(one.start <= day + DAY and one.end > day for one in placed)
        churned.setdefault(month, False)
        if ending and not left:
            decided = day + GRACE * DAY <= AS_OF
            churned[month] = True if decided else None
            if not decided:
                closing[AS_OF.replace(day=1)] = closing[month] = _amount(placed, day)
                break
        dated = 0 if goes_on else sum(one.amount for one in ending)
        closing[month] = _amount(placed, day) - dated
    return closing, churned


@pytest.fixture(scope="module")
def contracts() -> dict[str, list[Contract]]:
    """Random contracts by customer."""
    pick = random.Random(11)
    return {f"C{number:02d}": _random_contracts(pick) for number in range(CUSTOMERS)}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, contracts: dict[str, list[Contract]]) -> WarehouseFixture:
    """Their warehouse."""
    home = WarehouseFixture(tmp_path_factory.mktemp("contracts"), as_of=AS_OF.isoformat())
    home.deliver(
        "contract",
        [
            {"contract_id": f"{name}-{n}", "customer_id": name, "start_date": one.start, "end_date": one.end,
             "monthly_amount": one.amount, "monthly_cost": 1}
            for name, many in contracts.items()
            for n, one in enumerate(many)
        ],
    )  # fmt: skip
    home.build("--select", "+fct_customer_contract_movement", "+fct_customer_value", tests=False)
    return home


def test_closing_amounts_equal_the_walk(home: WarehouseFixture, contracts: dict[str, list[Contract]]) -> None:
    rows = home.rows(
        "select customer_id, month_start_date, closing from marts.fct_customer_contract_movement "
        "join marts.dim_customer using (customer_key) where closing <> 0"
    )
    found = {(row["customer_id"], row["month_start_date"]): row["closing"] for row in rows}
    expected = {
        (name, month): Decimal(amount)
        for name, many in contracts.items()
        for month, amount in _walk(many)[0].items()
        if amount
    }
    assert found == expected


def test_churn_equals_the_walk(home: WarehouseFixture, contracts: dict[str, list[Contract]]) -> None:
    rows = home.rows(
        "select customer_id, month_start_date, is_churned, is_mature from marts.fct_customer_month "
        "join marts.dim_customer using (customer_key)"
    )
    found = {(row["customer_id"], row["month_start_date"]): (row["is_churned"], row["is_mature"]) for row in rows}
    seen: set[bool | None] = set()
    for name, many in contracts.items():
        for month, churned in _walk(many)[1].items():
            if churned is not False:
                seen.add(churned)
                assert found[name, month] == (churned, churned is not None), (name, month)
            elif (name, month) in found:
                assert found[name, month][0] is not True, (name, month)
                assert found[name, month][1], (name, month)
    assert seen == {True, None}


def test_movements_sum_to_the_change_of_the_amount(home: WarehouseFixture) -> None:
    (totals,) = home.rows(
        'select sum("new") as new, sum(expansion) as expansion, sum(contraction) as contraction, '
        "sum(churned) as churned, sum(reactivated) as reactivated, "
        "sum(closing) filter (where month_start_date = '2026-06-01') as closing "
        "from marts.fct_customer_contract_movement"
    )
    closing = totals.pop("closing")
    assert sum(totals.values()) == closing
    assert totals["new"] > 0 and totals["expansion"] > 0 and totals["reactivated"] > 0
    assert totals["contraction"] < 0 and totals["churned"] < 0


def test_contract_revenue_accrues_by_day(home: WarehouseFixture, contracts: dict[str, list[Contract]]) -> None:
    rows = home.rows(
        "select customer_id, ltv_revenue from marts.fct_customer_value join marts.dim_customer using (customer_key) "
        "where is_current"
    )
    found = {row["customer_id"]: float(row["ltv_revenue"]) for row in rows}
    for name, many in contracts.items():
        placed = _close_gaps(many)
        days = (FIRST + DAY * n for n in range((AS_OF - FIRST).days + 1))
        revenue = sum(_amount(placed, day) / monthrange(day.year, day.month)[1] for day in days)
        assert found[name] == pytest.approx(revenue, abs=0.01), name
