"""The two sides of the ticket marts' benchmark make the same tables: else their costs can't be compared."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from benchmarks.warehouse import ticket_marts
from tests.benchmarks.both_sides import assert_same_rows, both_sides, rows_with

TICKETS = 6000
ENOUGH = 20
# What the marts' rules are about, as conditions on their rows.
REACHED = {
    "fct_ticket_event": ["event_type = 'transfer'", "event_type = 'priority_change'", "agent_key = 0"],
    "fct_ticket": [
        "reopen_count > 0",
        "exclusion = 'spam'",
        "first_response_at is null",
        "first_response_clock_at > created_at",
        "first_response_business_minutes = 0",
        "is_first_response_within_2h",
        "not is_first_response_within_4h",
        "on_hold_minutes > 0 and agent_wait_minutes > 0",
        "requester_wait_business_minutes < requester_wait_minutes",
        "is_one_touch",
        "not is_one_touch",
        "contact_count > 2",
        "is_first_contact_resolved",
        "not is_first_contact_resolved and reopen_count = 0",
        "is_followed_by_repeat",
        "repeat_number = 2",
        "is_bot_handed_over",
        "is_complaint_untouched_2h",
        "not is_complaint_resolved_within_48h",
        "is_resolved_within_30d is null",
    ],
    "fct_ticket_sla": [
        "sla_clock = 'first_response' and state = 'breached'",
        "sla_clock = 'next_response' and state = 'met'",
        "sla_clock = 'resolution' and state = 'breached' and is_business_hours",
        "sla_clock = 'resolution' and state = 'breached' and not is_business_hours",
        "instance = 2",
        "paused_minutes > 0",
        "priority is null",
        "due_at > stopped_at",
        "customer_version_key in (select customer_version_key from marts.dim_customer_version"
        " where valid_from > timestamp '1900-01-01')",
    ],
    "fct_ticket_repeat": ["steps_back = 1"],
    "fct_backlog_daily": [
        *(f"{flow} > 0" for flow in ("created", "reopened", "moved_in", "solved", "moved_out")),
        *(f"{age} > 0" for age in ("open_0_1d", "open_1_3d", "open_3_7d", "open_over_7d")),
        "team_key = 0 and priority is null",
    ],
    "fct_agent_daily": ["tickets_touched > 1", "reply_count > 1", "tickets_solved = 0", "solved_reply_count > 1"],
}


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """The tables of both sides."""
    with both_sides("ticket", ticket_marts.prepare, tmp_path_factory.mktemp("bench"), TICKETS) as con:
        yield con


@pytest.mark.parametrize(("mart", "key"), ticket_marts.MARTS.items())
def test_both_sides_make_the_same_rows(both: duckdb.DuckDBPyConnection, mart: str, key: str) -> None:
    assert_same_rows(both, mart, key)


@pytest.mark.parametrize(("mart", "condition"), [(mart, one) for mart, all_of in REACHED.items() for one in all_of])
def test_the_tickets_reach_the_rules(both: duckdb.DuckDBPyConnection, mart: str, condition: str) -> None:
    assert rows_with(both, mart, condition) > ENOUGH
