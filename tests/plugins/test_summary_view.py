"""What a person reads after a night: warnings that no table holds stand in it, too."""

from __future__ import annotations

import io
from datetime import date, datetime

import pytest
from rich.console import Console
from service_metrics.summary_view import Language, print_summary

from include.warehouse.night_summary import NightSummary

NIGHT = NightSummary(
    as_of=datetime(2026, 6, 30, 16),
    as_of_date=date(2026, 6, 30),
    time_zone="Asia/Shanghai",
    currency="CNY",
    run_number=1,
    missing_sources=[],
    rows=[],
    reasons=[],
    identical={},
    held_rows=0,
    troubles=[],
    headlines=[],
)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_remarks_on_the_configuration_are_shown(language: Language) -> None:
    page = io.StringIO()
    remark = "calendars: holidays of CN 2027 are not settled [make calendars]"
    print_summary(Console(file=page, width=200), NIGHT, language, "/home", {}, {"all": 1.0}, [remark])
    assert f"! {remark}" in page.getvalue()
    print_summary(Console(file=page, width=200), NIGHT, language, "/home", {}, {"all": 1.0})
    assert page.getvalue().count(remark) == 1
