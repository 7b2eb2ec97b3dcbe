"""Whole deliveries against those before them: what is noted, what is stopped, and a quiet night that raises nothing."""

from __future__ import annotations

import json
import random
import shutil
from datetime import timedelta
from html import unescape
from pathlib import Path

import pytest

from include.gate.arrivals import read_silences
from include.gate.context import Context, context_path, prepare_night, read_context
from include.gate.figures import figures_path
from include.gate.gating import gate_group
from include.gate.ledger import CheckResult, Gate, read_ledger
from include.gate.rules import holding_rules, load_rules
from include.gate.settling import settle_night
from include.reporting.audit import write_audit_pages
from include.settings import night_id
from include.warehouse.inputs import inputs_folder, write_inputs
from include.warehouse.night_records import begin_night
from tests.support.mini_company import ITEMS, RESPONSE_HEADER, TICKET_HEADER, MiniCompany, response

NIGHTS = [f"2026-06-{day:02}" for day in range(1, 7)]
LAST = "2026-06-07"
ROWS = 220
# Shares of the answers 1 to 5.
LIKED = (5, 5, 15, 35, 40)
FLIPPED = LIKED[::-1]


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that six usual nights have reached: the first of them loads ten times as much of an older time."""
    folder = tmp_path_factory.mktemp("whole")
    company = MiniCompany(folder)
    company.add_survey()
    for night in NIGHTS:
        is_first = night == NIGHTS[0]
        company.deliver(
            night, "tickets.csv", tickets(night, solved=100 if is_first else 60, rows=ROWS * (10 if is_first else 1))
        )
        company.deliver(night, "responses.csv", responses(night), "survey")
        company.run(night)
    return folder


@pytest.fixture
def company(used: Path, tmp_path: Path) -> MiniCompany:
    found = MiniCompany(shutil.copytree(used, tmp_path / "company"))
    found.add_survey()
    return found


def tickets(night: str, *, solved: int = 60, rows: int = ROWS, without: tuple[str, ...] = (), unknown: int = 0) -> str:
    """An export: of 100 tickets so many are solved, and of so many nobody knows the customer; some columns may lack."""
    day = f"{int(night[:4])}/{night[5:7]}/{night[8:]}"
    names = TICKET_HEADER.strip().split(",")
    lines = []
    for n in range(rows):
        is_solved = n % 100 < solved
        cells = {
            "工单编号": f"T{night}-{n}",
            "客户": "" if n % 100 < unknown else f"C{n}",
            "状态": "已解决" if is_solved else "处理中",
            "创建时间": f"{day} 10:00",
            "解决时间": f"{day} 11:00" if is_solved else "",
            "描述": "坏了",
            "更新时间": f"{day} 12:00",
        }
        lines.append(",".join(cells[name] for name in names if name not in without))
    return "\n".join([",".join(name for name in names if name not in without), *lines]) + "\n"


def responses(night: str, weights: tuple[int, ...] = LIKED, without: int = 0) -> str:
    """An export of answers by chance; the first `without` questions of the block are left empty."""
    chance = random.Random(night)
    lines = []
    for n in range(ROWS):
        answers = "-" * without + "".join(map(str, chance.choices((1, 2, 3, 4, 5), weights, k=ITEMS - without)))
        (score,) = chance.choices((1, 2, 3, 4, 5), weights)
        lines.append(response(f"{night}-{n}", answers, str(score), "3" if score <= 2 else ""))
    return RESPONSE_HEADER + "".join(lines)


def run(company: MiniCompany, text: str, feed: str = "tickets", night: str = LAST) -> Gate:
    """Deliver one more night; returns the gate of the feed."""
    company.deliver(night, f"{feed}.csv", text, "desk" if feed == "tickets" else "survey")
    company.run(night)
    return last_gate(company, feed, night)


def last_gate(company: MiniCompany, feed: str, night: str = LAST) -> Gate:
    gates = [gate for gate in read_ledger(company.home, company.night(night)) if gate.feed == feed]
    return max(gates, key=lambda gate: (gate.batch_order, gate.gate_no))


def checks(gate: Gate) -> dict[tuple[str, str], CheckResult]:
    return {(one.entity, one.rule_id): one for one in gate.checks if one.rule_id.startswith("batch_")}


def test_a_quiet_night_raises_nothing(company: MiniCompany) -> None:
    company.deliver(LAST, "responses.csv", responses(LAST), "survey")
    gate = run(company, tickets(LAST))

    found = checks(gate) | checks(last_gate(company, "responses"))
    assert {one.failed_count for one in found.values()} == {0}
    assert {rule for _, rule in found} == {rule.id for rule in load_rules().of_batches}
    assert found["ticket", "batch_missing_share"].checked_count == 7
    assert found["survey_answer", "batch_score_drift"].checked_count == ITEMS + 1
    assert (gate.status, gate.message) == ("gated", None)
    assert read_silences(company.home, company.night(LAST)) == []


def test_a_first_load_does_not_say_what_is_usual(company: MiniCompany) -> None:
    """All of its tickets are solved, and it has ten times the rows of any other night."""
    gate = run(company, tickets(LAST))
    usual = read_context(company.home, company.night(LAST), "desk").usual_figures["tickets"]
    assert usual.deliveries == 5
    assert usual.entities["ticket"].columns["status"].values == {"open": 5 * 80, "resolved": 5 * 140}
    assert gate.message is None


@pytest.mark.parametrize(("rows", "is_unusual"), [(10 * ROWS, True), (ROWS // 10, True), (ROWS, False)])
def test_ten_times_and_a_tenth_are_noted(company: MiniCompany, rows: int, is_unusual: bool) -> None:
    gate = run(company, tickets(LAST, rows=rows))
    assert gate.status == "gated"
    check = checks(gate)["ticket", "batch_volume"]
    assert (check.verdict, check.failed_count, check.checked_count, check.stopped) == ("note", is_unusual, 1, False)


@pytest.mark.parametrize(
    ("text", "rule", "remark"),
    [
        (
            # 96 of 220 solved, 140 are usual: .2 × ln(.636 ÷ .436) + .2 × ln(.564 ÷ .364)
            tickets(LAST, solved=38),
            "batch_category_drift",
            "drift: desk.tickets: ticket resolved_at is missing in 56% (36% is usual), ticket status PSI 0.16",
        ),
        (
            tickets(LAST, unknown=30),
            "batch_missing_share",
            "drift: desk.tickets: ticket customer_id is missing in 36% (0% is usual)",
        ),
    ],
)
def test_what_shifts_is_noted_and_judged_as_any_other(company: MiniCompany, text: str, rule: str, remark: str) -> None:
    gate = run(company, text)
    assert (gate.status, gate.entities["ticket"].rows_clean) == ("gated", ROWS)
    assert (gate.message or "").startswith(remark)
    found = {name: one.failed_count for (_, name), one in checks(gate).items() if one.failed_count}
    assert found[rule] == 1


@pytest.mark.parametrize(
    ("without", "rule", "words"),
    [
        (("描述",), "batch_column_emptied", "desk.tickets ticket: description is empty (100% are usually filled)"),
        (
            ("描述", "解决时间"),
            "batch_columns_lacking",
            "desk.tickets ticket: 5 mapped columns found, 7 are usual",
        ),
    ],
)
def test_a_column_that_is_gone_stops_the_delivery(
    company: MiniCompany, without: tuple[str, ...], rule: str, words: str
) -> None:
    gate = run(company, tickets(LAST, without=without))
    assert (gate.status, gate.message) == ("stopped", f"{rule}: {words} [SM306]")
    assert checks(gate)["ticket", rule].stopped
    assert [one.rule_id for one in gate.checks if one.stopped] == [rule]
    count = gate.entities["ticket"]
    assert (count.rows_in, count.rows_clean, count.rows_quarantined) == (ROWS, 0, ROWS)
    assert {status for *_, status in company.reasons("ticket")} == {"held"}
    assert not figures_path(company.home, gate.batch_id, gate.gate_no).exists(), "it says nothing of what is usual"


def test_a_question_that_nobody_answers_stops_the_delivery(company: MiniCompany) -> None:
    gate = run(company, responses(LAST, without=1), "responses")
    assert (gate.message or "").startswith("batch_column_emptied: survey.responses survey_answer: s1.q01 is empty")


def test_scores_on_a_turned_scale_stop_the_delivery_until_the_rule_leaves_it_alone(company: MiniCompany) -> None:
    gate = run(company, responses(LAST, FLIPPED), "responses")
    assert gate.status == "stopped"
    assert (gate.message or "").startswith("batch_break: survey.responses survey_answer: s1.q01 PSI ")
    assert gate.entities["survey_answer"].rows_quarantined == gate.entities["survey_answer"].rows_in > 0

    kept = json.loads(load_rules().text)
    for rule in kept["batch"]:
        rule["except"] = ["survey.responses"] if rule["id"] == "batch_break" else []
    as_of = company.night(LAST)
    with holding_rules(json.dumps(kept)):
        gate_group(company.settings, as_of, "surveys")
        settle_night(company.settings, as_of)

    released = last_gate(company, "responses")
    assert (released.gate_no, released.status) == (2, "gated")
    assert released.entities["survey_answer"].rows_clean > 0
    assert ("survey_answer", "batch_break") not in checks(released)
    assert "drift: survey.responses: survey_answer s1.q01 PSI" in (released.message or "")


@pytest.mark.parametrize(("night", "days"), [("2026-06-08", None), ("2026-06-09", 3)])
def test_a_feed_that_falls_silent_is_told(company: MiniCompany, night: str, days: int | None) -> None:
    """It comes daily: two nights without it are not yet three times that."""
    company.deliver(night, "responses.csv", responses(night), "survey")
    company.run(night)
    found = read_silences(company.home, company.night(night))
    assert [(one.source, one.feed, one.message) for one in found] == (
        [("desk", "tickets", f"drift: desk.tickets: nothing came for {days} days, 1 are usual")] if days else []
    )
    # The survey tool brings something again, after as long.
    assert checks(last_gate(company, "responses", night))["survey_response", "batch_late"].failed_count == bool(days)

    gate = run(company, tickets(night), night=night)
    assert read_silences(company.home, company.night(night)) == [], "the same night again, and now it has come"
    assert checks(gate)["ticket", "batch_late"].failed_count == bool(days)


def test_silence_stands_in_the_audit(company: MiniCompany) -> None:
    import pyarrow.parquet as pq

    night = company.night("2026-06-09")
    company.run("2026-06-09")
    begin_night(company.home, night, [], [])
    write_inputs(company.settings, night, set())
    rows = pq.read_table(inputs_folder(company.home) / "batch.parquet").to_pylist()
    silent = {row["batch_id"]: row for row in rows if row["status"] == "silent"}
    assert {row["feed"] for row in silent.values()} == {"tickets", "responses"}
    found = pq.read_table(inputs_folder(company.home) / "check_result.parquet").to_pylist()
    late = {row["batch_id"]: row for row in found if row["batch_id"] in silent}
    assert {(row["rule_id"], row["verdict"], row["failed_count"]) for row in late.values()} == {
        ("batch_late", "note", 1)
    }
    named = {row["rule_id"]: row for row in pq.read_table(inputs_folder(company.home) / "rule.parquet").to_pylist()}
    assert named["batch_late"]["name_zh"] == "超过平常间隔 3 倍且至少 2 天没有数据"


def test_auditors_see_what_is_unusual_stopped_and_overdue(company: MiniCompany) -> None:
    run(company, tickets(LAST, solved=38))
    run(company, tickets("2026-06-08", without=("描述",)), night="2026-06-08")
    company.run("2026-06-09")
    write_audit_pages(company.settings)

    def page(night: str, language: str = "en") -> str:
        name = f"night/{night_id(company.night(night))}.{language}.html"
        return unescape((company.home / "reports" / "audit" / name).read_text(encoding="utf-8"))

    assert '<b class="soft">unusual</b></td><td class="words">drift: desk.tickets: ticket' in page(LAST)
    assert "Ticket, whole deliveries; counted are columns and questions, not rows" in page(LAST)
    assert "population stability index 0.1 or more" in page(LAST)
    stopped = page("2026-06-08")
    assert '<b class="alarm">stopped</b>' in stopped and "usually filled in 50% of the rows" in stopped
    assert "工单，整批交付；按列与题目计数，而非按行" in page("2026-06-08", "zh")
    assert "拦截</span>" in page("2026-06-08", "zh")
    overdue = '<b class="soft">overdue</b></td><td class="words">drift: survey.responses: nothing came for 3 days'
    assert overdue in page("2026-06-09")


def test_a_re_run_reads_the_context_of_its_night(company: MiniCompany) -> None:
    as_of = company.night(LAST)
    prepare_night(company.settings, as_of)
    before = context_path(company.home, as_of, "desk").read_bytes()
    run(company, tickets(LAST, solved=38))
    assert context_path(company.home, as_of, "desk").read_bytes() == before
    again = company.night("2026-06-08")
    prepare_night(company.settings, again)
    assert read_context(company.home, again, "desk").usual_figures["tickets"].deliveries == 6


def test_a_context_of_an_older_version_still_reads() -> None:
    old = Context.model_validate({"median_duration_seconds": {"s1": 100.0}, "usual_records": {"responses": 20.0}})
    assert (old.usual_figures, old.usual_days) == ({}, {})


def test_nights_beyond_the_look_back_say_nothing(company: MiniCompany) -> None:
    later = company.night(NIGHTS[-1]) + timedelta(days=company.settings.context_nights + 1)
    prepare_night(company.settings, later)
    assert not context_path(company.home, later, "desk").exists()
