"""Renewal, retention, silence, repurchase and cohorts against a slow reference in plain Python, on random customers."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import yaml

from tests.support.reference_retention import (
    Contract,
    in_force,
    is_active,
    months,
    open_ended_terms,
    renewals,
    silence,
)
from tests.support.warehouse_fixture import PROJECT, WarehouseFixture

AS_OF = date(2026, 6, 17)
FIRST = date(2025, 1, 1)
DAY = timedelta(days=1)
CUSTOMERS = 80
SEED = 20260617
RATE = {"CNY": Decimal(1), "USD": Decimal("7.25"), "EUR": None}
Book = dict[str, list[Contract]]
Days = dict[str, list[date]]


def _contracts_of(name: str, pick: random.Random) -> list[Contract]:
    made: list[Contract] = []
    start = FIRST + pick.randrange(200) * DAY
    currency = pick.choice(["CNY", "CNY", "CNY", "USD", "EUR"])
    for number in range(pick.randrange(1, 6)):
        end = start + pick.choice([27, 29, 30, 60, 90, 150]) * DAY if pick.random() < 0.95 else None
        before = made[-1] if made and pick.random() < 0.4 else None
        if before is not None and before.currency != currency:
            before = None
        made.append(Contract(f"{name}-{number}", currency, start, end, pick.choice([5, 10, 20, 40]), before))
        # beside it, on its last day, the day after, on the last grace day, one later, long after
        start = (end or start + 60 * DAY) + pick.choice([-20, -1, 0, 1, 1, 1, 10, 30, 31, 50]) * DAY
        if pick.random() < 0.1:
            currency = pick.choice(["CNY", "USD"])
        if pick.random() < 0.15 and end is not None:  # another one that ends on the same day
            made.append(Contract(f"{name}-{number}b", currency, made[-1].start + 3 * DAY, end, pick.choice([5, 10])))
    return made


@pytest.fixture(scope="module")
def book() -> Book:
    """Random contracts by customer; those billed by the month mostly have no last day until somebody ends them."""
    pick = random.Random(SEED)
    made = {f"C{number:02d}": _contracts_of(f"C{number:02d}", pick) for number in range(CUSTOMERS)}
    pick = random.Random(SEED + 3)
    for one in (one for many in made.values() for one in many):
        one.billing_months = 1 if pick.random() < (0.8 if one.end is None else 0.1) else 12
    return made


@pytest.fixture(scope="module")
def orders() -> Days:
    """Random days of orders by customer, several on one day among them."""
    pick = random.Random(SEED + 1)
    made: Days = {}
    for number in range(20, CUSTOMERS + 20):
        day, days = FIRST + pick.randrange(300) * DAY, []
        for _ in range(pick.randrange(1, 9)):
            days.append(day)
            day += pick.choice([0, 5, 10, 10, 30, 90, 91]) * DAY
        made[f"C{number:02d}"] = [day for day in days if day <= AS_OF + 5 * DAY]
    return made


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, book: Book, orders: Days) -> WarehouseFixture:
    """Their warehouse; S0 to S3 come from a snapshot without any date that only says who has left."""
    home = WarehouseFixture(tmp_path_factory.mktemp("retention"), as_of=AS_OF.isoformat())
    pick = random.Random(SEED + 2)
    home.deliver(
        "customer",
        [{"customer_id": f"C{n:02d}", "tier": pick.choice(["vip", None]), "updated_at": datetime(2025, 1, 1),
          "acquired_date": date(2025, 3, 1) if n % 9 == 0 else None} for n in range(CUSTOMERS + 20)]
        + [{"customer_id": f"S{n}", "stated_status": "churned" if n else "active"} for n in range(4)],
        delivery="snapshot",
    )  # fmt: skip
    home.deliver(
        "contract",
        [
            {"contract_id": one.name, "customer_id": name, "start_date": one.start, "end_date": one.end,
             "monthly_amount": one.amount, "monthly_cost": 1, "currency": one.currency,
             "billing_term_months": one.billing_months,
             "renews_contract_id": one.renews.name if one.renews else None}
            for name, many in book.items()
            for one in many
        ],
    )  # fmt: skip
    home.deliver(
        "order",
        [{"order_id": f"{name}-{n}", "customer_id": name, "ordered_at": datetime(day.year, day.month, day.day, 4),
          "amount": 3, "cost": 1} for name, days in orders.items() for n, day in enumerate(days)],
    )  # fmt: skip
    home.control(
        "currency_rate",
        [{"currency": currency, "valid_from_date": date(1900, 1, 1), "valid_to_date": date(9999, 12, 31), "rate": rate}
         for currency, rate in RATE.items() if rate is not None],
    )  # fmt: skip
    home.build(
        "--select", "+fct_contract_renewal", "+fct_customer_repurchase", "+fct_cohort_retention",
        "+fct_satisfaction_outcome", "--indirect-selection", "cautious",
    )  # fmt: skip
    return home


def _by_currency(book: Book) -> dict[tuple[str, str], list[Contract]]:
    found: dict[tuple[str, str], list[Contract]] = defaultdict(list)
    for name, many in book.items():
        for one in many:
            found[name, one.currency].append(one)
    return found


def test_renewals_equal_the_reference(home: WarehouseFixture, book: Book) -> None:
    rows = home.rows(
        "select due.contract_id, due.is_due_decided, due.is_renewed, due.renewal_kind, "
        "renewal.contract_id as renewed_by, due.amount_renewed::double as amount, due.is_open_ended "
        "from marts.fct_contract_renewal as due "
        "join marts.dim_contract as renewal on renewal.contract_key = due.renewed_by_contract_key"
    )
    found = {row.pop("contract_id"): row for row in rows}
    expected = {}
    open_ended = open_ended_terms([one for many in book.values() for one in many], AS_OF)
    for contracts in _by_currency(book).values():
        expected |= renewals(contracts, AS_OF, open_ended)
    assert found.keys() == expected.keys()
    seen: Counter[tuple[bool, str | None]] = Counter()
    never_due = 0
    for name, one in expected.items():
        row = found[name]
        assert (row["is_open_ended"], row["renewal_kind"]) == (one.is_open_ended, one.kind), name
        if one.is_open_ended:
            never_due += 1
            assert (row["is_due_decided"], row["is_renewed"], row["amount"]) == (None, None, None), name
            continue
        seen[one.is_decided, one.kind] += 1
        assert row["is_due_decided"] == one.is_decided, name
        assert row["is_renewed"] == (one.kind is not None if one.is_decided else None), name
        assert row["amount"] == (pytest.approx(one.amount, abs=1e-3) if one.is_decided else None), name
        if one.by is None:
            assert row["renewed_by"] is None, name
        else:
            assert row["renewed_by"] is not None, name
    assert all(seen[True, kind] > 9 for kind in ("explicit", "new_contract", None)), seen
    assert seen[False, None] > 0
    assert never_due > 9


def test_what_runs_until_it_is_ended_is_no_failed_renewal(home: WarehouseFixture) -> None:
    exprs = _measures("contract_renewals")
    (rolling,) = home.rows(
        "select count(*) as rows, " + ", ".join(f"sum({exprs[name]}) as {name}" for name in (
            "contracts_due", "contracts_renewed", "contract_amount_due", "contract_amount_renewed",
            "contracts_due_with_amount",
        ))
        + " from marts.fct_contract_renewal where is_open_ended"
    )  # fmt: skip
    assert rolling.pop("rows") > 9
    assert set(rolling.values()) == {None}
    lost = home.value("select count(*) from marts.fct_contract_renewal where is_open_ended and is_customer_churned")
    assert lost > 0


def test_a_contract_that_is_not_renewed_and_nothing_beside_it_loses_the_customer(
    home: WarehouseFixture, book: Book
) -> None:
    rows = home.rows(
        "select contract_id, is_renewed, is_open_ended, is_customer_churned from marts.fct_contract_renewal"
    )
    owner = {one.name: (name, one) for name, many in book.items() for one in many}
    both = Counter()
    for row in rows:
        name, one = owner[row["contract_id"]]
        if one.last + 30 * DAY > AS_OF:
            assert (row["is_renewed"], row["is_customer_churned"]) == (None, None)
            continue
        assert (row["is_renewed"] is None) == row["is_open_ended"], row
        spans = [
            span for (who, _), many in _by_currency(book).items() if who == name for span in in_force(many).values()
        ]
        goes_on = any(start <= one.last + 30 * DAY and end > one.last for start, end in spans)
        # a contract that its renewal cut short ended before its last day
        ended = any(end == one.last for _, end in spans)
        assert row["is_customer_churned"] == (ended and not goes_on), row
        both[row["is_customer_churned"]] += 1
        assert not (row["is_renewed"] and row["is_customer_churned"]), row
    assert both[True] > 9 and both[False] > 9


def _measures(model: str) -> dict[str, str]:
    text = (PROJECT / "models" / "metrics" / "_retention__metrics.yml").read_text(encoding="utf-8")
    models: list[dict[str, Any]] = yaml.safe_load(text)["semantic_models"]
    (found,) = (one for one in models if one["name"] == model)
    return {one["name"]: one["expr"] for one in found["measures"]}


def test_amount_retention_lies_between_nothing_and_all_and_follows_from_the_contracts(home: WarehouseFixture) -> None:
    exprs = _measures("contract_movements")
    names = ("recurring_opening", "recurring_kept", "recurring_of_opening_customers", "recurring_churned")
    rows = home.rows(
        "select month_start_date, " + ", ".join(f"sum({exprs[name]})::double as {name}" for name in names)
        + " from marts.fct_customer_contract_movement group by 1"
    )  # fmt: skip
    closings: dict[date, dict[tuple[int, str], Decimal]] = defaultdict(dict)
    for row in home.rows(
        "select customer_key, currency, month_start_date, closing from marts.fct_customer_contract_movement"
    ):
        closings[row["month_start_date"]][row["customer_key"], row["currency"]] = row["closing"]
    for row in rows:
        month = row["month_start_date"]
        before, after = closings[(month - DAY).replace(day=1)], closings[month]
        at = {key: RATE[key[1]] for key in before}
        opening = sum(amount * (at[key] or 0) for key, amount in before.items())
        kept = sum(min(amount, after.get(key, Decimal(0))) * (at[key] or 0) for key, amount in before.items())
        closing = sum(after.get(key, Decimal(0)) * (at[key] or 0) for key, amount in before.items() if amount > 0)
        assert (
            row["recurring_opening"] or 0,
            row["recurring_kept"] or 0,
            row["recurring_of_opening_customers"] or 0,
        ) == (pytest.approx((float(opening), float(kept), float(closing)))), month
        if opening:
            assert 0 <= row["recurring_kept"] <= row["recurring_opening"], month
            assert 0 <= row["recurring_churned"] <= row["recurring_opening"] - row["recurring_kept"] + 1e-9, month
    assert any(row["recurring_opening"] and row["recurring_kept"] < row["recurring_opening"] for row in rows)


def test_silence_equals_the_reference(home: WarehouseFixture, orders: Days) -> None:
    rows = home.rows(
        "select customer_id, month_start_date, reached_date, order_interval_days, is_silent_at_start, is_silent "
        "from marts.fct_customer_month join marts.dim_customer using (customer_key)"
    )
    seen: Counter[bool | None] = Counter()
    for row in rows:
        days = orders.get(row["customer_id"], [])
        now = silence(days, row["reached_date"])
        before = silence(days, row["month_start_date"] - DAY)
        interval, is_silent = now or (None, None)
        assert row["order_interval_days"] == (None if interval is None else pytest.approx(interval)), row
        assert (row["is_silent_at_start"], row["is_silent"]) == (before and before[1], is_silent), row
        seen[is_silent] += 1
    assert all(seen[state] > 20 for state in (True, False, None))


def test_repurchase_equals_the_reference(home: WarehouseFixture, orders: Days) -> None:
    rows = home.rows(
        "select customer_id, first_order_date, second_order_date, is_repurchased_90d, is_repurchased_180d, "
        "is_repurchased_365d from marts.fct_customer_repurchase join marts.dim_customer using (customer_key)"
    )
    known = {name: sorted({day for day in days if day <= AS_OF}) for name, days in orders.items()}
    known = {name: days for name, days in known.items() if days}
    assert {row["customer_id"] for row in rows} == known.keys()
    seen: Counter[bool | None] = Counter()
    for row in rows:
        first, *more = known[row["customer_id"]]
        assert (row["first_order_date"], row["second_order_date"]) == (first, more[0] if more else None)
        for days in (90, 180, 365):
            closed = first + days * DAY <= AS_OF
            expected = bool(more) and more[0] <= first + days * DAY if closed else None
            assert row[f"is_repurchased_{days}d"] == expected, row
            seen[expected] += 1
    assert all(seen[state] > 9 for state in (True, False, None))


def test_cohorts_equal_the_reference(home: WarehouseFixture, book: Book, orders: Days) -> None:
    stated = {f"C{n:02d}": date(2025, 3, 1) for n in range(0, CUSTOMERS + 20, 9)}
    acquired = {}
    for name in book.keys() | orders.keys():
        starts = [one.start for one in book.get(name, [])] + orders.get(name, [])
        if starts and min(starts) <= AS_OF:
            acquired[name] = min([min(starts), *([stated[name]] if name in stated else [])])
    expected: dict[tuple[date, int], tuple[int, int | None]] = {}
    first_month = min(min([one.start for one in book.get(name, [])] + orders.get(name, [])) for name in acquired)
    for cohort in {day.replace(day=1) for day in acquired.values()}:
        members = [name for name, day in acquired.items() if day.replace(day=1) == cohort]
        for number, (month, until) in enumerate(months(cohort, AS_OF)):
            if month < first_month.replace(day=1):
                continue
            active = sum(is_active(book.get(name, []), orders.get(name, []), month, until) for name in members)
            expected[cohort, number] = (len(members), active if (until + DAY).day == 1 else None)
    rows = home.rows("select * from marts.fct_cohort_retention")
    found = {
        (row["cohort_month"], row["month_number"]): (row["cohort_size"], row["active_count"])
        for row in rows
        if row["segment"] == "all"
    }
    assert found == expected
    for segment in ("tier", "region", "product_line"):
        parts: dict[tuple[date, int], list[int]] = defaultdict(lambda: [0, 0])
        for row in rows:
            if row["segment"] == segment:
                part = parts[row["cohort_month"], row["month_number"]]
                part[0] += row["cohort_size"]
                part[1] += row["active_count"] or 0
        assert {key: tuple(part) for key, part in parts.items()} == {
            key: (size, active or 0) for key, (size, active) in expected.items()
        }


def test_of_a_snapshot_without_dates_nothing_is_made_up(home: WarehouseFixture) -> None:
    stated = home.rows("select count(*) filter (stated_status = 'churned') as lost, count(stated_status) as told "
                       "from marts.dim_customer")  # fmt: skip
    assert stated == [{"lost": 3, "told": 4}]
    for mart in ("fct_customer_month", "fct_contract_renewal", "fct_customer_repurchase", "fct_customer_value"):
        known = home.rows(f"select distinct customer_id from marts.{mart} join marts.dim_customer using (customer_key)")
        assert known and not [row for row in known if row["customer_id"].startswith("S")], mart
    (sizes,) = home.rows(
        "select sum(cohort_size) as customers from marts.fct_cohort_retention "
        "where segment = 'all' and month_start_date = '2026-06-01'"
    )
    assert sizes["customers"] == home.value("select count(distinct customer_key) from marts.fct_customer_month")
