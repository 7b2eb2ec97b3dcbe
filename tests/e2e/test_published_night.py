"""A published night says what the sample company's generator knows: every defect, and every true value.

The generator counts its defects while it makes them and works its values out from its own truth, before any export; it
knows nothing of rules, dbt or SQL. MetricFlow's own command then accepts the metrics on what was published.
"""

from __future__ import annotations

import csv
import io
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from include.settings import PROJECT_ROOT
from include.warehouse.publish import serve_file
from tests.e2e.conftest import Night

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(900)]

# What each rule finds, as the generator names it.
RULES = {
    "asset_retired_before_installed": ["asset.retired_before_installed"],
    "asset_warranty_before_installed": ["asset.warranty_reversed"],
    "contract_negative_amount": ["contract.negative_amount"],
    "customer_duplicate_in_batch": ["customer.crm_duplicate_in_batch"],
    "customer_missing_key": ["customer.crm_missing_key"],
    "follow_up_confirmed_without_reach": ["follow_up.confirmed_unreached"],
    "follow_up_duplicate_in_batch": ["follow_up.duplicate_in_batch"],
    "follow_up_in_future": ["follow_up.future_time"],
    "follow_up_missing_key": ["follow_up.missing_key"],
    "follow_up_unknown_ticket": ["follow_up.unknown_ticket"],
    "follow_up_unparsable": ["follow_up.unparsable_line"],
    "order_duplicate_in_batch": ["order.duplicate_in_batch"],
    "order_negative_amount": ["order.negative_amount"],
    "order_unknown_customer": ["order.unknown_customer"],
    "order_unknown_product": ["order.unknown_product"],
    "order_unparsable": ["order.unparsable_line"],
    "survey_answer_duplicate_in_batch": ["survey_answer.in_duplicate", "survey_answer.relationship_in_duplicate"],
    "survey_answer_missing_key": ["survey_answer.in_missing_key"],
    "survey_answer_out_of_scale": [
        "survey_answer.answer_out_of_scale",
        "survey_answer.relationship_answer_out_of_scale",
    ],
    "survey_answer_unreadable_value": ["survey_answer.unmapped_value"],
    "survey_response_constant_block": ["survey_response.relationship_constant_short_block"],
    "survey_response_contradicted": ["survey_response.solved_no_but_complete"],
    "survey_response_duplicate_in_batch": [
        "survey_response.duplicate_in_batch",
        "survey_response.relationship_duplicate_in_batch",
    ],
    "survey_response_fast": ["survey_response.speeder_flag", "survey_response.relationship_speeder_flag"],
    "survey_response_in_future": ["survey_response.future_time"],
    "survey_response_missing_key": ["survey_response.missing_key"],
    "survey_response_opposites_agreed": ["survey_response.opposite_pair_agreed"],
    "survey_response_required_unanswered": [
        "survey_response.missing_required_answer",
        "survey_response.relationship_missing_required_answer",
    ],
    "survey_response_straight_lined": ["survey_response.straight_lined"],
    "survey_response_unparsable": ["survey_response.unparsable_line"],
    "ticket_closed_without_resolution": ["ticket.closed_without_resolution"],
    "ticket_created_in_future": ["ticket.future_time"],
    "ticket_duplicate_in_batch": ["ticket.duplicate_in_batch"],
    "ticket_event_duplicate_in_batch": ["ticket_event.duplicate_in_batch"],
    "ticket_event_in_future": ["ticket_event.future_time"],
    "ticket_event_missing_key": ["ticket_event.missing_key"],
    "ticket_event_unparsable": ["ticket_event.unparsable_line"],
    "ticket_event_without_ticket": ["ticket_event.orphan_event_never"],
    "ticket_missing_key": ["ticket.missing_key"],
    "ticket_resolved_before_created": ["ticket.resolved_before_created"],
    "ticket_response_before_created": ["ticket.response_before_created"],
    "ticket_unknown_customer": ["ticket.unknown_customer"],
    "ticket_unknown_product": ["ticket.unknown_product"],
    "ticket_unparsable": ["ticket.unparsable_line"],
    "visit_arrived_in_future": ["visit.future_time"],
    "visit_duplicate_in_batch": ["visit.duplicate_in_batch"],
    "visit_finished_before_arrived": ["visit.finished_before_arrived"],
    "visit_missing_key": ["visit.missing_key"],
    "visit_unknown_ticket": ["visit.unknown_ticket"],
    "visit_unparsable": ["visit.unparsable_line"],
    "visit_window_reversed": ["visit.window_reversed"],
}
# Rules that nothing in these entities may set off: what they refer to is there, their codes and times can be read.
SILENT_RULES = [
    *(f"asset_unknown_{name}" for name in ("customer", "product")),
    *(f"visit_unknown_{name}" for name in ("agent", "asset", "customer")),
    *(f"follow_up_unknown_{name}" for name in ("agent", "customer", "response")),
    *(
        f"{entity}_{rule}"
        for entity in ("asset", "follow_up", "visit")
        for rule in ("unreadable_value", "unmapped_value")
    ),
    # Four nights, the first of them two years, are no history that a delivery could be held against.
    "batch_late",
    "batch_columns_lacking",
    "batch_column_emptied",
    "batch_missing_share",
    "batch_category_drift",
    "batch_score_drift",
    "batch_break",
    "batch_volume",
    "follow_up_of_nothing",
    "ticket_unknown_asset",
    "visit_finished_in_future",
]


def test_every_rule_finds_exactly_its_defects(night: Night) -> None:
    found = dict(
        night.con.execute("select rule_id, sum(failed_count) from audit.audit_check_result group by rule_id").fetchall()
    )
    expected = {rule: sum(night.defect(name) for name in names) for rule, names in RULES.items()}
    assert {rule: int(found[rule]) for rule in RULES} == expected
    assert all(name in night.known["defects"] for names in RULES.values() for name in names)
    assert sum(expected.values()) > 200
    assert {rule: found.get(rule, 0) for rule in SILENT_RULES} == dict.fromkeys(SILENT_RULES, 0)


def test_careless_are_the_built_in_speeders_and_otherwise_only_straight_lined(night: Night) -> None:
    """Honest answers show one sign at most; some straight-lined ones are an unusual combination besides."""
    careless, alone = night.one(
        "select count(*), count(*) filter (where not is_straight_lined) from ("
        "select batch_id, row_number, bool_or(rule_id = 'survey_response_straight_lined') as is_straight_lined "
        "from audit.audit_quarantined_row where entity = 'survey_response' group by batch_id, row_number "
        "having bool_or(rule_id = 'survey_response_careless'))"
    )
    assert careless >= alone == night.defect("survey_response.speeder_not_counted") > 0


def test_every_received_record_and_row_is_accounted_for(night: Night) -> None:
    received = dict(
        night.con.execute(
            "select source || '.' || feed, sum(records) from (select distinct source, feed, batch_id, "
            "records_received as records from audit.audit_batch) where feed <> 'questionnaire' group by 1"
        ).fetchall()
    )
    known = {feed: counts["total"] for feed, counts in night.known["records"].items() if counts["total"]}
    assert {feed: int(count) for feed, count in received.items()} == known
    lost = night.one("select count(*) from audit.audit_batch where rows_in <> rows_clean + rows_quarantined")
    assert lost == (0,)


def test_tickets(night: Night) -> None:
    truth = night.known["tickets"]
    counted = "from marts.fct_ticket where is_countable and is_counted"
    assert night.one("select count(*) from marts.fct_ticket") == (truth["tickets"],)
    assert night.one(f"select count(*) {counted}") == (truth["counted"],)
    median, n = night.one(f"select median(first_response_minutes), count(first_response_minutes) {counted}")
    assert n == truth["first_response_minutes"]["count"]
    assert median == pytest.approx(truth["first_response_minutes"]["median"], abs=1e-4)
    cycle, n = night.one(f"select median(service_cycle_minutes), count(service_cycle_minutes) {counted}")
    assert n == truth["service_cycle_minutes"]["count"]
    assert cycle == pytest.approx(truth["service_cycle_minutes"]["median"], abs=1e-4)
    for metric, name in [
        ("first_response_within_2h", "first_response_within_2h"),
        ("resolution_rate", "resolved_at_30d"),
        ("reopen_rate", "reopen_rate"),
    ]:
        assert night.parts(metric) == (truth[name]["numerator"], truth[name]["denominator"])
    assert night.parts("complaint_share_of_tickets") == (truth["complaints"], truth["counted"])
    left_out = truth["countable"] - truth["counted"]
    due = night.parts("first_response_within_2h_uncleaned")[1] - night.parts("first_response_within_2h")[1]
    assert due == left_out > 0
    assert night.parts("transfer_rate")[0] == truth["transferred"]
    assert night.parts("escalation_rate")[0] == truth["escalated"]


def known_parts(known: dict[str, Any]) -> tuple[int, int]:
    return known["numerator"], known["denominator"]


SERVICE = {
    "sla_first_response_rate": ("sla", "first_response"),
    "sla_next_response_rate": ("sla", "next_response"),
    "sla_resolution_rate": ("sla", "resolution"),
    "first_contact_resolution_rate": ("first_contact_resolution",),
    "repeat_rate": ("repeat_rate",),
    "repair_repeat_rate": ("repair_repeat_rate",),
    "first_time_fix_rate": ("first_time_fix",),
    "second_visit_rate": ("second_visit_rate",),
    "on_time_visit_rate": ("on_time_visits",),
    "follow_up_rate": ("follow_up", "called_in_time"),
    "follow_up_reached_rate": ("follow_up", "reached"),
    "follow_up_confirmed_rate": ("follow_up", "confirmed"),
}


@pytest.mark.parametrize("metric", list(SERVICE))
def test_service_exactly(night: Night, metric: str) -> None:
    known = night.known["service"]
    for name in SERVICE[metric]:
        known = known[name]
    assert night.parts(metric) == known_parts(known)
    assert 0 < known["numerator"] < known["denominator"]


def test_clocks_that_run_are_neither_met_nor_broken(night: Night) -> None:
    found = dict(
        night.con.execute(
            "select sla_clock, count(*) from marts.fct_ticket_sla where is_in_scope and state = 'running' group by 1"
        ).fetchall()
    )
    known = night.known["service"]["sla"]
    assert {clock: found.get(clock, 0) for clock in known} == {clock: one["running"] for clock, one in known.items()}


def test_minutes_of_next_responses(night: Night) -> None:
    known = night.known["service"]["next_response_minutes"]
    found = night.one(
        "select count(*), median(wait_minutes), avg(wait_minutes) from marts.fct_ticket_sla "
        "where is_in_scope and sla_clock = 'next_response' and stopped_by = 'reply'"
    )
    assert found == (known["count"], pytest.approx(known["median"]), pytest.approx(known["mean"], abs=1e-5))
    total, n = night.parts("next_response_mean")
    assert (total / n, n) == (pytest.approx(known["mean"], abs=1e-5), known["count"])


def test_backlog_of_the_last_day(night: Night) -> None:
    known = night.known["service"]["backlog_of_last_day"]
    flows = ("opening", "created", "reopened", "moved_in", "solved", "moved_out", "closing")
    found = night.one(
        f"select {', '.join(f'sum({flow})' for flow in flows)} from marts.fct_backlog_daily "
        "where date_day = (select as_of_date from audit.warehouse_state)"
    )
    moved = {"moved_in": known["moved"], "moved_out": known["moved"]}
    assert dict(zip(flows, found, strict=True)) == {flow: moved.get(flow, known.get(flow)) for flow in flows}
    assert known["opening"] + known["created"] + known["reopened"] - known["solved"] == known["closing"] > 0


def test_deliveries_and_machines(night: Night) -> None:
    assert night.parts("order_on_time_and_correct_rate") == known_parts(night.known["deliveries"])
    known = night.known["assets"]
    named = night.one("select count(*), count(distinct asset_key) from marts.fct_ticket where asset_key <> 0")
    assert named[0] == known["with_ticket"] > named[1]
    assert night.one("select count(*), bool_or(is_inferred) from marts.dim_asset where asset_key <> 0") == (
        known["assets"],
        False,
    )
    for metric, name in [("asset_failure_rate", "with_fault"), ("asset_repair_rate", "repaired")]:
        found = night.one(
            "select numerator, denominator from metrics.fct_metric_period "
            f"where metric = '{metric}' and grain = 'snapshot' and segment = 'all'"
        )
        assert found == known_parts(known[name])


def test_a_warranty_makes_nobody_active_for_longer(night: Night) -> None:
    """The sample's warranties are those of orders: with or without machines the same customers are active."""
    alone = night.one(
        "select count(*), count(*) filter (where asset_count > 0 and is_active) from marts.fct_customer_month as own "
        "where asset_count > 0 and contract_count = 0 and not exists (select 1 from marts.fct_order as bought "
        "where bought.customer_key = own.customer_key and bought.is_counted "
        "and bought.ordered_date <= own.reached_date and bought.ordered_date >= own.month_start_date - 365)"
    )
    assert alone == (0, 0)


WITHOUT_VALUE = {
    "nps_transactional", "nps_transactional_uncleaned", "nps_transactional_weighted", "stated_churn_rate",
    # the only choice with an answer 'other' stands in the pretest
    "survey_other_share_transactional", "survey_other_share_relationship",
    # it delivers no reviews, and asks after tickets and for the relationship only
    "review_closed_loop_rate", "nps_pulse", "csat_pulse", "nps_call_back", "csat_call_back",
    "ces_relationship", "ces_pulse", "ces_call_back", "csi_pulse", "csi_call_back",
    "first_try_share_relationship", "first_try_share_pulse", "first_try_share_call_back",
    # it first asked for a recommendation less than a year ago
    "retention_after_nps_relationship", "repurchase_after_nps_relationship", "revenue_after_nps_relationship",
    "ltv_margin_after_nps_relationship",
}  # fmt: skip


def test_every_metric_has_a_value_that_the_company_has_data_for(night: Night) -> None:
    """Its questionnaire after tickets does not ask for a recommendation, and its CRM dates its churn."""
    empty = night.con.execute(
        "select metric from metrics.dim_metric where metric not in "
        "(select metric from metrics.fct_metric_period where value is not null)"
    ).fetchall()
    assert {metric for (metric,) in empty} == WITHOUT_VALUE


def test_surveys_with_and_without_the_answers_that_are_not_counted(night: Night) -> None:
    for purpose in ("transactional", "relationship"):
        truth = night.known["surveys"][purpose]
        for suffix, name in [("", "counted"), ("_uncleaned", "uncleaned")]:
            csat = truth[name]["csat"]
            assert night.parts(f"csat_{purpose}{suffix}") == (csat["satisfied"], csat["answered"])
        rate = truth["invitations"]["response_rate"]
        assert night.parts(f"response_rate_{purpose}") == (rate["numerator"], rate["denominator"])
    nps = night.known["surveys"]["relationship"]["counted"]["nps"]
    assert night.parts("nps_relationship") == (nps["promoters"] - nps["detractors"], nps["answered"])
    ces = night.known["surveys"]["transactional"]["counted"]["ces"]
    assert night.parts("ces_transactional") == (ces["sum"], ces["answered"])


def test_the_pretest_is_passed_and_in_no_score(night: Night) -> None:
    known = night.known["pretest"]
    metrics = {
        "ambiguity": "survey_ambiguity_share_pretest",
        "seconds": "completion_time_mean_pretest",
        "other": "survey_other_share_pretest",
    }
    assert {name: night.parts(metric) for name, metric in metrics.items()} == {
        name: known_parts(known[name]) for name in metrics
    }
    found = night.one(
        "select response_count, ambiguous_count, ambiguity_answer_count, duration_seconds_sum, other_count, "
        "other_answer_count, is_passed, reason from marts.fct_survey_quality where is_pretest"
    )
    assert found == (24, 2, 24, known["seconds"]["numerator"], 2, 24, True, None)
    assert night.one(
        "select count(*) from marts.fct_survey_quality where not is_pretest and reason = 'not_a_pretest'"
    ) == (2,)


def test_churn_month_by_month(night: Night) -> None:
    found = night.con.execute(
        "select strftime(month_start_date, '%Y-%m'), count(*) filter (where is_active_at_start), "
        "count(*) filter (where is_active_at_start and is_churned) "
        "from marts.fct_customer_month group by 1"
    ).fetchall()
    months = {month: (active, churned) for month, active, churned in found}
    truth = {
        month: (row["active_at_start"], row["churned_of_active_at_start"])
        for month, row in night.known["contracts"]["by_month"].items()
    }
    assert {month: months.get(month, (0, 0)) for month in truth} == truth
    assert sum(churned for _, churned in truth.values()) > 10


def test_lifetime_value_to_the_cent(night: Night) -> None:
    truth = night.known["value"]
    revenue, margin = night.one(
        "select sum(ltv_revenue)::double, sum(ltv_margin)::double from marts.fct_customer_value "
        "where as_of_date = (select as_of_date from audit.warehouse_state)"
    )
    contracts, dollars = truth["contracts"], truth["converted"]
    assert revenue == pytest.approx(
        truth["ltv_revenue_orders"] + contracts["revenue_by_day_share"]
        + dollars["revenue_orders"] + dollars["revenue_contracts"], abs=0.05
    )  # fmt: skip
    assert margin == pytest.approx(
        truth["ltv_margin_orders"] + contracts["margin_by_day_share"]
        + dollars["margin_orders"] + dollars["margin_contracts"], abs=0.05
    )  # fmt: skip
    assert dollars["revenue_orders"] > 0 and dollars["revenue_contracts"] > 0


def test_renewals_of_what_was_due(night: Night) -> None:
    truth = night.known["contracts"]["renewals"]
    found = night.one(
        "select count(*) filter (where is_renewed), count(*), "
        "sum(amount_renewed) filter (where currency = 'CNY')::bigint, "
        "sum(amount_due) filter (where currency = 'CNY')::bigint, "
        "count(*) filter (where churn_kind = 'voluntary'), "
        "count(*) filter (where churn_kind in ('voluntary', 'involuntary')) "
        "from marts.fct_contract_renewal where is_due_decided"
    )
    assert found == tuple(
        truth[part][side]
        for part in ("renewed", "amount_renewed", "voluntary")
        for side in ("numerator", "denominator")
    )


def test_customers_are_joined_as_they_were_made(night: Night) -> None:
    truth = night.known["identity"]
    made = truth["provisional_customers"]
    inferred, all_customers = night.one(
        "select count(*) filter (where is_inferred), count(*) from marts.dim_customer where customer_key <> 0"
    )
    assert inferred == made["unknown_requesters"] + made["unknown_order_customers"]
    assert all_customers == truth["crm"]["records"] - truth["crm"]["merged"] + sum(made.values())
    methods = dict(
        night.con.execute("select match_method, count(*) from intermediate.int_customer_resolved group by 1").fetchall()
    )
    for method in ("external_id", "email", "phone"):
        assert methods[method] == truth["desk"][method] + truth["survey"][method]


def test_the_built_in_effects_are_there(night: Night) -> None:
    """Slow answers cost satisfaction, and one region is worse: both are read from the marts alone."""
    fast, slow = (
        night.one(
            "select avg(r.csat_is_satisfied::int) from marts.fct_survey_response r join marts.fct_ticket t "
            f"using (ticket_key) where r.is_counted and t.first_response_minutes {limit} 120"
        )[0]
        for limit in ("<=", ">")
    )
    assert fast > slow + 0.1
    regions = "from marts.fct_ticket t join marts.dim_customer c using (customer_key) where t.is_countable"
    median = "median(t.first_response_minutes)"
    worst = night.one(f"select c.region {regions} and c.region is not null group by 1 order by {median} desc limit 1")[
        0
    ]
    theirs, others = night.one(
        f"select {median} filter (where c.region = ?), {median} filter (where c.region <> ?) {regions}", worst, worst
    )
    assert theirs > 1.3 * others


def test_no_personal_data_is_in_the_warehouse(night: Night) -> None:
    """Names, e-mail addresses and telephone numbers of the CRM's file are in no text of the warehouse."""
    personal = set()
    for path in (night.home / "inbox" / "crm").glob("*/客户.csv"):
        for row in csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"))):
            personal |= {row[column] for column in ("客户名称", "邮箱", "电话") if row[column]}
    assert len(personal) > 500
    night.con.execute("create or replace temp table personal as select unnest(?) as text", [sorted(personal)])
    tables = night.con.execute(
        "select schema_name, table_name, list(column_name) from duckdb_columns() "
        "where database_name = 'warehouse' and data_type = 'VARCHAR' and not internal group by all"
    ).fetchall()
    pattern = r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+\.|\b1[3-9]\d{9}\b"
    found = set()
    for schema, table, columns in tables:
        texts = " union all ".join(
            f"""select '{column}' as name, text from (select distinct "{column}" as text from "{schema}"."{table}")"""
            for column in columns
        )
        rows = night.con.execute(
            f"""select distinct name from ({texts})
                where regexp_matches(text, ?) or text in (select text from personal)""",
            [pattern],
        ).fetchall()
        found |= {f"{schema}.{table}.{column}" for (column,) in rows}
    assert found == set()
    within = "select count(*) from audit.audit_quarantined_row q join personal p on contains(q.raw_row, p.text)"
    assert night.one(within) == (0,)


# --- MetricFlow on the published file ---


def validate_configs(night: Night, project: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run `mf validate-configs` in the project as the night parsed it, on a copy of the published file."""
    copy = project.parent / "warehouse.duckdb"
    shutil.copyfile(serve_file(night.home), copy)
    environment = {
        **os.environ,
        "METRICS_WAREHOUSE_FILE": str(copy),
        "METRICS_WAREHOUSE_INPUTS": str(night.home / "warehouse" / "inputs"),
        "METRICS_TIMEZONE": "Asia/Shanghai",
        "DBT_PROFILES_DIR": str(project),
        "DO_NOT_TRACK": "1",
    }
    parsed = night.home / "warehouse" / "dbt" / "target" / "semantic_manifest.json"
    (project / "target").mkdir(exist_ok=True)
    shutil.copyfile(parsed, project / "target" / parsed.name)
    command = [Path(sys.executable).parent / "mf", "validate-configs", *options]
    return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return Path(shutil.copytree(PROJECT_ROOT / "dbt_project", tmp_path / "dbt_project"))


def test_validate_configs_accepts_every_metric(night: Night, project: Path) -> None:
    """Its semantics; columns are held against a warehouse by the tests of the metrics, and here in the soak."""
    done = validate_configs(night, project, "--skip-dw")
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("ERRORS: 0, FUTURE_ERRORS: 0, WARNINGS: 0") == 1, done.stdout


@pytest.mark.soak
def test_validate_configs_finds_every_column_in_the_warehouse(night: Night, project: Path) -> None:
    done = validate_configs(night, project)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("ERRORS: 0, FUTURE_ERRORS: 0") == 6
