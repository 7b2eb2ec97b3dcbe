"""The true metric values, worked out again from the files by slow and obvious code."""

from __future__ import annotations

import re
from calendar import monthrange
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from statistics import median
from zoneinfo import ZoneInfo

import pytest

from include.configuration.currency_rates import read_currency_rates
from include.sample_company import KnownAnswers
from include.settings import PROJECT_ROOT
from tests.support.sample_files import Row, SampleFiles, iso_time, local_time

ZONE = ZoneInfo("Asia/Shanghai")
AS_OF = datetime(2026, 6, 30, 16, tzinfo=UTC)
LAST_DAY = date(2026, 6, 30)
SATISFACTION = {"非常满意": 5, "满意": 4, "一般": 3, "不满意": 2, "非常不满意": 1}
CSAT = "13、您对本次服务总体满意吗？"
CES = "14、为解决问题您花了多少精力？（1 很少 - 7 很多）"


def countable_tickets(files: SampleFiles) -> dict[str, Row]:
    """Current rows of real tickets."""
    rows = files.current("工单导出.csv", "工单编号")
    return {
        key: row
        for key, row in rows.items()
        if not row["不计原因"]
        and not row["合并至"]
        and row["状态"] != "已删除"
        and local_time(row["创建时间"]) <= AS_OF
    }


def contradicts_itself(row: Row) -> bool:
    """Whether a ticket's row tells of an answer or a resolution before its creation."""
    created = local_time(row["创建时间"])
    return any(row[name] and local_time(row[name]) < created for name in ("首次响应时间", "解决时间"))


def counted_tickets(files: SampleFiles) -> dict[str, Row]:
    """Current rows of tickets that are countable and free of contradictions."""
    return {key: row for key, row in countable_tickets(files).items() if not contradicts_itself(row)}


def first_response(row: Row, events: list[Row]) -> tuple[datetime, datetime | None]:
    """Start of the clock and the first response of one ticket."""
    created = local_time(row["创建时间"])
    handed = [iso_time(e["occurred_at"]) for e in events if e["type"] == "handover"]
    said = [
        iso_time(e["occurred_at"])
        for e in events
        if e["type"] == "agent_reply" and e["actor"] == "agent" and e["public"] == "true"
    ]
    if row["客服创建"] == "是" and said and said[0] == created:
        said = said[1:]
    return (handed[0] if handed else created), (said[0] if said else None)


def test_tickets(files: SampleFiles, answers: KnownAnswers) -> None:
    truth = answers.tickets
    events = files.events_by_ticket()
    rows = counted_tickets(files)
    assert len(rows) == truth["counted"]
    waits, within, due = [], 0, 0
    for key, row in rows.items():
        clock, response = first_response(row, events[key])
        minutes = (response - clock).total_seconds() / 60 if response else None
        waits += [minutes] if minutes is not None else []
        if AS_OF - clock >= timedelta(hours=2):
            due += 1
            within += minutes is not None and minutes <= 120
    assert len(waits) == truth["first_response_minutes"]["count"]
    assert median(waits) == pytest.approx(truth["first_response_minutes"]["median"])
    assert sum(waits) / len(waits) == pytest.approx(truth["first_response_minutes"]["mean"], abs=1e-5)
    assert (within, due) == tuple(truth["first_response_within_2h"][k] for k in ("numerator", "denominator"))
    assert due < len(rows), "some tickets are too young to be judged"
    assert sum(row["是否投诉"] == "是" for row in rows.values()) == truth["complaints"]


def test_resolution_and_reopens(files: SampleFiles, answers: KnownAnswers) -> None:
    truth = answers.tickets
    events = files.events_by_ticket()
    cycles, ever, reopened, transitions, cohort, in_time = [], 0, 0, 0, 0, 0
    for key, row in counted_tickets(files).items():
        created = local_time(row["创建时间"])
        state, ends, back = "new", [], 0
        at_limit = "new"
        for event in events[key]:
            if event["type"] not in ("status_change", "reopen"):
                continue
            at = iso_time(event["occurred_at"])
            if state in ("solved", "closed") and event["to"] not in ("solved", "closed"):
                back += 1
                ends.append(None)
            if event["to"] == "solved" or (event["to"] == "closed" and state != "solved"):
                ends.append(at)
            state = event["to"]
            if at <= created + timedelta(days=30):
                at_limit = state
        ever += bool(ends)
        reopened += back > 0
        transitions += back
        if ends and ends[-1]:
            cycles.append((ends[-1] - created).total_seconds() / 60)
        if created <= AS_OF - timedelta(days=30):
            cohort += 1
            in_time += at_limit in ("solved", "closed")
    assert len(cycles) == truth["service_cycle_minutes"]["count"]
    assert median(cycles) == pytest.approx(truth["service_cycle_minutes"]["median"])
    rate = truth["reopen_rate"]
    assert (reopened, ever, transitions) == (rate["numerator"], rate["denominator"], rate["reopen_transitions"])
    assert (in_time, cohort) == (truth["resolved_at_30d"]["numerator"], truth["resolved_at_30d"]["denominator"])


def test_scores(files: SampleFiles, answers: KnownAnswers) -> None:
    truth = answers.surveys
    own = [row for row in files.current("答卷_售后服务.csv", "序号").values() if row["来源详情"]]
    transactional = truth["transactional"]["uncleaned"]
    ratings = [SATISFACTION[row[CSAT]] for row in own if row[CSAT]]
    assert (sum(r >= 4 for r in ratings), len(ratings), sum(ratings)) == (
        transactional["csat"]["satisfied"],
        transactional["csat"]["answered"],
        transactional["csat"]["sum"],
    )
    efforts = [int(row[CES]) for row in own if row[CES] and int(row[CES]) <= 7]
    assert {"sum": sum(efforts), "answered": len(efforts)} == transactional["ces"]
    assert transactional["csat"]["satisfied"] > truth["transactional"]["counted"]["csat"]["satisfied"]

    nps = "Q1 How likely are you to recommend us?"
    people = files.current("relationship_responses.csv", "ResponseId").values()
    scores = [int(row[nps]) for row in people if 0 <= int(row[nps]) <= 10]
    assert {
        "promoters": sum(s >= 9 for s in scores),
        "passives": sum(7 <= s <= 8 for s in scores),
        "detractors": sum(s <= 6 for s in scores),
        "answered": len(scores),
    } == truth["relationship"]["uncleaned"]["nps"]


def test_people_meant_what_they_said_where_nothing_is_missing(files: SampleFiles, answers: KnownAnswers) -> None:
    said: dict[str, list[int]] = defaultdict(list)
    for row in files.current("答卷_售后服务.csv", "序号").values():
        if row["来源详情"]:
            month = local_time(row["提交答卷时间"]).astimezone(ZONE).strftime("%Y-%m")
            said[month].append(SATISFACTION.get(row[CSAT], 0))
    meant = answers.headlines["2026-06-30"]["csat_transactional"]
    assert set(meant) == set(said)
    whole = {month: ratings for month, ratings in said.items() if 0 not in ratings}
    assert len(whole) > len(said) / 2
    for month, ratings in whole.items():
        assert meant[month] == pytest.approx(sum(r >= 4 for r in ratings) / len(ratings), abs=1e-9)
    for month in said.keys() - whole.keys():
        likely = sum(r >= 4 for r in said[month]), sum(r >= 4 or r == 0 for r in said[month])
        assert likely[0] - 1e-6 <= meant[month] * len(said[month]) <= likely[1] + 1e-6
    assert len(whole) < len(said)


def test_tickets_by_month_where_no_row_contradicts_itself(files: SampleFiles, answers: KnownAnswers) -> None:
    truth = answers.headlines["2026-06-30"]
    events = files.events_by_ticket()
    waits: dict[str, list[float | None]] = defaultdict(list)
    contradicted = set()
    for key, row in countable_tickets(files).items():
        month = local_time(row["创建时间"]).astimezone(ZONE).strftime("%Y-%m")
        if contradicts_itself(row):
            contradicted.add(month)
        clock, response = first_response(row, events[key])
        is_due = local_time(row["创建时间"]) <= AS_OF - timedelta(hours=2)
        if response is not None or is_due:
            waits[month].append(None if response is None else (response - clock).total_seconds() / 60)
    assert set(truth["first_response_median"]) == set(waits)
    whole = waits.keys() - contradicted - {"2026-06"}
    assert len(whole) > 5
    for month in whole:
        answered = [wait for wait in waits[month] if wait is not None]
        within = sum(wait <= 120 for wait in answered)
        assert truth["first_response_median"][month] == pytest.approx(median(answered), abs=1e-6)
        assert truth["first_response_within_2h"][month] == pytest.approx(within / len(waits[month]), abs=1e-9)


def test_an_earlier_night_knows_less(answers: KnownAnswers) -> None:
    first, last = answers.headlines["2026-06-27"], answers.headlines["2026-06-30"]
    assert first["service_cycle_median"]["2026-06"] != last["service_cycle_median"]["2026-06"]
    assert first["service_cycle_median"]["2025-01"] == last["service_cycle_median"]["2025-01"]
    assert set(last) - set(first) == {"churn_rate", "ltv_margin_mean", "complaint_rate"}
    assert 0 < sum(last["churn_rate"].values()) < 1
    assert "2026-06" not in last["churn_rate"]


def test_pretest(files: SampleFiles, answers: KnownAnswers) -> None:
    rows = files.all_rows("预测试答卷.csv")
    found = {
        "ambiguity": sum(row["3、有没有看不懂的题目？"] == "有" for row in rows),
        "seconds": sum(int(row["所用时间"].removesuffix("秒")) for row in rows),
        "other": sum(row["2、您通过哪种方式联系我们？"] == "其他" for row in rows),
    }
    parts = {name: {"numerator": number, "denominator": len(rows)} for name, number in found.items()}
    assert answers.pretest == {"responses": 24, **parts}
    assert (found["ambiguity"], found["other"]) == (2, 2)
    assert found["seconds"] < 24 * 90


def test_defects_and_counted_responses_add_up(answers: KnownAnswers) -> None:
    for name, truth in answers.surveys.items():
        out = [kind for kind in answers.not_counted["survey_response"] if kind in truth["by_defect"]]
        assert out, name
        for score, part in (("csat", "satisfied"), ("ces", "sum"), ("nps", "promoters")):
            left_out = sum(truth["by_defect"][kind][score][part] for kind in out)
            assert truth["counted"][score][part] == truth["uncleaned"][score][part] - left_out
        nps = truth["counted"]["nps"]
        assert nps["promoters"] + nps["passives"] + nps["detractors"] == nps["answered"]


def test_invitations(files: SampleFiles, answers: KnownAnswers) -> None:
    invited = files.current("invitations.csv", "invitation_id")
    finished = {row["来源详情"] for row in files.all_rows("答卷_售后服务.csv")}
    finished |= {row["InvitationId"] for row in files.all_rows("relationship_responses.csv") if row["Finished"] == "1"}
    for name, survey in (("transactional", "service_2026"), ("relationship", "relationship_2026")):
        truth = answers.surveys[name]["invitations"]
        mine = [row for row in invited.values() if row["survey"] == survey]
        reached = [row for row in mine if row["delivered"] != "no"]
        assert (len(mine), len(reached)) == (truth["sent"], truth["response_rate"]["denominator"])
        assert sum(row["invitation_id"] in finished for row in mine) == truth["completed"]
        assert {row["probability"] for row in mine if row["stratum"] == "vip"} == {"1"}
        assert {row["probability"] for row in mine if row["stratum"] != "vip"} == {"0.3"}


def _contracts(files: SampleFiles) -> list[Row]:
    return [row for row in files.current("contracts.csv", "contract_no").values() if "-" not in row["monthly_fee"]]


def _day(text: str) -> date:
    return datetime.strptime(text, "%Y%m%d").date()


def test_churn_by_month(files: SampleFiles, answers: KnownAnswers) -> None:
    covered: dict[str, set[date]] = defaultdict(set)
    for row in _contracts(files):
        day, last = _day(row["start"]), min(_day(row["end"]), LAST_DAY)
        while day <= last:
            covered[row["customer_no"]].add(day)
            day += timedelta(days=1)
    churned, undecided, active = Counter(), Counter(), Counter()
    for days in covered.values():
        ordered = sorted(days)
        bridged = set(days)
        for day, following in zip(ordered, [*ordered[1:], None], strict=True):
            gap = 999 if following is None else (following - day).days
            if 1 < gap <= 30:
                bridged |= {day + timedelta(days=n) for n in range(1, gap)}
            elif gap > 30 and day < LAST_DAY:
                decided = day + timedelta(days=30) <= LAST_DAY
                (churned if decided else undecided)[day.strftime("%Y-%m")] += 1
            elif following is None and day == LAST_DAY:
                continue
        active.update(day.strftime("%Y-%m") for day in bridged if day.day == 1)
    ends_today = [row for row in _contracts(files) if _day(row["end"]) == LAST_DAY]
    for month, truth in answers.contracts["by_month"].items():
        assert truth["churned"] == churned[month], month
        assert truth["active_at_start"] == active[month], month
        if month != "2026-06":
            assert truth["undecided"] == undecided[month], month
    june = answers.contracts["by_month"]["2026-06"]["undecided"]
    assert undecided["2026-06"] <= june <= undecided["2026-06"] + len(ends_today)
    assert sum(churned.values()) > 20


def test_value(files: SampleFiles, answers: KnownAnswers) -> None:
    truth = answers.value
    orders = [
        row
        for row in files.current("orders.csv", "Order ID").values()
        if row["Deleted"] == "false" and not row["Amount"].startswith("-")
    ]
    own = [row for row in orders if row["Currency"] == "CNY"]
    assert (len(orders), len(own)) == (truth["orders"]["count"], truth["orders"]["count_cny"])
    revenue = sum(float(row["Amount"]) - float(row["Refund"]) for row in own)
    cost = sum(float(row["Cost"]) for row in own)
    assert revenue == pytest.approx(truth["ltv_revenue_orders"], abs=0.01)
    assert revenue - cost == pytest.approx(truth["ltv_margin_orders"], abs=0.01)

    contracts = {row["contract_no"]: row for row in _contracts(files)}
    total = 0.0
    for row in contracts.values():
        if row["currency"] == "USD":
            continue
        start = _day(contracts[row["renews"]]["end"]) + timedelta(days=1) if row["renews"] else _day(row["start"])
        last = min(_day(row["end"]), LAST_DAY)
        monthly = float(re.sub("[,元]", "", row["monthly_fee"]))
        while start <= last:
            following = (start.replace(day=1) + timedelta(days=32)).replace(day=1)
            length = (following - start.replace(day=1)).days
            total += monthly * (min(last, following - timedelta(days=1)) - start).days / length + monthly / length
            start = following
    assert total == pytest.approx(truth["contracts"]["revenue_by_day_share"], abs=0.01)


def _rate(day: date) -> float:
    rates = read_currency_rates(PROJECT_ROOT / "config", "CNY").rates["USD"]
    return float(rates[max(since for since in rates if since <= day)])


def test_value_in_dollars_is_converted_at_the_rate_of_its_day(files: SampleFiles, answers: KnownAnswers) -> None:
    truth = answers.value["converted"]
    orders = [
        row
        for row in files.current("orders.csv", "Order ID").values()
        if row["Deleted"] == "false" and not row["Amount"].startswith("-") and row["Currency"] == "USD"
    ]
    assert len(orders) == truth["orders"] > 0
    revenue = cost = 0.0
    for row in orders:
        local = datetime.fromisoformat(row["Order Date"]).astimezone(ZoneInfo("Asia/Shanghai")).date()
        revenue += _rate(local) * (float(row["Amount"]) - float(row["Refund"]))
        cost += _rate(local) * float(row["Cost"])
    assert revenue == pytest.approx(truth["revenue_orders"], abs=0.01)
    assert revenue - cost == pytest.approx(truth["margin_orders"], abs=0.01)

    contracts = {row["contract_no"]: row for row in _contracts(files)}
    total = 0.0
    for row in contracts.values():
        day = _day(contracts[row["renews"]]["end"]) + timedelta(days=1) if row["renews"] else _day(row["start"])
        last = min(_day(row["end"]), LAST_DAY)
        monthly = float(re.sub("[,元]", "", row["monthly_fee"])) if row["currency"] == "USD" else 0.0
        while monthly and day <= last:
            total += _rate(day.replace(day=1)) * monthly / monthrange(day.year, day.month)[1]
            day += timedelta(days=1)
    assert total == pytest.approx(truth["revenue_contracts"], abs=0.01)


def test_renewals(files: SampleFiles, answers: KnownAnswers) -> None:
    truth = answers.contracts["renewals"]
    contracts = {row["contract_no"]: row for row in _contracts(files)}
    renewed_by = {row["renews"]: row for row in contracts.values() if row["renews"]}
    due = {no: row for no, row in contracts.items() if _day(row["end"]) + timedelta(days=30) <= LAST_DAY}
    renewed = [no for no in due if no in renewed_by]
    assert (len(renewed), len(due)) == (truth["renewed"]["numerator"], truth["renewed"]["denominator"])
    assert 0.5 < len(renewed) / len(due) < 0.95
    fee = {no: float(re.sub("[,元]", "", row["monthly_fee"])) for no, row in contracts.items()}
    own = [no for no, row in due.items() if row["currency"] != "USD"]
    kept = sum(min(fee[no], fee[renewed_by[no]["contract_no"]]) for no in own if no in renewed_by)
    assert kept == truth["amount_renewed"]["numerator"]
    assert sum(fee[no] for no in own) == truth["amount_renewed"]["denominator"]
    told = [row["voluntary"] for no, row in due.items() if no not in renewed_by and row["voluntary"]]
    assert (told.count("Y"), len(told)) == (truth["voluntary"]["numerator"], truth["voluntary"]["denominator"])


def _mail(text: str) -> str:
    return text.strip().lower()


def _phone(text: str) -> str:
    return re.sub(r"\D", "", text)[-11:]


def test_identity_joins_as_designed(files: SampleFiles, answers: KnownAnswers) -> None:
    """Join by external id, then e-mail, then phone; a method that finds several customers joins nothing."""
    known: dict[tuple[str, str], set[str]] = defaultdict(set)
    crm = files.current("客户.csv", "客户编号")
    survivor = {key: row["合并至"] or key for key, row in crm.items()}
    everyone = set(survivor.values())
    for key, row in crm.items():
        known["id", key].add(survivor[key])
        known["email", _mail(row["邮箱"])].add(survivor[key])
        known["phone", _phone(row["电话"])].add(survivor[key])
    for system, name, columns in (
        ("desk", "users.csv", ("user_id", "crm_id", "email", "phone")),
        ("survey", "contacts.csv", ("contact_id", "external_ref", "e-mail", "mobile")),
    ):
        methods: Counter[str] = Counter()
        learnt: list[tuple[tuple[str, str], str]] = []
        for row in files.current(name, columns[0]).values():
            own, external, mail, phone = (row[column] for column in columns)
            signs = [
                ("external_id", ("id", external)),
                ("email", ("email", _mail(mail))),
                ("phone", ("phone", _phone(phone))),
            ]
            found = next(((m, known[s]) for m, s in signs if s[1] and len(known[s]) == 1), ("none", {own}))
            methods[found[0]] += 1
            learnt += [(sign, next(iter(found[1]))) for _, sign in signs[1:] if sign[1]]
        for sign, customer in learnt:
            known[sign].add(customer)
            everyone.add(customer)
        expected = answers.identity[system]
        assert methods == {name: expected[name] for name in ("external_id", "email", "phone", "none")}
    users = files.current("users.csv", "user_id")
    requesters = {row["用户ID"] for row in files.all_rows("工单导出.csv")} - users.keys()
    buyers = {row["Account ID"] for row in files.all_rows("orders.csv")} - crm.keys()
    assert len(everyone) + len(requesters) + len(buyers) == answers.identity["customers"]
