"""The record of what readers rely on: additions are recorded, losses are told."""

from __future__ import annotations

from include.development.mart_interface import broken, missing, record

RECORDED = {
    "marts.fct_ticket": {"ticket_key": "bigint", "channel": "varchar"},
    "marts.dim_team": {"team_key": "bigint"},
}


def test_what_is_kept_or_added_breaks_nothing() -> None:
    current = {**RECORDED, "marts.dim_team": {"team_key": "bigint", "region": "varchar"}, "marts.new": {"a": "date"}}

    assert broken(RECORDED, current) == []
    assert missing(RECORDED, current) == ["marts.dim_team.region", "marts.new.a"]
    assert record(RECORDED, current) == current


def test_a_dropped_column_a_changed_type_and_a_lost_mart_are_told_and_stay_on_record() -> None:
    current = {"marts.fct_ticket": {"ticket_key": "varchar"}}

    assert broken(RECORDED, current) == [
        "marts.fct_ticket.ticket_key is varchar, and readers rely on bigint",
        "marts.fct_ticket.channel is gone, and readers rely on it",
        "marts.dim_team is gone, and readers rely on it",
    ]
    assert record(RECORDED, current) == RECORDED
