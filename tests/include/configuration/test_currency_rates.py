"""Exchange rates: what a file may say, and the stretches of time that the control table makes of it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from include.configuration.currency_rates import currency_rate_rows, read_currency_rates
from include.configuration.loading import ConfigurationError
from include.sample_company import assumptions
from include.settings import PROJECT_ROOT

TWO = """
to: CNY
rates:
  USD:
    2026-06-10: 7.123
    2026-05-10: 7
  EUR: {2026-01-01: 8.00000001}
"""


def test_a_rate_holds_from_its_date_until_the_next_one(tmp_path: Path) -> None:
    (tmp_path / "currency_rates.yml").write_text(TWO, encoding="utf-8")
    rows = currency_rate_rows(read_currency_rates(tmp_path, "CNY"), "CNY")
    assert [tuple(row.values()) for row in rows] == [
        ("CNY", date(1900, 1, 1), date(9999, 12, 31), Decimal(1)),
        ("EUR", date(2026, 1, 1), date(9999, 12, 31), Decimal("8.00000001")),
        ("USD", date(2026, 5, 10), date(2026, 6, 10), Decimal(7)),
        ("USD", date(2026, 6, 10), date(9999, 12, 31), Decimal("7.123")),
    ]


def test_without_a_file_only_the_own_currency_has_a_rate(tmp_path: Path) -> None:
    (row,) = currency_rate_rows(read_currency_rates(tmp_path, "EUR"), "EUR")
    assert (row["currency"], row["rate"]) == ("EUR", 1)


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        (TWO.replace("to: CNY\n", ""), r"currency_rates\.yml:\d*:? ?to: is missing"),
        (TWO.replace("to: CNY", "to: EUR"), r"currency_rates\.yml:2: to: rates are to EUR, .* in CNY"),
        (TWO.replace("EUR:", "CNY:"), r"currency_rates\.yml:7: rates\.CNY: is the installation's own"),
        (TWO.replace("7.123", "0"), r"currency_rates\.yml:5: rates\.USD\.2026-06-10"),
        (TWO.replace("7.123", "-7"), "rates.USD.2026-06-10"),
        (TWO.replace("8.00000001", "8.000000001"), "rates.EUR.2026-01-01"),
        (TWO.replace("2026-05-10", "2026-06-10"), "2026-06-10 stands twice"),
        (TWO.replace("2026-05-10", "10.05.2026"), "a date reads like"),
        (TWO.replace("USD", "dollar"), "dollar"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path: Path, broken: str, told: str) -> None:
    (tmp_path / "currency_rates.yml").write_text(broken, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=told):
        read_currency_rates(tmp_path, "CNY")


def test_the_sample_company_counts_with_the_shipped_rates() -> None:
    rates = read_currency_rates(PROJECT_ROOT / "config", "CNY").rates
    assert {str(day): float(rate) for day, rate in rates["USD"].items()} == dict(assumptions.USD_RATES)
    assert all(day.endswith("-01") for day, _ in assumptions.USD_RATES)
