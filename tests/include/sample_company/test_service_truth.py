"""The true values of service, worked out again: from the files where they say enough, by hand where they do not."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime, timedelta
from statistics import median

import numpy as np
import pytest

from include.sample_company import KnownAnswers
from include.sample_company.service_levels import NO_TIER, Policies, WorkingHours
from include.sample_company.tickets import HOTLINE_TEAM, VIP_TEAM
from tests.include.sample_company.test_truth import AS_OF, counted_tickets
from tests.support.sample_files import SHANGHAI, Row, SampleFiles, iso_time, local_time

THREE_DAYS = timedelta(days=3)


def visit_time(text: str) -> datetime:
    """03.06.2026 08:05 in Shanghai."""
    return datetime.strptime(text, "%d.%m.%Y %H:%M").replace(tzinfo=SHANGHAI)


def sound_visits(files: SampleFiles) -> list[Row]:
    """The last row of every visit, those of the future and those that end before they begin left out."""
    chosen = []
    for row in files.current("visits.tsv", "VISIT_NO").values():
        times = [visit_time(row[name]) for name in ("ARRIVED", "FINISHED") if row[name]]
        if times == sorted(times) and all(time <= AS_OF for time in times):
            chosen.append(row)
    return chosen


def last_solved(files: SampleFiles) -> dict[str, datetime]:
    """When each counted ticket was solved; those that are open at the end are not there."""
    events = files.events_by_ticket()
    solved = {}
    for key in counted_tickets(files):
        state, at = "new", None
        for event in events[key]:
            if event["type"] in ("status_change", "reopen"):
                if state not in ("solved", "closed") and event["to"] in ("solved", "closed"):
                    at = iso_time(event["occurred_at"])
                state = event["to"]
        if state in ("solved", "closed") and at:
            solved[key] = at
    return solved


def test_visits(files: SampleFiles, answers: KnownAnswers) -> None:
    truth = answers.service
    in_time = decided = 0
    came: Counter[str] = Counter()
    for row in sound_visits(files):
        first, last = visit_time(row["PROMISED_FROM"]), visit_time(row["PROMISED_TO"])
        arrived = visit_time(row["ARRIVED"]) if row["ARRIVED"] else None
        if arrived:
            came[row["TICKET_REF"]] += 1
        if row["RESULT"] != "CAN" and first < last and (arrived or last < AS_OF):
            decided += 1
            in_time += arrived is not None and first <= arrived <= last
    assert (in_time, decided) == (truth["on_time_visits"]["numerator"], truth["on_time_visits"]["denominator"])
    many = [came[ticket] for ticket in counted_tickets(files) if came[ticket]]
    second = truth["second_visit_rate"]
    assert (sum(number >= 2 for number in many), len(many)) == (second["numerator"], second["denominator"])
    assert truth["first_time_fix"]["denominator"] < len(many)


def test_follow_ups(files: SampleFiles, answers: KnownAnswers) -> None:
    truth = answers.service["follow_up"]
    calls: dict[str, list[Row]] = defaultdict(list)
    for row in files.current("回访记录.csv", "回访单号").values():
        odd = row["是否接通"] == "未接通" and row["是否解决"] == "已解决"
        if row["回访时间"] and local_time(row["回访时间"]) <= AS_OF and not odd:
            calls[row["工单号"]].append(row)
    due, called = 0, 0
    said: dict[str, Counter[bool]] = {"reached": Counter(), "confirmed": Counter()}
    for ticket, at in last_solved(files).items():
        if at > AS_OF - THREE_DAYS:
            continue
        due += 1
        mine = [row for row in calls[ticket] if at <= local_time(row["回访时间"]) <= at + THREE_DAYS]
        called += bool(mine)
        for name, header, yes in (("reached", "是否接通", "已接通"), ("confirmed", "是否解决", "已解决")):
            words = {row[header] or ("未" if row["是否接通"] == "未接通" else "") for row in mine}
            if yes in words or words != {""}:
                said[name][yes in words] += 1
    assert (called, due) == (truth["called_in_time"]["numerator"], truth["called_in_time"]["denominator"])
    for name, found in said.items():
        known = (truth[name]["numerator"], truth[name]["denominator"])
        assert (found[True], found[True] + found[False]) == known, name
        assert known[1] < due, "some calls do not say"


def test_backlog_closes(files: SampleFiles, answers: KnownAnswers) -> None:
    truth = answers.service["backlog_of_last_day"]
    still_open = len(counted_tickets(files)) - len(last_solved(files))
    assert truth["closing"] == still_open
    flows = truth["opening"] + truth["created"] + truth["reopened"] - truth["solved"]
    assert flows == truth["closing"]


def test_deliveries(files: SampleFiles, answers: KnownAnswers) -> None:
    delivered = [
        row
        for row in files.current("orders.csv", "Order ID").values()
        if row["Delivered"] and row["Deleted"] == "false" and not row["Amount"].startswith("-")
    ]
    good = sum(row["Delivered"] <= row["Promised"] and row["Correct"] == "1" for row in delivered)
    assert (good, len(delivered)) == (answers.deliveries["numerator"], answers.deliveries["denominator"])


def test_machines(files: SampleFiles, answers: KnownAnswers) -> None:
    machines = files.current("assets.tsv", "ASSET_NO")
    orders = files.all_rows("orders.csv")
    buyers = {(row["Account ID"], row["Product ID"]) for row in orders}
    assert all((row["ACCOUNT"], row["PRODUCT"]) in buyers for row in machines.values())
    named = [row for row in files.current("工单导出.csv", "工单编号").values() if row["设备编号"]]
    # Copies for the future are made from other rows and keep their machine.
    assert (
        len({row["工单编号"] for row in named if local_time(row["创建时间"]) <= AS_OF}) == answers.assets["with_ticket"]
    )
    assert {row["设备编号"] for row in named} <= set(machines)
    assert all(row["产品编号"] == machines[row["设备编号"]]["PRODUCT"] for row in named)


def test_visits_that_came_late_are_those_counted(files: SampleFiles, answers: KnownAnswers) -> None:
    for night in answers.nights[1:]:
        start = datetime.fromisoformat(night).replace(tzinfo=SHANGHAI)
        rows = files.rows("visits.tsv", night)
        assert rows, "every night brings visits"
        late = sum(visit_time(row["CHANGED"]) < start for row in rows)
        assert late == answers.defects["visit.arrived_late"][night]
        calls = [iso_time(row["更新时间"]) for row in files.rows("回访记录.csv", night)]
        assert calls and all(start <= call < start + timedelta(days=1) for call in calls)


def waits_of(events: list[Row]) -> list[tuple[datetime, datetime | None]]:
    """When a customer who had been answered spoke again, and when a person next did; thanks at the end left out."""
    found: list[tuple[datetime, datetime | None]] = []
    spoke, may_wait, is_solved, answered = None, False, False, False
    for number, event in enumerate(events):
        at = iso_time(event["occurred_at"])
        if event["type"] in ("status_change", "reopen"):
            is_solved = event["to"] in ("solved", "closed")
            may_wait |= not is_solved
        elif event["type"] == "customer_reply" and answered and spoke is None:
            spoke, may_wait = at, not is_solved
        elif event["type"] == "agent_reply" and event["actor"] == "agent" and event["public"] == "true":
            if spoke:
                found.append((spoke, at))
            is_opening = number < 2 and events[0]["occurred_at"] == event["occurred_at"]
            spoke, answered = None, answered or not is_opening
    return found + ([(spoke, None)] if spoke and may_wait else [])


def test_next_responses(files: SampleFiles, answers: KnownAnswers) -> None:
    events = files.events_by_ticket()
    waits = [wait for key in counted_tickets(files) for wait in waits_of([e for e in events[key] if not_later(e)])]
    minutes = [(end - start).total_seconds() / 60 for start, end in waits if end]
    truth = answers.service["next_response_minutes"]
    assert (len(minutes), median(minutes)) == (truth["count"], pytest.approx(truth["median"]))
    assert sum(minutes) / len(minutes) == pytest.approx(truth["mean"], abs=1e-5)
    clocks = answers.service["sla"]["next_response"]
    assert clocks["denominator"] + clocks["running"] == len(waits) >= len(minutes)
    assert 0 < clocks["numerator"] < clocks["denominator"]


def not_later(event: Row) -> bool:
    """Whether an event is not of the future."""
    return iso_time(event["occurred_at"]) < AS_OF


def seconds(text: str) -> np.ndarray:
    """UTC seconds of a time in Shanghai."""
    return np.array([int(datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).timestamp())])


@pytest.mark.parametrize(
    ("team", "start", "stop", "minutes"),
    [
        (0, "2026-06-26 17:30", "2026-06-29 09:45", 75),  # over a weekend
        (0, "2026-06-24 08:00", "2026-06-24 20:00", 480),  # a day with its lunch
        (0, "2026-06-24 12:10", "2026-06-24 12:50", 0),
        (0, "2026-06-18 17:00", "2026-06-22 09:30", 90),  # Dragon Boat Festival is a Friday
        (5, "2026-05-09 00:00", "2026-05-10 00:00", 480),  # a Saturday worked like a Tuesday
        (VIP_TEAM, "2026-06-19 21:00", "2026-06-20 09:00", 120),
        (HOTLINE_TEAM, "2026-06-19 21:00", "2026-06-20 09:00", 720),
    ],
)
def test_working_hours(team: int, start: str, stop: str, minutes: int) -> None:
    assert WorkingHours.read().seconds(np.array([team]), seconds(start), seconds(stop)) == [60 * minutes]


def test_policies() -> None:
    policies = Policies.read()
    vip, key_account, standard = range(3)
    low, normal, high, urgent = range(4)
    target = policies.target["first_response"] // 60
    assert target[vip, urgent] == 30 and target[vip, normal] == 60
    assert target[standard, urgent] == 60 and target[key_account, low] == 120
    assert target[NO_TIER, high] == 120 and target[NO_TIER, low] == 240
    assert policies.target["next_response"][vip, urgent] == 60 * 60
    assert policies.target["next_response"][NO_TIER, low] == 480 * 60
    assert policies.target["resolution"][standard, normal] == 2700 * 60
    assert policies.by_calendar[:, urgent].all() and not policies.by_calendar[:, :urgent].any()
