"""What came in and where it went, night by night, against counts worked out by hand."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from include.gate.ledger import AccountingError, DataFile, EntityCount
from include.reporting.audit.ledger_facts import (
    Flow,
    LedgerFacts,
    LedgerNight,
    flow_of,
    gravity,
    read_ledger_facts,
)
from include.reporting.audit.night_state import check_balanced
from include.warehouse.night_records import begun_nights
from tests.support.audited_home import FAILED, GOOD, NIGHTS, PUBLISHED, QUIET
from tests.support.mini_company import MiniCompany


@pytest.fixture(scope="module")
def facts(audited: MiniCompany) -> LedgerFacts:
    return read_ledger_facts(audited.home, begun_nights(audited.home), audited.night(PUBLISHED))


def at(facts: LedgerFacts, audited: MiniCompany, night: str) -> LedgerNight:
    return facts.nights[audited.night(night)]


def test_every_night_that_began_is_told_of(facts: LedgerFacts, audited: MiniCompany) -> None:
    assert list(facts.nights) == [audited.night(night) for night in NIGHTS]


def test_rows_by_entity_add_up(facts: LedgerFacts, audited: MiniCompany) -> None:
    night = at(facts, audited, GOOD)
    assert night.flows == {
        ("desk", "customer_identity"): Flow(1, 1, 0, 0, 0),
        ("desk", "ticket"): Flow(7, 3, 1, 0, 3),
        ("desk", "ticket_event"): Flow(2, 1, 0, 1, 0),
    }
    assert night.total == Flow(10, 5, 1, 1, 3)
    assert night.received == {"desk": 10}
    for one in facts.nights.values():
        check_balanced(one)


def test_rules_are_told_with_all_verdicts(facts: LedgerFacts, audited: MiniCompany) -> None:
    found = {one.rule_id: (one.failed, one.checked) for one in at(facts, audited, GOOD).rules().values() if one.failed}
    assert found == {
        "ticket_created_in_future": (1, 7),
        "ticket_time_in_future": (1, 7),
        "ticket_event_without_ticket": (1, 2),
        "ticket_missing_key": (1, 7),
        "ticket_missing_required": (1, 7),
        "ticket_resolved_before_created": (1, 7),
        "ticket_unmapped_value": (1, 7),
        "ticket_without_customer": (1, 7),
    }


def test_what_waited_is_told_where_it_came_and_where_it_went(facts: LedgerFacts, audited: MiniCompany) -> None:
    first, second = at(facts, audited, GOOD), at(facts, audited, FAILED)
    assert [(one.entity, one.rows, one.night) for one in first.moved_since] == [
        ("ticket_event", 1, audited.night(FAILED))
    ]
    assert [(one.entity, one.rows) for one in second.moved] == [("ticket_event", 1)]
    assert first.flows["desk", "ticket_event"].held == 1, "a night says how it ended"


def test_a_delivery_that_could_not_be_judged_is_held_whole(facts: LedgerFacts, audited: MiniCompany) -> None:
    night = at(facts, audited, FAILED)
    (troubled,) = [one for one in night.deliveries if one.is_troubled]
    assert (troubled.status, troubled.records) == ("failed", 2)
    assert night.flows["desk", "ticket_event"] == Flow(2, 0, 0, 2, 0)
    assert night.total == Flow(3, 1, 0, 2, 0)
    assert [(one.failed, one.stopped) for one in night.checks if one.rule_id == "batch_stopped"] == [(2, True)]
    assert [(source, feed) for source, feed, _ in night.identical] == [("desk", "users")]


def test_a_night_on_which_nothing_came_has_zero_rows(facts: LedgerFacts, audited: MiniCompany) -> None:
    night = at(facts, audited, QUIET)
    assert (night.total, night.deliveries, night.checks) == (Flow(), (), ())


def test_a_print_changes_with_what_is_told(facts: LedgerFacts, audited: MiniCompany) -> None:
    prints = {night.print() for night in facts.nights.values()}
    assert len(prints) == len(NIGHTS)
    again = read_ledger_facts(audited.home, begun_nights(audited.home), audited.night(PUBLISHED))
    assert {night.print() for night in again.nights.values()} == prints
    # Up to the first night nothing has moved since.
    alone = read_ledger_facts(audited.home, begun_nights(audited.home), audited.night(GOOD))
    assert at(alone, audited, GOOD).print() not in prints


def test_a_move_in_the_same_night_takes_rows_off_those_that_wait() -> None:
    def file(rows: int) -> DataFile:
        return DataFile(path="p", sha256="s", rows=rows)

    full = EntityCount(
        rows_in=10, rows_clean=6, rows_quarantined=4, rows_not_counted=1, key_count=10, clean=file(6), held=file(3)
    )
    move = EntityCount(rows_in=10, rows_clean=8, rows_quarantined=2, rows_not_counted=2, key_count=10, clean=file(2))
    assert flow_of(full, "gated") == Flow(10, 5, 1, 3, 1)
    assert flow_of(full, "gated", [move]) == Flow(10, 6, 2, 1, 1)
    assert flow_of(full, "stopped") == Flow(10, 5, 1, 4, 0)
    discarded = full.model_copy(update={"held": None})
    assert flow_of(discarded, "discarded") == Flow(10, 5, 1, 0, 4), "what a person discarded waits no more"


def test_verdicts_stand_by_what_they_take_away() -> None:
    assert sorted(["note", "flag", "stop", "unusable", "not_counted"], key=gravity) == [
        "stop", "unusable", "not_counted", "flag", "note",
    ]  # fmt: skip


def test_sums_that_do_not_hold_are_refused() -> None:
    night = LedgerNight(datetime(2026, 6, 30, 16, tzinfo=UTC), flows={("desk", "ticket"): Flow(10, 9, 0, 0, 0)})
    with pytest.raises(AccountingError, match="desk ticket"):
        check_balanced(night)
