"""Rows of a night's page that are filled into patterns: whatever a delivery holds stays text."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from markupsafe import Markup

from include.reporting.audit.ledger_facts import Check, LedgerFacts, LedgerNight
from include.reporting.audit.night_page import NightTold, night_page
from include.reporting.audit.night_state import NightState
from include.reporting.audit.page_facts import AuditFacts
from include.reporting.audit.sampled_rows import SampledRow
from include.reporting.words import LANGUAGES
from include.warehouse.night_summary import Language

NIGHT = datetime(2026, 6, 30, 16, tzinfo=UTC)


@pytest.mark.parametrize("language", LANGUAGES)
def test_names_and_rows_are_text_and_never_markup(tmp_path: Path, language: Language) -> None:
    ledger = LedgerNight(NIGHT, checks=(Check("desk", "<entity>", "<rule>", "<verdict>", 1, 2),))
    facts = AuditFacts(
        tmp_path,
        "Asia/Shanghai",
        30,
        LedgerFacts({NIGHT: ledger}, {}, []),
        {NIGHT: NightState("published", (), (), ())},
        None,
        {},
    )
    row = SampledRow("<source>", "<feed>", 1, "<key>", "<status>", "<en>", "<zh>", Markup("<i>masked</i>"))
    view = night_page(NightTold(facts, NIGHT, {"<rule>": [row]}, None, None, (), None), language)
    drawn = view["rules"] + view["sampled"]
    names = ["entity", "rule", "verdict", "source", "feed", "key", "status", language]
    assert [name for name in names if f"<{name}>" in drawn] == []
    assert [name for name in names if f"&lt;{name}&gt;" not in drawn] == []
    assert "<i>masked</i>" in drawn
