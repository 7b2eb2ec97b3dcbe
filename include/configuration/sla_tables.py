"""The service levels as the control table `sla_policy`, which dbt reads."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import product
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from include.configuration.sla import Policy, ServiceLevels
from include.settings import end_of_day

CLOCKS = ("first_response", "next_response", "resolution")
SLA_POLICY_COLUMNS: dict[str, pa.DataType] = {
    "policy": pa.string(),
    "policy_en": pa.string(),
    "policy_zh": pa.string(),
    "policy_order": pa.int32(),
    "sla_clock": pa.string(),
    "tier": pa.string(),
    "priority": pa.string(),
    "issue_type": pa.string(),
    "channel": pa.string(),
    "valid_from_at": pa.timestamp("us"),
    "valid_to_at": pa.timestamp("us"),
    "target_minutes": pa.int64(),
    "is_business_hours": pa.bool_(),
}
_ALWAYS_FROM = datetime(1900, 1, 1)
_ALWAYS_TO = datetime(9999, 12, 31)
Row = dict[str, Any]


def sla_policy_rows(levels: ServiceLevels, timezone: str) -> list[Row]:
    """One row per policy, clock and combination of its conditions (null: any); times are UTC."""
    return [row for order, policy in enumerate(levels.policies, 1) for row in _rows(policy, order, timezone)]


def _rows(policy: Policy, order: int, timezone: str) -> Iterator[Row]:
    conditions = [getattr(policy, name) or (None,) for name in ("tier", "priority", "issue_type", "channel")]
    zone = ZoneInfo(timezone)
    begin = _naive(end_of_day(policy.valid_from - timedelta(days=1), zone)) if policy.valid_from else _ALWAYS_FROM
    end = _naive(end_of_day(policy.valid_to, zone)) if policy.valid_to else _ALWAYS_TO
    for clock in CLOCKS:
        for tier, priority, issue_type, channel in product(*(dict.fromkeys(codes) for codes in conditions)):
            yield {
                "policy": policy.name,
                "policy_en": policy.words.en,
                "policy_zh": policy.words.zh,
                "policy_order": order,
                "sla_clock": clock,
                "tier": tier,
                "priority": priority,
                "issue_type": issue_type,
                "channel": channel,
                "valid_from_at": begin,
                "valid_to_at": end,
                "target_minutes": getattr(policy.targets, clock),
                "is_business_hours": policy.hours == "business",
            }


def _naive(instant: datetime) -> datetime:
    return instant.replace(tzinfo=None)
