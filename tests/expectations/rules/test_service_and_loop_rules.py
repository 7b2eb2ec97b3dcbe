"""The rules of visits, follow-ups, reviews, assets, usage, actions and targets, each with a row on either side."""

from __future__ import annotations

from pathlib import Path

import pytest

from include.gate.ledger import read_ledger
from include.gate.rules import Stage, load_rules
from tests.support.mini_company import TICKET_HEADER, MiniCompany
from tests.support.rule_files import (
    NIGHT,
    OF_EVERY_ENTITY,
    deliver_rows,
    expected_rules,
    failed_rules,
    tried_rules,
    write_rule_source,
)

ENTITIES = ("visit", "follow_up", "review", "asset", "service_partner", "usage", "improvement_action", "metric_target")
STAGES: tuple[Stage, ...] = ("gate", "settle")

# One file per entity, its columns named as the contract's; the rules that a row fails stand behind `|`.
FILES = {
    "visit": """
visit_id,ticket_id,customer_id,agent_id,service_partner_id,asset_id,promised_from,promised_to,arrived_at,finished_at,outcome
V1,T1,C1,E1,SP1,A1,2026-06-01 08:00,2026-06-01 08:00,2026-06-01 23:59,2026-06-01 23:59,solved|
V2,T9,,,,,,,,,|visit_unknown_ticket
V3,,C9,E9,SP9,A9,,,,,|visit_unknown_customer visit_unknown_agent visit_unknown_service_partner visit_unknown_asset
V4,,,,,,2026-06-01 08:00,2026-06-01 07:59,,,|visit_window_reversed
V5,,,,,,,,2026-06-01 08:00,2026-06-01 07:59,cancelled|visit_finished_before_arrived visit_cancelled_but_arrived
V6,,,,,,,,2026-06-02 00:01,,|visit_arrived_in_future
V7,,,,,,,,,2026-06-02 00:01,|visit_finished_in_future
V8,,,,,,,,,,vanished|visit_unmapped_value
V9,,,,,,,,at noon,,|visit_unreadable_value
V10,,,,,,,,,,,,one cell too many|visit_unparsable
V1,T1,,,,,,,,,|visit_duplicate_in_batch
,T1,,,,,,,,,|visit_missing_key
""",
    "follow_up": """
follow_up_id,ticket_id,response_id,review_id,customer_id,contacted_at,is_reached,is_confirmed_solved,agent_id
F1,T1,R1,W1,C1,2026-06-01 12:00,yes,yes,E1|
F2,T9,R9,W9,C9,,,,E9|follow_up_unknown_ticket follow_up_unknown_response follow_up_unknown_agent follow_up_unknown_review follow_up_unknown_customer
F3,,,,,2026-06-01 12:00,,,|follow_up_of_nothing
F4,T1,,,,,yes,,|follow_up_reached_without_contact
F5,T1,,,,2026-06-01 12:00,no,yes,|follow_up_confirmed_without_reach
F6,T1,,,,2026-06-02 00:01,,,|follow_up_in_future
""",  # noqa: E501
    "review": """
review_id,platform,rating,rating_min,rating_max,reviewed_at,answered_at,review_text,order_id,ticket_id,customer_id,product_id
W1,jd,5,1,5,2026-06-01 08:00,2026-06-01 08:00,好,O1,T1,C1,P1|
W2,jd,0.9,1,5,2026-06-01 08:00,2026-06-01 07:59,,,,,|review_out_of_scale review_answered_before_written
W3,jd,5.1,1,5,,,,,T9,,|review_out_of_scale review_without_time review_unknown_ticket
W4,jd,5,,,2026-06-02 00:01,,,,,,|review_in_future
W6,jd,5,,,,2026-06-02 00:01,,,,,|review_answered_in_future review_without_time
W7,jd,,,,2026-06-01 08:00,,,,,,|review_without_content
W5,,5,,,2026-06-01 08:00,,,,,,|review_missing_required
W11,jd,1,1,5,2026-06-01 08:00,,等了三个星期没有人回复电话也打不通问题依旧存在非常失望要求退,,,,|review_lowest_with_complaint
W12,jd,1,1,5,2026-06-01 08:00,,等了三个星期没有人回复电话也打不通问题依旧存在非常失望要求,,,,|
W13,jd,2,1,5,2026-06-01 08:00,,等了三个星期没有人回复电话也打不通问题依旧存在非常失望要求退,,,,|
W14,jd,5,,,2026-06-01 08:00,,,O9,,C9,P9|review_unknown_order review_unknown_customer review_unknown_product
""",  # noqa: E501
    "asset": """
asset_id,customer_id,product_id,service_partner_id,installed_date,warranty_end_date,retired_date
A1,C1,P1,SP1,2026-06-02,2026-06-02,2026-06-02|
A2,C9,P9,SP9,2026-06-01,2026-05-31,|asset_unknown_customer asset_unknown_product asset_unknown_service_partner asset_warranty_before_installed
A4,,,,2026-06-01,,2026-05-31|asset_retired_before_installed
A3,,,,2026-06-03,,|asset_installed_in_future
""",  # noqa: E501
    "service_partner": """
service_partner_id,partner_type,updated_at
SP1,dealer,|
SP2,dealer,2026-06-03 00:00|
SP2,dealer,2026-06-03 00:01|service_partner_changed_in_future
SP2,dealer,2099-12-31 00:00|service_partner_changed_in_future
""",
    "usage": """
customer_id,usage_date,usage_count
C1,2026-06-01,0|
C1,2026-05-30,-1|usage_negative
C1,2026-05-31,2|usage_duplicate_in_batch
C9,2026-06-01,1|usage_unknown_customer
C1,2026-06-02,1|
C1,2026-06-03,1|usage_in_future
C1,2026-05-31,3|
C1,,1|usage_missing_key
""",
    "improvement_action": """
action_id,started_date,done_date,difficulty
M1,2026-06-01,2026-06-02,5|
M2,2026-06-01,2026-05-31,6|improvement_action_done_before_started improvement_action_difficulty
M3,,2026-06-03,0|improvement_action_done_in_future improvement_action_difficulty
""",
    "metric_target": """
target_id,metric,start_date,end_date,target_kind,target_value,segment,member
G1,churn_rate,2026-06-01,2026-06-01,absolute,0.1,region,east|
G2,churn_rate,2026-06-01,2026-05-31,absolute,0.1,all,|metric_target_ends_before_start
G3,churn_rate,2026-06-01,2026-06-01,absolute,0.1,region,|metric_target_member_without_segment
G4,churn_rate,2026-06-01,2026-06-01,,0.1,,|metric_target_missing_required
""",
}
MASTER = {
    "customer": "customer_id\nC1\n",
    "product": "product_id\nP1\n",
    "agent": "agent_id\nE1\n",
    "order": "order_id,customer_id,ordered_at\nO1,C1,2026-06-01 08:00\n",
    "survey_response": "response_id,survey_id\nR1,S1\n",
}


@pytest.fixture(scope="module")
def gated(tmp_path_factory: pytest.TempPathFactory) -> MiniCompany:
    """The files, landed, gated and settled on one night."""
    company = MiniCompany(Path(tmp_path_factory.mktemp("rules")))
    write_rule_source(company, "field", {**FILES, **MASTER}, ticket_space="desk")
    company.deliver(NIGHT, "tickets.csv", TICKET_HEADER + "T1,,处理中,2026/6/1 08:00,,,\n")
    deliver_rows(company, "field", {**FILES, **MASTER})
    company.run(NIGHT)
    return company


@pytest.mark.parametrize("entity", ENTITIES)
def test_every_row_fails_its_rules_and_no_other(gated: MiniCompany, entity: str) -> None:
    assert failed_rules(gated, entity) == expected_rules(FILES, entity)


def test_notes_are_counted(gated: MiniCompany) -> None:
    checks = [check for gate in read_ledger(gated.home, gated.night(NIGHT)) for check in gate.checks]
    assert [check.failed_count for check in checks if check.rule_id == "review_without_time"] == [
        FILES["review"].count("review_without_time")
    ]


def test_every_rule_of_the_files_is_tried() -> None:
    """Save those of every entity."""
    own = {
        rule.id
        for entity in ENTITIES
        for stage in STAGES
        for rule in load_rules().of(entity, stage)
        if not rule.id.endswith(OF_EVERY_ENTITY)
    }
    assert own <= tried_rules(FILES)
