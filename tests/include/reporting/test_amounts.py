"""Values in words, in both languages."""

from __future__ import annotations

import pytest

from include.reporting.amounts import amount

# The no-break space between a number and its unit.
_ = "\u00a0"


@pytest.mark.parametrize(
    ("value", "unit", "en", "zh"),
    [
        (0.8014, "share", f"80.1{_}%", "80.1%"),
        (0.00743, "share", f"0.74{_}%", "0.74%"),
        (0.0, "share", f"0.00{_}%", "0.00%"),
        (39.26, "minutes", f"39.3{_}min", f"39.3{_}分钟"),
        (552, "minutes", f"9.2{_}h", f"9.2{_}小时"),
        (14.23, "per_1000", f"14.2{_}‰", "14.2‰"),
        (1.42, "per_10000", "1.4 per 10,000", "1.4（每万）"),
        (2776.5, "currency", f"2,776{_}CNY", f"2,776{_}CNY"),
        (1234, "count", "1,234", "1,234"),
        (-15.46, "points", "−15.5", "−15.5"),
        (3.004, "score", "3.00", "3.00"),
        (1.25, "of_no_known_kind", "1.2", "1.2"),
    ],
)
def test_a_value_with_its_unit(value: float, unit: str, en: str, zh: str) -> None:
    assert (amount(value, unit, "en", "CNY"), amount(value, unit, "zh", "CNY")) == (en, zh)


@pytest.mark.parametrize(
    ("value", "unit", "beside", "told"),
    [
        (-0.032, "share", 0.0531, f"−3.20{_}pp"),
        (0.0231, "share", 0.455, f"+2.3{_}pp"),
        (-60, "minutes", 552, f"−1.0{_}h"),
        (2.31, "minutes", 39.3, f"+2.3{_}min"),
        (0.0, "points", 10, "0.0"),
        (-0.00001, "share", 0.5, f"0.0{_}pp"),
        (-1200, "currency", 5000, f"−1,200{_}CNY"),
    ],
)
def test_a_change_is_told_in_the_unit_of_its_value(value: float, unit: str, beside: float, told: str) -> None:
    assert amount(value, unit, "en", "CNY", signed=True, beside=beside) == told
