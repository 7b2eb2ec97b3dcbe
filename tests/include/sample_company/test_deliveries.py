"""What the known answers say of the files is what a plain reading of the files finds."""

from collections import Counter
from itertools import groupby, pairwise

import pytest

from include.sample_company import KnownAnswers
from tests.support.sample_files import NIGHT_NAMES, SOURCE_OF, Row, SampleFiles, iso_time, local_time, night_end

FEED_OF = {
    "工单导出.csv": "desk.tickets",
    "ticket_events.csv": "desk.ticket_events",
    "users.csv": "desk.users",
    "agents.csv": "desk.agents",
    "teams.csv": "desk.teams",
    "客户.csv": "crm.customers",
    "contracts.csv": "crm.contracts",
    "orders.csv": "crm.orders",
    "products.csv": "crm.products",
    "contacts.csv": "survey.contacts",
    "invitations.csv": "survey.invitations",
    "答卷_售后服务.csv": "survey.responses",
    "relationship_responses.csv": "survey.relationship_responses",
    "预测试答卷.csv": "survey.pretest_responses",
    "visits.tsv": "field.visits",
    "回访记录.csv": "field.call_backs",
    "assets.tsv": "field.assets",
    "engineers.tsv": "field.engineers",
}
KEYS = {
    "工单导出.csv": ("ticket", "工单编号"),
    "ticket_events.csv": ("ticket_event", "event_id"),
    "orders.csv": ("order", "Order ID"),
    "答卷_售后服务.csv": ("survey_response", "序号"),
    "visits.tsv": ("visit", "VISIT_NO"),
    "回访记录.csv": ("follow_up", "回访单号"),
}
AGREEMENT = {"非常同意": 5, "同意": 4, "一般": 3, "不同意": 2, "非常不同意": 1}


def defect(answers: KnownAnswers, name: str, night: str) -> int:
    return answers.defects[name][night]


def block_of(row: Row) -> list[str]:
    return list(row.values())[6:18]


def longest_run(cells: list[str]) -> int:
    return max(len(list(group)) if cell in AGREEMENT else 1 for cell, group in groupby(cells))


@pytest.mark.parametrize("name", list(SOURCE_OF))
def test_records(files: SampleFiles, answers: KnownAnswers, name: str) -> None:
    found = {night: max(len(files.lines(name, night)) - 1, 0) for night in NIGHT_NAMES}
    assert found == {night: answers.records[FEED_OF[name]][night] for night in NIGHT_NAMES}
    assert sum(found.values()) > 0


@pytest.mark.parametrize("name", list(KEYS))
def test_copies_missing_keys_and_broken_lines(files: SampleFiles, answers: KnownAnswers, name: str) -> None:
    entity, key = KEYS[name]
    for night in NIGHT_NAMES:
        rows = files.rows(name, night)
        keyed = Counter(tuple(row.values()) for row in rows if row[key])
        assert sum(keyed.values()) - len(keyed) == defect(answers, f"{entity}.duplicate_in_batch", night)
        assert len({row[key] for row in rows if row[key]}) == len(keyed), "a key stands for one row only"
        assert files.broken(name, night) == defect(answers, f"{entity}.unparsable_line", night)
        if f"{entity}.missing_key" in answers.defects:
            assert sum(not row[key] for row in rows) == defect(answers, f"{entity}.missing_key", night)


def test_contradictions_of_tickets_are_disjoint_and_counted(files: SampleFiles, answers: KnownAnswers) -> None:
    products = {row["product_id"] for row in files.all_rows("products.csv")}
    for night in NIGHT_NAMES:
        users = {row["user_id"] for row in files.rows("users.csv", night)}
        found: Counter[str] = Counter()
        for row in {tuple(row.values()): row for row in files.rows("工单导出.csv", night)}.values():
            if not row["工单编号"]:
                continue
            created = local_time(row["创建时间"])
            signs = {
                "future_time": created > night_end(night),
                "resolved_before_created": bool(row["解决时间"]) and local_time(row["解决时间"]) < created,
                "response_before_created": bool(row["首次响应时间"]) and local_time(row["首次响应时间"]) < created,
                "closed_without_resolution": row["状态"] == "已关闭" and not row["解决时间"],
                "unknown_customer": row["用户ID"] not in users,
                "unknown_product": row["产品编号"] not in products | {"N/A"},
            }
            assert sum(signs.values()) <= 1, row["工单编号"]
            found.update(name for name, here in signs.items() if here)
        for name in signs:
            assert found[name] == defect(answers, f"ticket.{name}", night), (name, night)
    assert answers.defects["ticket.resolved_before_created"]["total"] > 0


def test_events_without_their_ticket(files: SampleFiles, answers: KnownAnswers) -> None:
    arrived: set[str] = set()
    ever = set(files.current("工单导出.csv", "工单编号"))
    for night in NIGHT_NAMES:
        arrived |= {row["工单编号"] for row in files.rows("工单导出.csv", night)}
        orphans = [
            row["ticket_id"] for row in files.rows("ticket_events.csv", night) if row["ticket_id"] not in arrived
        ]
        later = sum(ticket in ever for ticket in orphans)
        assert later == defect(answers, "ticket_event.orphan_event_later", night)
        assert len(orphans) - later == defect(answers, "ticket_event.orphan_event_never", night)
    assert answers.defects["ticket_event.orphan_event_later"]["total"] > 0


def test_incremental_files_hold_that_days_changes_only(files: SampleFiles) -> None:
    late = 0
    for before, night in pairwise(NIGHT_NAMES):
        start, stop = night_end(before), night_end(night)
        changes = [local_time(row["更新时间"]) for row in files.rows("工单导出.csv", night)]
        late += sum(change < start for change in changes)
        assert all(change < stop for change in changes)
        events = [iso_time(row["occurred_at"]) for row in files.rows("ticket_events.csv", night)]
        assert sum(not start <= event < stop for event in events) == 1, "the one event of the future"
        orders = [iso_time(row["Last Modified"]) for row in files.rows("orders.csv", night)]
        assert orders
        assert all(start <= change < stop for change in orders)
    assert late <= 6, "only tickets that arrived a night late were changed before"


def test_answers_with_defects(files: SampleFiles, answers: KnownAnswers) -> None:
    for night in NIGHT_NAMES:
        rows = files.rows("答卷_售后服务.csv", night)
        runs = [longest_run(block_of(row)) for row in rows]
        assert sum(run >= 10 for run in runs) == defect(answers, "survey_response.straight_lined", night)
        careless = defect(answers, "survey_response.speeder_not_counted", night)
        straight = defect(answers, "survey_response.straight_lined", night)
        assert sum(run >= 6 for run in runs) == straight + careless, "nobody honest is near the limit"
        pairs = [(AGREEMENT.get(block_of(row)[1], 0), AGREEMENT.get(block_of(row)[7], 0)) for row in rows]
        agreed = sum(min(pair) >= 4 for pair in pairs)
        assert agreed == defect(answers, "survey_response.opposite_pair_agreed", night)
        honest = [pair for pair, run in zip(pairs, runs, strict=True) if min(pair) >= 4 and run < 6]
        assert all(pair == (4, 4) for pair in honest), "built in as two fours; nobody else agrees to both"
        efforts = [row["14、为解决问题您花了多少精力？（1 很少 - 7 很多）"] for row in rows]
        assert efforts.count("8") == defect(answers, "survey_answer.answer_out_of_scale", night)
        empty = [row for row in rows if not row["13、您对本次服务总体满意吗？"] or not list(row.values())[19]]
        assert len(empty) == defect(answers, "survey_response.missing_required_answer", night)
        recommend = [
            row["Q1 How likely are you to recommend us?"] for row in files.rows("relationship_responses.csv", night)
        ]
        wrong_item = sum(
            row["Q5 Delivery efficiency"] == "6" for row in files.rows("relationship_responses.csv", night)
        )
        off = defect(answers, "survey_answer.relationship_answer_out_of_scale", night)
        assert recommend.count("11") + wrong_item == off


def test_speed_of_answers_stays_clear_of_the_limits(files: SampleFiles, answers: KnownAnswers) -> None:
    rows = files.rows("答卷_售后服务.csv", "2026-06-27")
    seconds = sorted(int(row["所用时间"].removesuffix("秒")) for row in rows)
    median = seconds[len(seconds) // 2]
    speeds = [int(row["所用时间"].removesuffix("秒")) / median for row in rows]
    slow_enough = [speed for speed in speeds if speed >= 0.5]
    assert min(slow_enough) > 0.58
    assert not [speed for speed in speeds if 0.3 < speed < 0.36]
    assert len(speeds) - len(slow_enough) == defect(answers, "survey_response.speeder_flag", "2026-06-27")
    fast = [row for row, speed in zip(rows, speeds, strict=True) if speed < 1 / 3]
    careless = [row for row in fast if longest_run(block_of(row)) >= 6]
    assert len(careless) == defect(answers, "survey_response.speeder_not_counted", "2026-06-27")
    assert len(fast) - len(careless) == defect(answers, "survey_response.speeder_without_sign", "2026-06-27")


def test_snapshots(files: SampleFiles, answers: KnownAnswers) -> None:
    products = {files.path("products.csv", night).read_bytes() for night in NIGHT_NAMES}
    assert len(products) == 1
    customers = [
        {row["客户编号"]: row for row in files.rows("客户.csv", night) if row["客户编号"]} for night in NIGHT_NAMES
    ]
    for number in (1, 2, 3):
        night, earlier, now = NIGHT_NAMES[number], customers[number - 1], customers[number]
        assert len(earlier.keys() - now.keys()) == (answers.defects["customer.snapshot_deleted"][night])
        assert len(now.keys() - earlier.keys()) == answers.defects["customer.new"][night]
        moved = sum(now[key]["客户等级"] != earlier[key]["客户等级"] for key in now.keys() & earlier.keys())
        assert moved == answers.defects["customer.tier_changed"][night]
    assert answers.defects["customer.snapshot_deleted"]["total"] == 3


def test_corrections_come_every_night(answers: KnownAnswers) -> None:
    for name in (
        "ticket.merged",
        "ticket.soft_deleted",
        "order.soft_deleted",
        "order.refunded",
        "contract.notice_given",
    ):
        assert all(answers.defects[name][night] > 0 for night in NIGHT_NAMES[1:]), name


def test_status_changes_form_a_chain(files: SampleFiles) -> None:
    broken = 0
    for events in files.events_by_ticket().values():
        if events[0]["type"] != "created":
            continue
        state = "new"
        for event in events[1:]:
            if event["type"] in ("status_change", "reopen"):
                broken += event["from"] != state
                state = event["to"]
    # Copies of events that were given to tickets that never come are chains of their own.
    assert broken == 0
