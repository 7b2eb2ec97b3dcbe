"""Service levels: what the file may say, and the rows that dbt reads."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from include.configuration.loading import ConfigurationError
from include.configuration.sla import ServiceLevels, read_sla
from include.configuration.sla_tables import CLOCKS, SLA_POLICY_COLUMNS, sla_policy_rows
from include.contracts import load_contracts
from include.settings import PROJECT_ROOT

ONE = """\
policies:
  - name: vip
    words: {en: VIP, zh: VIP}
    tier: [vip, key_account]
    priority: [urgent]
    valid_from: 2026-03-01
    valid_to: 2026-03-31
    hours: calendar
    targets: {first_response: 30, resolution: 480}
  - name: others
    words: {en: Others, zh: 其他}
    targets: {}
"""


def levels(folder: Path, text: str) -> ServiceLevels:
    (folder / "sla.yml").write_text(text, encoding="utf-8")
    return read_sla(folder)


def test_without_a_file_no_ticket_has_a_target(tmp_path: Path) -> None:
    assert sla_policy_rows(read_sla(tmp_path), "Asia/Shanghai") == []


def test_rows_are_every_combination_of_the_conditions(tmp_path: Path) -> None:
    rows = sla_policy_rows(levels(tmp_path, ONE), "Asia/Shanghai")
    assert all(list(row) == list(SLA_POLICY_COLUMNS) for row in rows)
    found = [(row["policy"], row["policy_order"], row["sla_clock"], row["tier"], row["priority"]) for row in rows]
    vip = [("vip", 1, clock, tier, "urgent") for clock in CLOCKS for tier in ("vip", "key_account")]
    assert found == vip + [("others", 2, clock, None, None) for clock in CLOCKS]
    # a clock that a policy does not name has a row all the same, so that no later policy gives it a target
    assert [row["target_minutes"] for row in rows] == [30, 30, None, None, 480, 480, None, None, None]
    assert [row["is_business_hours"] for row in rows] == [False] * 6 + [True] * 3


def test_days_are_local_and_the_last_one_is_included(tmp_path: Path) -> None:
    read = levels(tmp_path, ONE)
    shanghai, london = sla_policy_rows(read, "Asia/Shanghai")[0], sla_policy_rows(read, "Europe/London")[0]
    assert shanghai["valid_from_at"] == datetime(2026, 2, 28, 16)
    assert shanghai["valid_to_at"] == datetime(2026, 3, 31, 16)
    # summer time began on 29 March
    assert (london["valid_from_at"], london["valid_to_at"]) == (datetime(2026, 3, 1), datetime(2026, 3, 31, 23))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("first_response: 30", "first_response: 0", r"^sla.yml:9: policies.0.targets.first_response: .*greater than 0"),
        ("first_response: 30", "first_reply: 30", r"^sla.yml:9: policies.0.targets.first_reply: unknown key"),
        ("priority: [urgent]", "priority: [P1]", r"^sla.yml:5: policies.0.priority.0: .*'urgent'"),
        ("tier: [vip, key_account]", "tier: []", r"^sla.yml:4: policies.0.tier: "),
        ("hours: calendar", "hours: always", r"^sla.yml:8: policies.0.hours: "),
        ("valid_to: 2026-03-31", "valid_to: 2026-02-30", r"^sla.yml:7: policies.0.valid_to: "),
        ("valid_to: 2026-03-31", "valid_to: 2026-02-01", r"^sla.yml:2: policies.0: policy vip: valid_to lies before"),
        ("name: others", "name: vip", r"^sla.yml:1: policies: policy vip stands twice"),
        ("    targets: {}\n", "", r"^sla.yml:10: policies.1.targets: "),
    ],
)
def test_a_wrong_file_is_named_with_line_and_key(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in ONE
    with pytest.raises(ConfigurationError, match=message):
        levels(tmp_path, ONE.replace(old, new))


def test_the_policies_that_are_shipped_get_looser_and_end_with_one_for_all() -> None:
    policies = read_sla(PROJECT_ROOT / "config").policies
    last = policies[-1]
    assert (last.tier, last.priority, last.issue_type, last.channel, last.valid_to) == (None,) * 5
    for clock in CLOCKS:
        targets = [getattr(policy.targets, clock) for policy in policies if policy.hours == "business"]
        assert targets == sorted(targets) and None not in targets


def test_priorities_are_those_of_tickets() -> None:
    priorities = load_contracts()["ticket"].columns["priority"].values
    for priority in priorities:
        policy = {"name": "p", "words": {"en": "P", "zh": "P"}, "priority": [priority], "targets": {}}
        assert ServiceLevels.model_validate({"policies": [policy]}).policies[0].priority == (priority,)
