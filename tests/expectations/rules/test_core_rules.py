"""The rules of customers, agents, tickets, contracts, orders and surveys, each with a row on either side."""

from __future__ import annotations

from pathlib import Path

import pytest

from include.gate.ledger import read_ledger
from tests.support.mini_company import MiniCompany
from tests.support.rule_files import NIGHT, deliver_rows, expected_rules, failed_rules, tried_rules, write_rule_source

FILES = {
    "customer": """
customer_id,merged_into_customer_id,acquired_date
C1,,2026-06-02|
C2,C1,2026-06-03|customer_acquired_in_future
C3,C9,|customer_unknown_merge
""",
    "agent": """
agent_id,team_id
E1,G1|
E2,G9|agent_unknown_team
E3,|
""",
    "ticket": """
ticket_id,customer_id,team_id,status,created_at,first_response_at,resolved_at,closed_at,reopened_at,reopen_count,handling_minutes,merged_into_ticket_id,product_id,agent_id,service_partner_id,asset_id
T1,C1,G1,closed,2026-06-01 08:00,2026-06-01 08:00,2026-06-01 08:00,2026-06-01 08:00,2026-06-01 08:00,0,0,,P1,E1,SP1,A1|
T2,,,closed,2026-06-01 08:00,2026-06-02 00:00,2026-06-02 00:00,2026-06-02 00:00,2026-06-02 00:00,,,T1,,,,|ticket_without_customer
T3,C1,G1,open,2026-06-01 08:00,2026-06-02 00:01,,,,,,,,,,|ticket_time_in_future
T4,C1,G1,resolved,2026-06-01 08:00,,2026-06-02 00:01,,,,,,,,,|ticket_time_in_future
T5,C1,G1,closed,2026-06-01 08:00,,2026-06-01 09:00,2026-06-02 00:01,,,,,,,,|ticket_time_in_future
T6,C1,G1,open,2026-06-01 08:00,,,,2026-06-02 00:01,,,,,,,|ticket_time_in_future
T7,C1,G1,open,2026-06-01 08:00,,,,,-1,,,,,,|ticket_negative_figure
T8,C1,G1,open,2026-06-01 08:00,,,,,,-0.1,,,,,|ticket_negative_figure
T9,C1,G1,open,2026-06-01 08:00,,,,2026-06-01 07:59,,,,,,,|ticket_reopened_before_created
T10,C1,G1,closed,2026-06-01 08:00,,2026-06-01 09:00,2026-06-01 08:59,,,,,,,,|ticket_closed_before_resolved
T11,C1,G9,open,2026-06-01 08:00,,,,,,,T99,,,,|ticket_unknown_team ticket_unknown_merge
T12,C9,G1,open,2026-06-02 00:01,,,,,,,,,,,|ticket_created_in_future
T13,C9,G1,open,2026-06-02 00:00,,,,,,,,,,,|ticket_unknown_customer
T14,C1,G1,closed,2026-06-01 08:00,2026-06-01 07:59,2026-06-01 07:59,2026-06-01 07:59,,,,,,,,|ticket_response_before_created ticket_resolved_before_created ticket_closed_before_created
T15,C1,G1,closed,2026-06-01 08:00,,,2026-06-01 08:00,,,,,,,,|ticket_closed_without_resolution
T16,C1,G1,open,2026-06-01 08:00,,,,,,,,P9,E9,SP9,A9|ticket_unknown_product ticket_unknown_agent ticket_unknown_service_partner ticket_unknown_asset
""",  # noqa: E501
    "ticket_event": """
event_id,ticket_id,event_type,occurred_at,agent_id,actor_type,from_value,to_value
V1,T1,note,2026-06-02 00:00,E1,,,|
V2,T1,note,2026-06-02 00:01,,,,|ticket_event_in_future
V3,T1,note,2026-06-01 08:00,E9,,,|ticket_event_unknown_agent
V4,T99,note,2026-06-01 08:00,,,,|ticket_event_without_ticket
V5,T12,note,2026-06-01 08:00,,,,|ticket_event_without_ticket ticket_event_parent_unusable
V6,T1,customer_message,2026-06-01 08:00,,customer,,|
V7,T1,customer_message,2026-06-01 08:00,,system,,|
V8,T1,customer_message,2026-06-01 08:00,,,,|
V9,T1,customer_message,2026-06-01 08:00,E1,agent,,|ticket_event_other_speaker
V10,T1,customer_message,2026-06-01 08:00,,bot,,|ticket_event_other_speaker
V11,T1,agent_message,2026-06-01 08:00,,bot,,|
V12,T1,agent_message,2026-06-01 08:00,,customer,,|ticket_event_other_speaker
V13,T1,bot_message,2026-06-01 08:00,,system,,|
V14,T1,bot_message,2026-06-01 08:00,E1,agent,,|ticket_event_other_speaker
V15,T1,bot_message,2026-06-01 08:00,,customer,,|ticket_event_other_speaker
V16,T1,status_change,2026-06-01 08:00,,,open,pending|
V17,T1,status_change,2026-06-01 08:00,,,,open|
V18,T1,status_change,2026-06-01 08:00,,,open,open|ticket_event_without_change
V19,T1,transfer,2026-06-01 08:00,,,G1,G1|ticket_event_without_change
V20,T1,priority_change,2026-06-01 08:00,,,low,low|ticket_event_without_change
V21,T1,assignment,2026-06-01 08:00,E1,,E1,E1|
V22,T1,reopen,2026-06-01 08:00,,,,|
V23,T1,reopen,2026-06-01 08:00,,,closed,hold|
V24,T1,reopen,2026-06-01 08:00,,,pending,open|ticket_event_reopened_unsolved
V25,T1,reopen,2026-06-01 08:00,,,resolved,closed|ticket_event_reopened_unsolved
""",
    "customer_identity": """
customer_id,external_id,email,phone
C1,X1,,|
C2,,c2@example.com,|
C3,,,13812345678|
C4,,,|customer_identity_without_link
""",
    "contract": """
contract_id,customer_id,product_id,start_date,end_date,billing_term_months,monthly_amount,monthly_cost,renews_contract_id
K1,C1,P1,2026-06-01,2026-06-01,1,0,0,|
K2,C1,P1,2026-06-01,2026-05-31,0,0,0,K1|contract_ends_before_start contract_billing_term
K3,C1,P1,2026-06-01,,12,0,-0.1,K9|contract_unknown_renewal contract_negative_amount
K4,C9,P9,2026-06-01,,12,-0.1,0,|contract_negative_amount contract_unknown_customer contract_unknown_product
""",
    "order": """
order_id,customer_id,product_id,ordered_at,amount,cost,refund_amount,delivered_date
O1,C1,P1,2026-06-01 08:00,10,0,10,2026-06-02|
O2,C1,P1,2026-06-01 08:00,10,0,10.01,2026-06-03|order_refund_above_amount order_delivered_in_future
O3,C1,P1,2026-06-01 08:00,10,-0.1,,|order_negative_amount
O4,C9,P9,2026-06-02 00:00,10,,-0.1,2026-05-30|order_negative_amount order_delivered_before_ordered order_unknown_customer order_unknown_product
O5,C1,P1,2026-06-02 00:01,10,,,|order_in_future
""",  # noqa: E501
    "survey_invitation": """
invitation_id,survey_id,customer_id,ticket_id,sent_at,opened_at,sampling_probability,follow_up_of_response_id
I1,S1,C1,T1,2026-06-01 08:00,2026-06-02 00:00,1,R1|
I5,S9,C1,T1,2026-06-01 08:00,,,R9|survey_invitation_unknown_survey survey_invitation_unknown_followed_response
I2,S1,C1,T1,2026-06-01 08:00,2026-06-02 00:01,0,|survey_invitation_opened_in_future survey_invitation_probability
I3,S1,C9,T99,2026-06-01 08:00,2026-06-01 07:59,,|survey_invitation_opened_before_sent survey_invitation_unknown_ticket survey_invitation_unknown_customer
I4,S1,C1,T1,2026-06-02 00:01,,,|survey_invitation_in_future
""",  # noqa: E501
    "survey_response": """
response_id,survey_id,customer_id,invitation_id,ticket_id,started_at,submitted_at,duration_seconds
R1,S1,C1,I1,T1,2026-06-01 08:00,2026-06-01 08:00,0|
R2,S1,C1,I1,T1,2026-06-01 08:00,2026-06-01 07:59,-1|survey_response_submitted_before_started survey_response_negative_duration
R3,S1,C9,I9,T99,,2026-06-02 00:00,|survey_response_unknown_invitation survey_response_unknown_ticket survey_response_unknown_customer
R4,S1,C1,I1,T1,,2026-06-02 00:01,|survey_response_in_future
R5,S9,C1,I1,T1,,,|survey_response_unknown_survey survey_response_without_time
""",  # noqa: E501
    "survey_question": """
question_id,survey_id,scale_min,scale_max,satisfied_min,opposite_of
Q1,S1,1,5,5,Q2|
Q2,S1,1,5,1,Q99|survey_question_unknown_opposite
Q3,S1,5,5,5,|survey_question_scale_reversed
Q4,S1,1,5,0.9,|survey_question_satisfied_off_scale
Q5,S1,1,5,5.1,|survey_question_satisfied_off_scale
Q6,S1,,,,|
Q7,S9,,,,|survey_question_unknown_survey
""",
    "survey_answer": """
response_id,question_id,answer_value
R1,Q1,3|
R1,Q9,3|survey_answer_unknown_question
R9,Q1,3|survey_answer_without_response
""",
}
MASTER = {
    "team": "team_id\nG1\n",
    "service_partner": "service_partner_id\nSP1\n",
    "asset": "asset_id\nA1\n",
    "product": "product_id\nP1\n",
    "survey": "survey_id,purpose\nS1,relationship\n",
}


@pytest.fixture(scope="module")
def gated(tmp_path_factory: pytest.TempPathFactory) -> MiniCompany:
    """The files, landed, gated and settled on one night."""
    company = MiniCompany(Path(tmp_path_factory.mktemp("rules")))
    write_rule_source(company, "core", {**FILES, **MASTER})
    deliver_rows(company, "core", {**FILES, **MASTER})
    company.run(NIGHT)
    return company


@pytest.mark.parametrize("entity", FILES)
def test_every_row_fails_its_rules_and_no_other(gated: MiniCompany, entity: str) -> None:
    assert failed_rules(gated, entity) == expected_rules(FILES, entity)


@pytest.mark.parametrize("rule_id", ["customer_identity_without_link", "survey_response_without_time"])
def test_notes_are_counted(gated: MiniCompany, rule_id: str) -> None:
    checks = [check for gate in read_ledger(gated.home, gated.night(NIGHT)) for check in gate.checks]
    assert [check.failed_count for check in checks if check.rule_id == rule_id] == [1]
    assert sum(text.count(rule_id) for text in FILES.values()) == 1


def test_what_needs_answers_beside_their_responses_checks_nothing_without_them(gated: MiniCompany) -> None:
    """Here answers are a feed of their own."""
    checks = [check for gate in read_ledger(gated.home, gated.night(NIGHT)) for check in gate.checks]
    surveyed = [check for check in checks if check.entity in ("survey_response", "survey_answer")]
    assert {check.rule_id for check in surveyed if not check.checked_count} == {
        *(f"survey_answer_{name}" for name in ("out_of_scale", "parent_unusable")),
        *(f"survey_response_{name}" for name in (
            "straight_lined", "reversed_items_conflict", "constant_block", "fast", "fast_per_rating", "careless",
            "required_unanswered", "too_many_gaps", "opposites_agreed", "contradicted", "lowest_with_complaint",
        )),
    }  # fmt: skip
    # Five responses, of which references judge the four that are usable; three answers.
    assert {check.checked_count for check in surveyed if check.checked_count} == {5, 4, 3}
    assert all(check.checked_count for check in checks if check not in surveyed)


def test_what_is_not_counted_is_kept(gated: MiniCompany) -> None:
    kept = dict(gated.clean("ticket", "ticket_id, is_counted"))
    assert [kept[key] for key in ("T2", "T3", "T6", "T8", "T11")] == [True, False, False, False, True]
    details = {row[0]: row[1] for row in gated.reasons("ticket", "row_number, reason_en")}
    assert details[5].endswith(": closed_at")
    assert len(tried_rules(FILES)) > 30
