"""What the mapping language makes of records, through the gate: each one is in clean or in quarantine."""

from __future__ import annotations

from include.gate.ledger import last_gates, read_ledger
from tests.support.mini_company import MiniCompany

USERS = """\
source: users
system: Users
group: crm
folder: "{home}/inbox/users"
feeds:
  users:
    delivery: snapshot
    files: "{night}/users.csv"
    entities:
      agent:
        only: {role: [agent]}
        columns: {agent_id: {key_of: [no, role], occurrence: true}}
      customer:
        only: {role: [customer]}
        columns: {customer_id: {key_of: [no, role]}}
"""
SURVEY = """\
source: poll
system: Poll
group: surveys
folder: "{home}/inbox/poll"
questionnaires:
  p:
    survey_name: 爱好
    purpose: pulse
    questions:
      - id: p.hobby
        headers: [爱好]
        required: true
        multiple: {options: {sport: 运动, food: 美食}}
      - {id: p.why, headers: [原因], role: open, required: true, shown_if: "p.hobby.sport = 1"}
feeds:
  answers:
    delivery: snapshot
    files: "{night}/answers.csv"
    entities:
      survey_response:
        columns: {response_id: {key_of: [人, 爱好, 原因], occurrence: true}, survey_id: {constant: p}}
      survey_answer:
        questionnaire: p
        columns: {response_id: {key_of: [人, 爱好, 原因], occurrence: true}}
"""


def counts(company: MiniCompany) -> dict[str, tuple[int, int, int]]:
    """Rows in, clean and quarantined per entity."""
    gates = last_gates(read_ledger(company.home, company.night("2026-06-01"))).values()
    return {
        entity: (count.rows_in, count.rows_clean, count.rows_quarantined)
        for gate in gates
        for entity, count in gate.entities.items()
    }


def test_what_no_entity_takes_and_copies_without_an_id_are_in_quarantine(company: MiniCompany) -> None:
    company.write_source("users.yml", USERS)
    rows = ["1,agent", "1,agent", "2,customer", "2,customer", "3,robot"]
    company.deliver("2026-06-01", "users.csv", "no,role\n" + "\n".join(rows) + "\n", source="users")
    company.run("2026-06-01")
    assert counts(company) == {"agent": (3, 2, 1), "customer": (2, 1, 1)}
    assert company.reasons("agent") == [(5, "agent_unreadable_value", "quarantined")]
    assert company.reasons("customer") == [(3, "customer_duplicate_in_batch", "quarantined")]
    keys = [key for (key,) in company.clean("agent", "agent_id")]
    assert [key.rpartition("-")[2] for key in keys] == ["1", "2"]


def test_ticked_options_are_judged_as_one_question(company: MiniCompany) -> None:
    company.write_source("poll.yml", SURVEY)
    rows = ["a,运动┋美食,", "a,运动┋美食,", "b,美食,", "c,,", "d,运动┋足球,好玩"]
    company.deliver("2026-06-01", "answers.csv", "人,爱好,原因\n" + "\n".join(rows) + "\n", source="poll")
    company.run("2026-06-01")
    columns = "answered_count, missing_required_count, is_counted"
    assert company.clean("survey_response", columns) == [
        (2, 1, False),  # ticked 运动, and not said why
        (2, 1, False),
        (2, 0, True),  # was not asked why
        (0, 1, False),  # nothing ticked is one gap, not one per option
        (4, 0, True),
    ]
    answers = company.clean("survey_answer", "row_number, question_id, answer_value::integer")
    assert answers[:4] == [
        (1, "p.hobby.sport", 1),
        (1, "p.hobby.food", 1),
        (2, "p.hobby.sport", 1),
        (2, "p.hobby.food", 1),
    ]
    assert answers[4:] == [
        (3, "p.hobby.sport", 0),
        (3, "p.hobby.food", 1),
        (5, "p.hobby.sport", 1),
        (5, "p.hobby.food", 0),
        (5, "p.why", None),
    ]
    assert company.reasons("survey_answer") == [(5, "survey_answer_unreadable_value", "quarantined")]
