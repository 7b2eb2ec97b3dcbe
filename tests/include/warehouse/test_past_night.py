"""Past nights judged again in another data home: the same gates, under the mappings and rules that held then."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from include import files
from include.gate.ledger import read_ledger
from include.gate.rules import holding_rules, load_rules
from include.gate.versions import read_versions
from include.warehouse.past_night import PastNightError, judge_again
from tests.support.mini_company import DESK, EVENT_HEADER, TICKET_HEADER, MiniCompany

FIRST, SECOND, THIRD = "2026-06-01", "2026-06-02", "2026-06-03"
TICKET = "{},C1,处理中,2026/06/01 09:00,,,2026/06/01 10:00\n"


@pytest.fixture
def lived(company: MiniCompany) -> MiniCompany:
    """Three nights: a feed declared wrongly and healed on the second, events that wait for a ticket of the third."""
    company.write_source(
        "desk.yml", DESK.replace('"{night}/events.csv"', '"{night}/events.csv"\n    encoding: [utf-16]')
    )
    company.deliver(FIRST, "tickets.csv", TICKET_HEADER + TICKET.format("T1"))
    company.deliver(FIRST, "events.csv", EVENT_HEADER + "E1,T1,created,2026-06-01T01:00:00Z\n")
    company.run(FIRST)
    company.write_source("desk.yml", DESK)
    company.deliver(SECOND, "events.csv", EVENT_HEADER + "E2,T2,created,2026-06-01T01:00:00Z\n")
    company.deliver(SECOND, "tickets.csv", TICKET_HEADER + TICKET.format("") + TICKET.format("T1"))
    company.run(SECOND)
    company.write_source("desk.yml", DESK + "# changed\n")
    company.deliver(THIRD, "tickets.csv", TICKET_HEADER + TICKET.format("T2"))
    company.run(THIRD)
    return company


@pytest.mark.parametrize("night", [FIRST, SECOND, THIRD])
def test_every_gate_up_to_a_past_night_is_the_same(lived: MiniCompany, tmp_path: Path, night: str) -> None:
    (lived.sources / "desk.yml").unlink()
    again = judge_again(lived.settings, lived.night(night), tmp_path / "again", say=lambda _: None)
    found, expected = _gates(again.home, lived, night), _gates(lived.home, lived, night)
    assert found == expected
    assert "unreadable" in [gate["status"] for gate in expected]
    assert len(expected) == {FIRST: 2, SECOND: 5, THIRD: 7}[night]


def test_rules_of_earlier_days_hold(lived: MiniCompany, tmp_path: Path) -> None:
    """A rule stops deliveries that today's lets pass."""
    today = load_rules()
    text = today.text.replace('"stop_above": null', '"stop_above": 0.4')
    assert text != today.text
    with holding_rules(text):
        lived.deliver("2026-06-04", "tickets.csv", TICKET_HEADER + TICKET.format("") + TICKET.format("T9"))
        lived.run("2026-06-04")
    assert read_ledger(lived.home, lived.night("2026-06-04"))[-1].status == "stopped"
    again = judge_again(lived.settings, lived.night("2026-06-04"), tmp_path / "again", say=lambda _: None)
    assert _gates(again.home, lived, "2026-06-04") == _gates(lived.home, lived, "2026-06-04")
    assert load_rules().digest == today.digest


def test_what_is_lacking_is_named(lived: MiniCompany, tmp_path: Path) -> None:
    with pytest.raises(PastNightError, match="no night 2026-05-05T16:00:00Z whose versions were kept"):
        judge_again(lived.settings, lived.night("2026-05-05"), tmp_path / "again")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "something").touch()
    with pytest.raises(PastNightError, match="full is not empty"):
        judge_again(lived.settings, lived.night(FIRST), tmp_path / "full")
    mapping = read_versions(lived.home, lived.night(FIRST))[0].mappings["desk.yml"]
    (lived.home / "versions" / "mappings" / f"{mapping}.yml").write_text("source: desk\n")
    with pytest.raises(files.DamagedFileError, match=f"{mapping}.yml is gone or damaged"):
        judge_again(lived.settings, lived.night(FIRST), tmp_path / "again", say=lambda _: None)


def _gates(home: Path, company: MiniCompany, night: str) -> list[dict[str, Any]]:
    """All that the ledger says, the hashes of clean and quarantine among it; the folder is the only difference."""
    return [gate.model_dump() for gate in read_ledger(home, company.night(night))]
