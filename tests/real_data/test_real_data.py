"""Published figures on the rows as they are mapped, before any verdict; then what the gate made of them."""

from __future__ import annotations

import pytest

from tests.real_data.conftest import RealData

# --- published figures, before any verdict ----------------------------------------------------------------------------


def test_bpic14_tickets_and_activities(real: RealData) -> None:
    tickets = (
        "select count(*), count(distinct ticket_id), count(*) filter (resolved_at is null) from bpic14_cases_ticket"
    )
    assert real.row(tickets) == (4000, 4000, 155)
    assert real.row("select count(*), count(distinct event_id) from bpic14_log_ticket_event") == (39911, 39911)
    closed = "event_type = 'status_change' and to_value = 'closed'"
    events = f"select count(*), count(distinct ticket_id) from bpic14_log_ticket_event where {closed}"
    assert real.row(events) == (4337, 3963)  # 37 tickets are closed without an event that says so


def test_bpic14_sources_disagree_on_reopens(real: RealData) -> None:
    by_case = "select ticket_id from bpic14_cases_ticket where reopened_at is not null"
    by_log = "select ticket_id from bpic14_log_ticket_event where event_type = 'reopen'"
    assert real.row(f"select count(*) from ({by_case})") == 183
    assert real.row(f"select count(distinct ticket_id) from ({by_log})") == 173
    assert real.row(f"select count(*) from ({by_case} intersect {by_log})") == 172


def test_bpic14_local_times_are_amsterdam(real: RealData) -> None:
    sql = "select created_at::varchar, closed_at::varchar from bpic14_cases_ticket where ticket_id = 'IM0000013'"
    assert real.row(sql) == ("2012-08-10 09:27:59", "2013-11-08 12:54:12")  # summer time, then winter time


def test_cfpb_complaints(real: RealData) -> None:
    sql = "select count(*), count(distinct ticket_id), count(*) filter (created_at is null) from cfpb_complaints_ticket"
    assert real.row(sql) == (3186, 3175, 0)  # 11 exact copies
    # The first record: 7/29/2013, midnight in New York.
    assert real.row("select created_at::varchar from cfpb_complaints_ticket where record = 1") == "2013-07-29 04:00:00"
    disputed = "select count(*) filter (answer_value = 1), count(answer_value) from cfpb_disputes_survey_answer"
    assert real.row(disputed) == (595, 3129)
    assert real.row("select count(*) from cfpb_disputes_survey_response") == 3186


def test_cfpb_timely_stands_in_the_raw_rows(real: RealData) -> None:
    path = real.settings.home / "landing/cfpb/complaints/*/rows.parquet"
    sql = f"select count(*) filter (\"Timely response?\" = 'Yes'), count(*) from read_parquet('{path}')"
    assert real.row(sql) == (3093, 3186)


def test_telco_churned(real: RealData) -> None:
    sql = "select count(*) filter (stated_status = 'churned'), count(stated_status) from telco_customers_customer"
    assert real.row(sql) == (1869, 7043)
    # and the gate keeps them all: what stated_churn_rate counts, by mapping alone
    clean = "select count(*) filter (stated_status = 'churned'), count(stated_status), count(acquired_date)"
    assert real.row(f"{clean} from {{clean}}/customer where stated_status is not null") == (1869, 7043, 0)


def test_bfi_missing_answers_and_constant_rows(real: RealData) -> None:
    assert real.row("select count(*) from bfi_responses_survey_response") == 2800
    by_response = "select response_id, count(*) as n, min(answer_value) = max(answer_value) as is_constant "
    by_response += "from bfi_responses_survey_answer group by 1"
    gaps = f"select sum(25 - n)::integer, count(*) filter (n < 25) from ({by_response})"
    assert real.row(gaps) == (508, 364)
    constant = real.rows(f"select response_id from ({by_response}) where n = 25 and is_constant order by 1")
    assert [row[0] for row in constant] == ["62783", "64642", "64953", "65974"]


def test_careless_responses_have_keys_of_their_own(real: RealData) -> None:
    for feed, responses, items in (("dataset1", 200, 50), ("dataset2", 1000, 100), ("longstring", 10, 100)):
        keys = f"select count(*), count(distinct response_id) from careless_{feed}_survey_response"
        assert real.row(keys) == (responses, responses)
        answers = f"select count(answer_value), count(distinct response_id) from careless_{feed}_survey_answer"
        assert real.row(answers) == (responses * items, responses)


def test_waimai_labels_are_no_ratings(real: RealData) -> None:
    sql = "select count(distinct review_id), count(*) filter (stated_sentiment = 'positive'), count(rating) "
    assert real.row(sql + "from waimai_reviews_review") == (11987, 4000, 0)
    both = "select review_text from waimai_reviews_review group by 1 having count(distinct stated_sentiment) = 2"
    assert len(real.rows(both)) == 7


WJX_ANSWERS = "select response_id, question_id, answer_value, is_not_applicable from wjx_{}_survey_answer"


def test_wjx_text_and_codes_give_the_same_answers(real: RealData) -> None:
    text, coded = (WJX_ANSWERS.format(feed) for feed in ("text", "coded"))
    # 800 people: 6 single choices, 14 and 10 options.
    assert real.row(f"select count(*) from ({coded})") == 800 * (6 + 14 + 10)
    open_answers = f"{text} where question_id like '%.text'"
    assert real.rows(f"({coded} except {text}) union all ({text} except ({coded} union all {open_answers}))") == []
    assert real.row(f"select count(*) from ({text})") == 800 * 30 + 9
    words = real.rows(
        "select response_id, question_id, answer_text from wjx_text_survey_answer where answer_text is not null "
        "and question_id <> 'phone.q8.text' order by response_id::integer"
    )
    assert words == [
        ("111", "phone.q6.text", "军事国防"),
        ("500", "phone.q2.text", "我妈买的。"),
        ("509", "phone.q6.text", "宠物"),
        ("726", "phone.q2.text", "亲友赠送的"),
    ]
    sport = "select sum(answer_value)::integer from wjx_{}_survey_answer where question_id = 'phone.q6.运动'"
    assert (real.row(sport.format("text")), real.row(sport.format("coded"))) == (479, 479)


def test_connector_tables(real: RealData) -> None:
    rows = {
        "zendesk_groups_team": 8,
        "zendesk_users_customer": 9,
        "zendesk_users_agent": 1,
        "zendesk_tickets_ticket": 10,
        "zendesk_comments_ticket_event": 20,
        "zendesk_field_history_ticket_event": 38,
        "salesforce_accounts_customer": 10,
        "salesforce_contacts_customer_identity": 4,
        "salesforce_products_product": 2,
        "salesforce_orders_order": 10,
        "qualtrics_surveys_survey": 5,
        "qualtrics_questions_survey_question": 5,
        "qualtrics_responses_survey_response": 5,
        "qualtrics_answers_survey_answer": 5,
    }
    assert {table: real.row(f"select count(*) from {table}") for table in rows} == rows
    untyped = " union all ".join(f"select _untyped from {table} where _untyped is not null" for table in rows)
    assert real.rows(untyped) == []
    history = "select to_value, count(*) from zendesk_field_history_ticket_event where event_type = 'status_change' "
    assert dict(real.rows(history + "group by 1")) == {
        "closed": 1,
        "hold": 3,
        "open": 4,
        "pending": 4,
        "resolved": 18,
    }


# --- verdicts ---------------------------------------------------------------------------------------------------------

# Every row that is not in clean, and why.
QUARANTINED = {
    # 11 exact copies: nothing else tells two complaints apart. Each copy is one response and one answer, too.
    "cfpb.complaints.ticket: duplicate_in_batch": 11,
    "cfpb.disputes.survey_response: duplicate_in_batch": 11,
    "cfpb.disputes.survey_answer: duplicate_in_batch": 11,
    "cfpb.disputes.survey_answer: parent_unusable": 11,  # the same 11 answers
    # A contact without an account.
    "salesforce.contacts.customer_identity: missing_key": 1,
}
HELD = {
    # The seeds are cut-outs: their tables hardly speak of the same tickets and responses.
    "zendesk.comments.ticket_event: without_ticket": 20,
    "zendesk.field_history.ticket_event: without_ticket": 19,
    "qualtrics.answers.survey_answer: without_response": 5,
}
NOT_COUNTED = {
    "bfi.responses.survey_response: careless": 11,
    "bfi.responses.survey_response: straight_lined": 5,
    "bfi.responses.survey_response: too_many_gaps": 4,
    "careless.dataset1.survey_response: careless": 36,
    "careless.dataset2.survey_response: careless": 11,
    "careless.dataset1.survey_response: straight_lined": 20,
    "careless.dataset2.survey_response: straight_lined": 110,
    "careless.longstring.survey_response: straight_lined": 10,
}


def test_only_the_listed_rows_are_not_clean(real: RealData) -> None:
    assert real.verdicts("quarantined") == QUARANTINED
    assert real.verdicts("held") == HELD
    assert real.verdicts("not_counted") == NOT_COUNTED


def test_every_record_is_accounted_for(real: RealData) -> None:
    not_clean: dict[str, int] = {}
    for rule, count in (QUARANTINED | HELD).items():
        not_clean[rule.partition(":")[0]] = count  # the rules of one entity fail the same rows
    gates = real.gates()
    assert {f"{gate.source}.{gate.feed}" for gate in gates} == set(real.records)
    for gate in gates:
        feed = f"{gate.source}.{gate.feed}"
        assert (gate.status, gate.records_received) == ("gated", real.records[feed])
        for entity, count in gate.entities.items():
            assert count.rows_quarantined == not_clean.get(f"{feed}.{entity}", 0)
            assert count.rows_in == count.rows_clean + count.rows_quarantined
            clean = real.settings.home / f"clean/{entity}/{gate.batch_id}.{gate.gate_no}.parquet"
            written = real.row(f"select count(*) from read_parquet('{clean}')") if clean.exists() else 0
            assert written == count.rows_clean
            if gate.feed != "questionnaire":
                assert count.rows_in == real.row(f"select count(*) from {feed.replace('.', '_')}_{entity}")


# --- indices ----------------------------------------------------------------------------------------------------------

RUN = "select longest_run from {{clean}}/survey_response where source = 'careless' and feed = '{}' order by row_number"


def test_longest_runs_as_r_counts_them(real: RealData) -> None:
    assert [row[0] for row in real.rows(RUN.format("longstring"))] == [10, 20, 30, 40, 50, 60, 70, 80, 90, 10]
    runs = [row[0] for row in real.rows(RUN.format("dataset1"))]
    assert runs[:20] == [6, 4, 3, 3, 3, 2, 5, 4, 6, 5, 3, 18, 5, 27, 16, 2, 4, 19, 3, 2]
    assert (sum(runs), max(runs), sum(run >= 10 for run in runs)) == (1174, 50, 21)
    irv = "select irv from {clean}/survey_response where source = 'careless' and feed = 'dataset1' and row_number <= 3 "
    found = [row[0] for row in real.rows(irv + "order by row_number")]
    assert found == pytest.approx([0.86307471, 1.03509834, 0.96890428], abs=1e-8)


def test_distances_as_r_computes_them(real: RealData) -> None:
    """METHODS: Mahalanobis D² of the first three rows; 23 are over the .99 quantile of chi-square with 50 degrees."""
    found = real.rows(
        "select mahalanobis from {clean}/survey_response where source = 'careless' and feed = 'dataset1' "
        "order by row_number"
    )
    distances = [row[0] for row in found]
    assert distances[:3] == pytest.approx([44.052381, 40.083684, 49.127623], abs=1e-6)
    assert sum(distance > 76.15389 for distance in distances) == 23


def test_a_constant_row_at_the_top_is_a_flag_without_reversed_items_and_out_of_the_scores_with_them(
    real: RealData,
) -> None:
    sql = "select response_id, is_counted, flag_rules from {clean}/survey_response where source = 'bfi' "
    found = real.rows(sql + "and response_id in ('62783', '64642', '64953', '65974') order by 1")
    assert [(row[1], row[2]) for row in found] == [(False, None)] * 4
    sql = "select count(*), bool_and(is_counted) from {clean}/survey_response where feed = 'dataset1' "
    assert real.row(sql + "and flag_rules = 'survey_response_constant_block'") == (1, True)


# --- what a source can't know -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "entity", "columns"),
    [
        ("telco", "customer", "acquired_date, region, tier, updated_at"),
        ("bfi", "survey_response", "submitted_at, started_at, duration_seconds, relative_speed, customer_id"),
        ("wjx", "survey_response", "submitted_at, duration_seconds, relative_speed, longest_run"),
        ("waimai", "review", "reviewed_at, rating, rating_max, answered_at, is_answered, customer_id"),
        ("cfpb", "ticket", "first_response_at, resolved_at, closed_at, customer_id, agent_id, reopen_count"),
        ("bpic14", "ticket", "first_response_at, reopen_count, customer_id, handling_minutes, is_complaint"),
        ("bpic14", "ticket_event", "actor_type, agent_id, from_value"),
    ],
)
def test_what_a_source_can_not_know_is_null(real: RealData, source: str, entity: str, columns: str) -> None:
    counts = ", ".join(f"count({column.strip()})" for column in columns.split(","))
    found = real.row(f"select count(*) > 0, {counts} from {{clean}}/{entity} where source = '{source}'")
    assert found == (True, *[0] * len(columns.split(",")))
