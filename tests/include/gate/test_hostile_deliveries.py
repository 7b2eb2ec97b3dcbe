"""Deliveries as the world sends them: nothing stops the night, loses a row or shows personal data."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest

from include.gate import gating, judging, references, settling
from include.gate.ledger import Gate, holding, read_ledger
from include.gate.rules import Rule, RuleSet, load_rules
from include.landing import read_batches
from tests.support.mini_company import (
    DESK,
    EVENT_HEADER,
    RESPONSE_HEADER,
    TICKET_HEADER,
    USER_HEADER,
    MiniCompany,
    response,
)

FIRST, SECOND, THIRD = "2026-06-01", "2026-06-02", "2026-06-03"
TICKET = "T{n},C1,已解决,2026/06/01 09:00,2026/06/01 10:00,ok,2026/06/01 10:00\n"


def tickets(*numbers: int) -> str:
    return TICKET_HEADER + "".join(TICKET.format(n=n) for n in numbers)


def events(*tickets_of: int) -> str:
    return EVENT_HEADER + "".join(f"E{n},T{n},created,2026-06-01T01:00:00Z\n" for n in tickets_of)


def gates_of(company: MiniCompany, feed: str, night: str = FIRST) -> list[Gate]:
    gates = [gate for gate in read_ledger(company.home, company.night(night)) if gate.feed == feed]
    for gate in gates:
        for count in gate.entities.values():
            assert count.rows_in == count.rows_clean + count.rows_quarantined
    return gates


def add_rule(monkeypatch: pytest.MonkeyPatch, entity: str, **parts: object) -> None:
    words = {"requirement": "CL-6", "verdict": "flag", "en": "en", "zh": "zh"}
    known = load_rules()
    rules = (*known.by_entity[entity], Rule.model_validate({**words, **parts}))
    changed = RuleSet({**known.by_entity, entity: rules}, "other", known.text)
    for module in (gating, judging, references, settling):
        monkeypatch.setattr(module, "load_rules", lambda: changed)


# --- reading --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "right"),
    [("encoding: [utf-8, gb18030]", "encoding: [utf-16-le]"), ("encoding: [utf-8, gb18030]", 'delimiter: ";"')],
)
def test_a_corrected_declaration_reads_the_original_again(company: MiniCompany, wrong: str, right: str) -> None:
    text = tickets(1).replace(",", ";") if "delimiter" in right else tickets(1)
    company.deliver(FIRST, "tickets.csv", text, encoding="utf-16-le" if "encoding" in right else "utf-8")
    company.run(FIRST)
    assert gates_of(company, "tickets")[-1].status in ("unreadable", "failed")
    company.write_source("desk.yml", DESK.replace(wrong, right))
    company.run(SECOND)
    gate = gates_of(company, "tickets", SECOND)[-1]
    assert (gate.status, gate.gate_no, gate.entities["ticket"].rows_clean) == ("gated", 2, 1)
    assert len(read_batches(company.home, "desk", "tickets", company.night(SECOND))) == 1


def test_the_later_delivery_of_a_night_holds(company: MiniCompany) -> None:
    """Corrected files of one night, whatever their hashes: they hold in the order in which they came."""
    for number in range(4):
        company.deliver(FIRST, "users.csv", USER_HEADER + f"C{number},K1,,\n")
        company.run(FIRST)
    batches = read_batches(company.home, "desk", "users", company.night(FIRST))
    assert [one.rows.records for one in batches if one.rows] == [1, 1, 1, 1]
    keys = dict(company.clean("customer_identity", "batch_id, customer_id", "1"))
    assert [keys[one.batch_id] for one in batches] == ["C0", "C1", "C2", "C3"]


# --- personal data --------------------------------------------------------------------------------------------------


def test_without_a_header_nobody_is_named(company: MiniCompany) -> None:
    """The first record stands where the names of columns are expected."""
    company.deliver(FIRST, "users.csv", "C1,王芳,wang@example.cn,13812345678\nC2,李四,li@example.cn,13912345678\n")
    company.run(FIRST)
    gate = gates_of(company, "users")[0]
    masked, reason = company.reasons("customer_identity", "raw_row_masked, reason_en")[0]
    for text in (str(gate.message), masked, reason):
        for secret in ("王芳", "李四", "example.cn", "13812345678", "13912345678"):
            assert secret not in text
    assert company.reasons("customer_identity", "raw_row")[0][0].count("李四") == 1
    assert (gate.status, gate.entities["customer_identity"].rows_quarantined) == ("failed", 1)


def test_doubled_names_are_not_repeated(company: MiniCompany) -> None:
    company.deliver(FIRST, "users.csv", "C1,王芳,王芳,1\n")
    company.run(FIRST)
    assert gates_of(company, "users")[0].status == "unreadable"
    assert "王芳" not in str(gates_of(company, "users")[0].message)


def test_unparsable_lines_and_unmapped_columns_are_masked(company: MiniCompany) -> None:
    header = USER_HEADER.replace("\n", ",备用邮箱\n")
    company.deliver(FIRST, "users.csv", header + "王芳,wang@example.cn\n,K1,a@b.cn,,spare@example.cn\n")
    company.run(FIRST)
    masked = [json.loads(text) for (text,) in company.reasons("customer_identity", "raw_row_masked")]
    assert {"line": "***"} in masked
    row = next(one for one in masked if "id" in one)
    assert (row["mail"], row["备用邮箱"]) == ("***", "[e-mail]")


def test_a_rule_that_raises_on_one_delivery_stops_only_that_one(
    company: MiniCompany, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fault names the rule and not the value that it tripped over."""
    strict = "select row_id from {batch} where cast(description as integer) > 5"
    add_rule(monkeypatch, "ticket", id="ticket_strict", sql=strict)
    company.deliver(FIRST, "tickets.csv", tickets(1, 2).replace(",ok,", ",7,"))
    company.run(FIRST)
    company.deliver(SECOND, "tickets.csv", tickets(3).replace(",ok,", ",8,"))
    company.deliver(THIRD, "tickets.csv", tickets(4).replace(",ok,", ",李四 的 'VIP' 客户,"))
    company.run(THIRD)
    assert [gate.status for gate in gates_of(company, "tickets", THIRD)] == ["gated", "gated", "failed"]
    message = str(gates_of(company, "tickets", THIRD)[-1].message)
    assert "ticket_strict" in message
    assert "李四" not in message
    assert company.clean("ticket", "ticket_id, flag_rules", "1")[-1] == ("T3", "ticket_strict,ticket_unknown_customer")


# --- every row, every reason ----------------------------------------------------------------------------------------


def test_a_stopped_delivery_keeps_its_keys_and_reasons(company: MiniCompany) -> None:
    many = "".join(f"C{n},,a{n}@b.cn,\n" for n in range(10))
    company.deliver(FIRST, "users.csv", USER_HEADER + many)
    company.deliver(SECOND, "users.csv", USER_HEADER + "C1,,a@b.cn,\n,,nokey@b.cn,\nbad\n")
    company.run(FIRST)
    company.run(SECOND)
    count = gates_of(company, "users", SECOND)[-1].entities["customer_identity"]
    assert (count.rows_in, count.rows_quarantined) == (3, 3)
    assert company.reasons("customer_identity", "row_number, rule_id, status, business_key") == [
        (1, "batch_stopped", "held", "C1|"),
        (2, "batch_stopped", "held", None),
        (2, "customer_identity_missing_key", "held", None),
        (3, "batch_stopped", "held", None),
        (3, "customer_identity_unparsable", "held", None),
    ]


@pytest.mark.parametrize(("failing", "status"), [(6, "gated"), (7, "stopped")])
def test_the_share_that_stops_is_of_the_rules_own_rows(
    company: MiniCompany, monkeypatch: pytest.MonkeyPatch, failing: int, status: str
) -> None:
    """Thirteen answers of one response: six failing are under half of the answers, and six times the responses."""
    add_rule(
        monkeypatch, "survey_answer", id="low", sql="select row_id from {batch} where answer_value = 1", stop_above=0.5
    )
    company.add_survey()
    line = response("1", "1" * failing + "2" * (12 - failing))
    company.deliver(FIRST, "responses.csv", RESPONSE_HEADER + line, source="survey")
    company.run(FIRST)
    gate = gates_of(company, "responses")[0]
    assert (gate.status, gate.entities["survey_answer"].rows_in) == (status, 13)
    assert [check.rule_id for check in gate.checks if check.stopped] == (["low"] if status == "stopped" else [])


@pytest.mark.parametrize(
    ("rows", "failing", "stopped"), [(50, 26, ["ticket_unreadable_value"]), (50, 25, []), (49, 49, [])]
)
def test_a_delivery_most_of_whose_values_cannot_be_read_is_stopped_as_shipped(
    company: MiniCompany, rows: int, failing: int, stopped: list[str]
) -> None:
    """Of fewer than fifty rows a few bad ones are many, and each is judged by itself."""
    dates = ["June 1st, 10:00"] * failing + ["2026/6/1 10:00"] * (rows - failing)
    company.deliver(
        FIRST, "tickets.csv", TICKET_HEADER + "".join(f'T{n},,处理中,"{at}",,,\n' for n, at in enumerate(dates))
    )
    company.run(FIRST)
    (gate,) = gates_of(company, "tickets")
    count = gate.entities["ticket"]
    assert [check.rule_id for check in gate.checks if check.stopped] == stopped
    assert (gate.status, count.rows_clean) == (("stopped", 0) if stopped else ("gated", rows - failing))
    if stopped:
        assert "26 of 50 rows fail, more than 50% [SM302]" in (gate.message or "")
        # The mapping learns the format, and the next night takes the delivery in.
        company.write_source("desk.yml", DESK.replace('["%Y/%m/%d %H:%M"]', '["%Y/%m/%d %H:%M", "June %dst, %H:%M"]'))
        company.run(SECOND)
        assert gates_of(company, "tickets", SECOND)[-1].status == "gated"


def test_an_old_snapshot_that_comes_late_is_held_against_the_one_before_it(company: MiniCompany) -> None:
    company.deliver(FIRST, "users.csv", USER_HEADER + "C1,,a@b.cn,\n")
    company.deliver(THIRD, "users.csv", USER_HEADER + "".join(f"C{n},,a{n}@b.cn,\n" for n in range(10)))
    company.run(THIRD)
    company.deliver(SECOND, "users.csv", USER_HEADER + "C1,,a@b.cn,\nC2,,b@b.cn,\n")
    company.run("2026-06-04")
    assert [gate.status for gate in gates_of(company, "users", "2026-06-04")] == ["gated"] * 3


def test_keys_with_the_sign_that_joins_them_are_not_copies(company: MiniCompany) -> None:
    source = DESK.replace("          external_id: [crm_id]\n", "          contact_id: [crm_id]\n").replace(
        "        key_spaces: {external_id: crm}\n", ""
    )
    company.write_source("desk.yml", source)
    company.deliver(FIRST, "users.csv", USER_HEADER + "a|b,c,,\na,b|c,,\n")
    company.run(FIRST)
    assert company.clean("customer_identity", "customer_id, contact_id") == [("a|b", "c"), ("a", "b|c")]


def test_columns_named_like_ours_do_not_get_into_answers(company: MiniCompany) -> None:
    company.add_survey()
    header = RESPONSE_HEADER.replace("\n", ",_cell,cell,value_text,question_ordinal,record,row_id,batch_no\n")
    line = response("1", "555555555555").replace("\n", ",1,1,1,1,9,9,9\n")
    company.deliver(FIRST, "responses.csv", header + line, source="survey")
    company.run(FIRST)
    answers = company.clean("survey_answer", "question_id, answer_value, row_number")
    assert {(float(value), row) for question, value, row in answers if ".q" in question} == {(5.0, 1)}


ANSWERS_ONLY = """\
source: panel
system: Panel
group: surveys
folder: "{home}/inbox/panel"
questionnaires:
  p1:
    survey_name: Panel
    purpose: pulse
    questions:
QUESTIONS
feeds:
  answers:
    delivery: incremental
    files: "{night}/answers.csv"
    entities:
      survey_answer:
        questionnaire: p1
        key_spaces: {response_id: elsewhere}
        columns:
          response_id: [id]
"""


def test_a_feed_of_answers_alone_loses_no_record(company: MiniCompany) -> None:
    company.write_source("panel.yml", ANSWERS_ONLY.replace("QUESTIONS", "      - {id: p1.a, headers: [a]}"))
    company.deliver(FIRST, "answers.csv", "id,a\nR1,5\nR2,\nbad,line,here\n", source="panel")
    company.run(FIRST)
    assert gates_of(company, "answers")[0].status == "gated"
    assert company.clean("survey_answer", "response_id, answer_value::integer") == [("R1", 5)]
    assert company.reasons("survey_answer") == [
        (2, "survey_answer_missing_key", "quarantined"),
        (3, "survey_answer_unparsable", "quarantined"),
    ]


def test_more_than_a_thousand_questions(company: MiniCompany) -> None:
    count = 1100
    questions = "\n".join(
        f"      - {{id: p1.{n}, headers: [c{n}], scale: [1, 5], block: b, required: true}}" for n in range(count)
    )
    source = ANSWERS_ONLY.replace("QUESTIONS", questions).replace(
        "    entities:\n",
        "    entities:\n      survey_response:\n        columns:\n          response_id: [id]\n"
        "          survey_id: {constant: p1}\n          submitted_at: {constant: 2026-06-01 10:00:00}\n",
    )
    company.write_source("panel.yml", source.replace("        key_spaces: {response_id: elsewhere}\n", ""))
    header = "id," + ",".join(f"c{n}" for n in range(count)) + "\n"
    lines = [f"R{row}," + ",".join(str((n + row) % 5 + 1) for n in range(count)) + "\n" for row in (1, 2)]
    company.deliver(FIRST, "answers.csv", header + "".join(lines), source="panel")
    company.run(FIRST)
    gate = gates_of(company, "answers")[0]
    assert (gate.status, gate.entities["survey_answer"].rows_clean) == ("gated", 2 * count)
    row_ids = [row_id for (row_id,) in company.clean("survey_answer", "row_id")]
    assert all(one < two for one, two in pairwise(row_ids))


def test_a_file_without_any_question_is_not_a_file_of_silent_respondents(company: MiniCompany) -> None:
    company.add_survey()
    company.deliver(FIRST, "responses.csv", "序号,提交时间,用时\n1,2026/6/1 12:00:00,9秒\n", source="survey")
    company.run(FIRST)
    gate = gates_of(company, "responses")[0]
    assert gate.status == "failed"
    assert "feeds.responses.entities.survey_answer.questionnaire" in str(gate.message)


@pytest.mark.parametrize("text", [TICKET_HEADER, TICKET_HEADER.strip(), ""])
def test_an_empty_delivery_is_a_delivery(company: MiniCompany, text: str) -> None:
    company.deliver(FIRST, "tickets.csv", text)
    company.deliver(FIRST, "events.csv", events(1))
    company.run(FIRST)
    assert gates_of(company, "tickets")[0].status == ("gated" if text else "unreadable")
    assert company.reasons("ticket_event", "status") == [("held",)]


# --- held rows over nights ------------------------------------------------------------------------------------------


def test_held_rows_wait_while_their_parents_source_is_broken(company: MiniCompany) -> None:
    company.deliver(FIRST, "tickets.csv", tickets(1))
    company.deliver(FIRST, "events.csv", events(1, 2, 3))
    company.run(FIRST)
    company.write_source("desk.yml", "source: [\n")
    company.write_source(
        "other.yml", DESK.replace("source: desk", "source: other").replace("inbox/desk", "inbox/other")
    )
    company.run(SECOND)
    assert company.clean("ticket_event", "event_id") == [("E1",)]
    company.write_source("desk.yml", DESK)
    company.deliver(THIRD, "tickets.csv", tickets(3))
    company.run(THIRD)
    assert company.clean("ticket_event", "event_id, gate_no", "1") == [("E1", 1), ("E3", 2)]


def test_rows_move_one_night_after_the_other(company: MiniCompany) -> None:
    company.deliver(FIRST, "events.csv", events(1, 2, 3))
    for night, numbers in [(FIRST, ()), (SECOND, (2,)), (THIRD, (1,)), ("2026-06-04", (3,))]:
        company.deliver(night, "tickets.csv", tickets(*numbers))
        company.run(night)
    assert company.clean("ticket_event", "event_id, gate_no", "2") == [("E2", 2), ("E1", 3), ("E3", 4)]
    gates = gates_of(company, "events", "2026-06-04")
    assert [gate.entities["ticket_event"].rows_quarantined for gate in gates] == [3, 2, 1, 0]
    assert len(holding(gates)) == 4


def test_a_candidate_of_a_source_that_broke_meanwhile_waits(company: MiniCompany) -> None:
    company.deliver(FIRST, "tickets.csv", tickets(1))
    company.land(FIRST)
    gating.gate_group(company.settings, company.night(FIRST), "tickets")  # and the run is killed here
    company.write_source("desk.yml", "source: [\n")
    assert settling.settle_night(company.settings, company.night(FIRST)).committed == 0
    company.write_source("desk.yml", DESK)
    company.run(FIRST)
    assert company.clean("ticket", "ticket_id") == [("T1",)]


def test_the_quarantine_of_another_source_is_not_this_ones(company: MiniCompany) -> None:
    """Two sources deliver tickets, each under its own ids: T1 of the other is no parent of T1 here."""
    company.write_source(
        "other.yml", DESK.replace("source: desk", "source: other").replace("inbox/desk", "inbox/other")
    )
    company.deliver(FIRST, "tickets.csv", tickets(1).replace("09:00", "nonsense"), source="other")
    company.deliver(FIRST, "events.csv", events(1))
    company.run(FIRST)
    assert company.reasons("ticket_event", "rule_id") == [("ticket_event_without_ticket",)]
