"""Visits, follow-ups, reviews, assets, partners, usage, actions and targets; tickets known by their events alone; rows
without a time. One small installation, its figures worked out by hand."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.support.metricflow_oracle import MetricFlowOracle
from tests.support.warehouse_fixture import WarehouseFixture

AS_OF_DATE = date(2026, 6, 30)


def _june(day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2026, 6, day, hour, minute)


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> WarehouseFixture:
    """Everything below, delivered on one night (what is deleted, on the night before)."""
    home = WarehouseFixture(tmp_path_factory.mktemp("entities"))
    _deliver_master_data(home)
    _deliver_tickets(home)
    _deliver_service(home)
    _deliver_dateless(home)
    _deliver_loop(home)
    home.build()
    return home


def _deliver_master_data(home: WarehouseFixture) -> None:
    # of ten customers nine say what they are, of whom three have left; one of them is no customer any more
    statuses = ["churned"] * 3 + ["active"] * 6 + [None]
    home.deliver(
        "customer",
        [{"customer_id": f"C{n}", "stated_status": status, "region": "east" if n % 2 else "west",
          "is_deleted": n == 0} for n, status in enumerate(statuses)],
    )  # fmt: skip
    home.deliver("customer_identity", [{"customer_id": "U1", "external_id": "C1", "external_id_space": "crm"}],
                 source="desk")  # fmt: skip
    home.deliver("product", [{"product_id": "P1", "product_line": "pumps", "model": "P-100"}])
    home.deliver("service_partner", [{"service_partner_id": "SP1", "partner_name": "North Ltd", "region": "north"}])
    home.deliver("asset", [{"asset_id": "A9"}], night="2026-06-29")
    home.deliver(
        "asset",
        [
            {"asset_id": "A1", "serial_number": "0001", "customer_id": "C1", "product_id": "P1",
             "service_partner_id": "SP1", "region": "east", "installed_date": date(2026, 6, 1),
             "warranty_end_date": date(2026, 6, 30)},
            {"asset_id": "A2", "model": "own", "product_id": "P1", "retired_date": date(2026, 6, 30),
             "warranty_end_date": date(2027, 1, 1)},
            {"asset_id": "A3", "installed_date": date(2026, 7, 1)},
            {"asset_id": "A9", "is_deleted": True, "updated_at": _june(30)},
        ],
    )  # fmt: skip


def _deliver_tickets(home: WarehouseFixture) -> None:
    home.deliver(
        "ticket",
        [
            {"ticket_id": "T1", "customer_id": "C1", "customer_id_space": "crm", "asset_id": "A1",
             "asset_id_space": "crm", "service_partner_id": "SP2", "agent_id": "E1", "status": "resolved",
             "created_at": _june(1), "resolved_at": _june(3), "handling_minutes": Decimal("12.5")},
            # the summary knows of a reopening that the log lacks
            {"ticket_id": "T2", "status": "closed", "created_at": _june(1), "reopened_at": _june(2)},
        ],
        source="desk",
    )  # fmt: skip
    events = [
        ("T2", "status_change", 1, 1, "open"), ("T2", "status_change", 1, 2, "resolved"),
        ("T2", "status_change", 1, 3, "closed"),
        ("L1", "customer_message", 2, 8, None), ("L1", "agent_message", 2, 9, None),
        ("L1", "status_change", 2, 10, "resolved"), ("L1", "reopen", 2, 12, None),
        ("L1", "status_change", 2, 14, "closed"), ("L2", "note", 3, 8, None),
    ]  # fmt: skip
    for source, tickets in (("desk", ["T2"]), ("log", ["L1", "L2"])):
        home.deliver(
            "ticket_event",
            [{"event_id": f"E{n}", "ticket_id": ticket, "event_type": kind, "occurred_at": _june(day, hour),
              "to_value": value, "is_public": True}
             for n, (ticket, kind, day, hour, value) in enumerate(events) if ticket in tickets],
            source=source,
        )  # fmt: skip


def _deliver_service(home: WarehouseFixture) -> None:
    window = {"promised_from": _june(2, 8), "promised_to": _june(2, 10)}
    visits: list[dict[str, Any]] = [
        {"visit_id": "V1", "ticket_id": "T1", **window, "arrived_at": _june(2, 10), "finished_at": _june(2, 11, 30),
         "outcome": "not_solved", "another_visit_reason": "part missing"},
        {"visit_id": "V2", "ticket_id": "T1", **window, "arrived_at": _june(3, 9), "outcome": "solved"},
        {"visit_id": "V3", "ticket_id": "T1", **window, "outcome": "cancelled"},
        {"visit_id": "V4", "ticket_id": "T1", **window, "arrived_at": _june(2, 7, 59), "is_counted": False},
        {"visit_id": "V5", **window, "customer_id": "U1", "agent_id": "E2", "asset_id": "A1", "asset_id_space": "crm"},
        {"visit_id": "V6", "promised_to": datetime(2026, 7, 1)},
        {"visit_id": "V7", "promised_from": _june(2, 10), "promised_to": _june(2, 8), "arrived_at": _june(2, 9)},
        {"visit_id": "V8", "ticket_id": "T99", "asset_id": "A77", "arrived_at": _june(2, 9)},
        {"visit_id": "V9", "is_deleted": True},
    ]  # fmt: skip
    home.deliver("visit", visits, source="desk")
    home.deliver(
        "follow_up",
        [
            {"follow_up_id": "F1", "ticket_id": "T1", "agent_id": "E3", "channel": "phone", "due_at": _june(4),
             "contacted_at": _june(5), "is_reached": True, "is_confirmed_solved": False},
            {"follow_up_id": "F2", "response_id": "R1", "response_id_space": "poll", "due_at": _june(29)},
            {"follow_up_id": "F3", "review_id": "W1", "review_id_space": "mall", "due_at": datetime(2026, 7, 9)},
        ],
        source="desk",
    )  # fmt: skip
    home.deliver("order", [{"order_id": "O1", "customer_id": "C2", "product_id": "P1", "ordered_at": _june(1)}])
    home.deliver(
        "usage",
        [{"customer_id": "C1", "usage_date": date(2026, 6, 1), "usage_count": 3, "active_minutes": 10},
         {"customer_id": "C1", "usage_date": date(2026, 6, 2), "usage_count": 5, "is_counted": False}],
    )  # fmt: skip
    home.deliver("usage", [{"customer_id": "U1", "usage_date": date(2026, 6, 1), "usage_count": 4}], source="desk")


def _deliver_dateless(home: WarehouseFixture) -> None:
    scale = {"rating_min": 0, "rating_max": 4}
    home.deliver(
        "review",
        [
            {"review_id": "W1", "platform": "jd", "order_id": "O1", "order_id_space": "crm", "rating": 3, **scale},
            {"review_id": "W2", "platform": "mall", "rating": 5, **scale, "reviewed_at": _june(1, 8),
             "answered_at": _june(1, 9)},
            {"review_id": "W3", "platform": "jd", "stated_sentiment": "negative", "is_answered": False},
            {"review_id": "W4", "platform": "jd", "is_deleted": True},
        ],
        source="mall",
    )  # fmt: skip
    home.deliver("survey", [{"survey_id": "S", "purpose": "relationship"}], source="poll")
    home.deliver(
        "survey_question",
        [{"question_id": "S.nps", "survey_id": "S", "metric_role": "nps", "scale_min": 0, "scale_max": 10}],
        source="poll",
    )
    # three without a time (9, 9, 0) and one of May (10)
    scores = {"R1": (0, None), "R2": (9, None), "R3": (9, None), "R4": (10, datetime(2026, 5, 4))}
    home.deliver(
        "survey_response",
        [{"response_id": name, "survey_id": "S", "customer_id": "C1", "customer_id_space": "crm", "submitted_at": at}
         for name, (_, at) in scores.items()],
        source="poll",
    )  # fmt: skip
    home.deliver(
        "survey_answer",
        [{"response_id": name, "question_id": "S.nps", "answer_value": score} for name, (score, _) in scores.items()],
        source="poll",
    )


def _deliver_loop(home: WarehouseFixture) -> None:
    home.deliver(
        "improvement_action",
        [
            {"action_id": "M1", "metric": "nps_relationship", "owner_hash": "h", "due_date": date(2026, 6, 29)},
            {"action_id": "M2", "due_date": date(2026, 6, 30), "started_date": date(2026, 6, 1)},
            {"action_id": "M3", "due_date": date(2026, 6, 1), "done_date": date(2026, 6, 30)},
            {"action_id": "M4", "started_date": date(2026, 7, 1)},
        ],
    )
    span = {"start_date": date(2026, 1, 1), "end_date": date(2026, 6, 30)}
    home.deliver(
        "metric_target",
        [
            {"target_id": "G1", "metric": "nps_relationship", "target_kind": "absolute", "target_value": 50, **span},
            {"target_id": "G2", "metric": "churn_rate", "target_kind": "relative", "target_value": Decimal("-0.2"),
             "baseline_value": Decimal("0.05"), "segment": "region", "member": "east", **span},
            {"target_id": "G3", "metric": "no_such", "target_kind": "relative", "target_value": Decimal("0.1"), **span},
        ],
    )  # fmt: skip


def _rows(warehouse: WarehouseFixture, sql: str) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in warehouse.rows(sql)]


# --- master data ---


def test_assets(warehouse: WarehouseFixture) -> None:
    assert _rows(
        warehouse,
        "select asset_id, c.customer_id, p.product_id, s.service_partner_id, a.model, is_in_service, "
        "is_under_warranty, a.is_inferred, a.is_deleted from marts.dim_asset a "
        "join marts.dim_customer c using (customer_key) "
        "join marts.dim_product p using (product_key) "
        "join marts.dim_service_partner s using (service_partner_key) "
        "where asset_key <> 0 order by 1",
    ) == [
        ("A1", "C1", "P1", "SP1", "P-100", True, True, False, False),
        ("A2", None, "P1", None, "own", False, False, False, False),
        ("A3", None, None, None, None, False, None, False, False),
        ("A77", None, None, None, None, None, None, True, False),
        ("A9", None, None, None, None, False, None, False, True),
    ]


def test_a_partner_that_only_a_ticket_names_is_inferred(warehouse: WarehouseFixture) -> None:
    assert _rows(
        warehouse,
        "select service_partner_id, partner_name, r.region, is_inferred from marts.dim_service_partner "
        "join marts.dim_region r using (region_key) where service_partner_key <> 0 order by 1",
    ) == [("SP1", "North Ltd", "north", False), ("SP2", None, None, True)]


def test_a_product_under_warranty_makes_an_active_customer(warehouse: WarehouseFixture) -> None:
    assert _rows(
        warehouse,
        "select customer_id, month_start_date, is_active, asset_count from marts.fct_customer_month "
        "join marts.dim_customer using (customer_key) where customer_id = 'C1'",
    ) == [("C1", date(2026, 6, 1), True, 1)]


# --- tickets ---


def test_tickets_by_summary_by_events_and_by_both(warehouse: WarehouseFixture) -> None:
    """T1 has a summary only, T2 both (which disagree), L1 and L2 events only; L2's say nothing of its state."""
    assert _rows(
        warehouse,
        "select ticket_id, created_from, states_from, first_response_from, status, reopen_count, stated_reopen_count, "
        "customer_key = 0, created_at, first_response_minutes, service_cycle_minutes, is_resolved, is_in_scope "
        "from marts.fct_ticket order by 1",
    ) == [
        ("L1", "events", "events", "events", "closed", 1, None, True, _june(2, 8), 60, 360, True, True),
        ("L2", "events", None, "events", None, None, None, True, _june(3, 8), None, None, None, True),
        ("T1", "summary", "summary", "summary", "resolved", 0, 0, False, _june(1), None, 2880, True, True),
        ("T2", "summary", "events", "summary", "closed", 0, 1, True, _june(1), None, 120, True, True),
    ]


def test_what_a_source_cannot_know_is_null(warehouse: WarehouseFixture) -> None:
    """The desk states no response and keeps no messages, nobody logs transfers: no unanswered ticket, no rate of 0."""
    assert _rows(
        warehouse,
        "select ticket_id, is_first_response_within_2h, is_resolved_within_30d, transfer_count from marts.fct_ticket "
        "order by 1",
    ) == [("L1", True, None, None), ("L2", False, None, None), ("T1", None, None, None), ("T2", None, None, None)]
    assert _rows(
        warehouse,
        "select distinct value, null_reason, n from metrics.fct_metric_period where metric = 'transfer_rate'",
    ) == [(None, "no_data", 0)]


def test_a_ticket_names_its_asset_and_partner(warehouse: WarehouseFixture) -> None:
    assert _rows(
        warehouse,
        "select asset_id, service_partner_id, handling_minutes from marts.fct_ticket join marts.dim_asset "
        "using (asset_key) join marts.dim_service_partner s on s.service_partner_key = fct_ticket.service_partner_key "
        "where ticket_id = 'T1'",
    ) == [("A1", "SP2", 12.5)]
    assert _rows(
        warehouse,
        "select member, value from metrics.fct_metric_period where metric = 'tickets_created' and grain = 'year' "
        "and segment = 'service_partner' order by 1",
    ) == [("(none)", 3), ("SP2", 1)]


# --- visits, follow-ups, reviews, usage ---


def test_visits(warehouse: WarehouseFixture) -> None:
    """On the last minute of the window is on time, a day late, cancelled, a minute early and not counted; nobody came;
    the window is open; a reversed window says nothing; an unknown ticket and asset."""
    assert _rows(
        warehouse,
        "select visit_id, is_on_time, arrival_number, visit_minutes, is_cancelled, is_counted from marts.fct_visit "
        "order by 1",
    ) == [
        ("V1", True, 1, 90, False, True),
        ("V2", False, 2, None, False, True),
        ("V3", None, None, None, True, True),
        ("V4", False, None, None, False, False),
        ("V5", False, None, None, False, True),
        ("V6", None, None, None, False, True),
        ("V7", None, None, None, False, True),
        ("V8", None, 1, None, False, True),
    ]
    assert _rows(
        warehouse,
        "select visit_id, c.customer_id, p.product_id, a.agent_id, s.asset_id, sp.service_partner_id, v.region, "
        "visit_date from marts.fct_visit v join marts.dim_customer c using (customer_key) join marts.dim_product p "
        "using (product_key) join marts.dim_agent a using (agent_key) "
        "join marts.dim_asset s on s.asset_key = v.asset_key "
        "join marts.dim_service_partner sp on sp.service_partner_key = v.service_partner_key "
        "where visit_id in ('V1', 'V5', 'V6', 'V8') order by 1",
    ) == [
        ("V1", "C1", "P1", "E1", "A1", "SP2", "east", date(2026, 6, 2)),
        ("V5", "C1", "P1", "E2", "A1", None, "east", date(2026, 6, 2)),
        ("V6", None, None, None, None, None, None, date(2026, 7, 1)),
        ("V8", None, None, None, "A77", None, None, date(2026, 6, 2)),
    ]


def test_follow_ups(warehouse: WarehouseFixture) -> None:
    assert _rows(
        warehouse,
        "select follow_up_id, c.customer_id, p.product_id, a.agent_id, is_contacted, is_reached, is_confirmed_solved, "
        "is_overdue, minutes_after_resolution from marts.fct_follow_up join marts.dim_customer c using (customer_key) "
        "join marts.dim_product p using (product_key) join marts.dim_agent a using (agent_key) order by 1",
    ) == [
        ("F1", "C1", None, "E3", True, True, False, True, 2880),
        ("F2", "C1", None, None, False, None, None, True, None),
        ("F3", "C2", "P1", None, False, None, None, False, None),
    ]


def test_reviews(warehouse: WarehouseFixture) -> None:
    """3 on 0-4 is 75; 5 is off the scale; one is answered after an hour, of one nobody says whether it is."""
    assert _rows(
        warehouse,
        "select review_id, d.channel, d.channel_group, c.customer_id, p.product_id, rating_pomp, reviewed_date, "
        "is_answered, answer_minutes, stated_sentiment from marts.fct_review "
        "join marts.dim_channel d using (channel_key) join marts.dim_customer c using (customer_key) "
        "join marts.dim_product p using (product_key) order by 1",
    ) == [
        ("W1", "jd", "third_party", "C2", "P1", 75, None, None, None, None),
        ("W2", "mall", None, None, None, None, date(2026, 6, 1), True, 60, None),
        ("W3", "jd", "third_party", None, None, None, None, False, None, "negative"),
    ]


def test_usage_of_one_customer_under_two_ids_is_one_row_a_day(warehouse: WarehouseFixture) -> None:
    assert _rows(
        warehouse,
        "select customer_id, usage_date, usage_count, active_minutes, u.record_count, is_counted "
        "from marts.fct_usage_daily u join marts.dim_customer using (customer_key) order by 2",
    ) == [
        ("C1", date(2026, 6, 1), 7, 10, 2, True),
        ("C1", date(2026, 6, 2), None, None, 1, False),
    ]


# --- actions and targets ---


def test_actions_and_targets(warehouse: WarehouseFixture) -> None:
    assert _rows(warehouse, "select action_id, state, segment from marts.fct_improvement_action order by 1") == [
        ("M1", "overdue", "all"), ("M2", "running", "all"), ("M3", "done", "all"), ("M4", "planned", "all"),
    ]  # fmt: skip
    assert _rows(
        warehouse,
        "select target_id, is_known_metric, segment, member, target_level from marts.fct_metric_target order by 1",
    ) == [("G1", True, "all", "all", 50), ("G2", True, "region", "east", pytest.approx(0.04)),
          ("G3", False, "all", "all", None)]  # fmt: skip


# --- rows without a time ---


def test_stated_churn_is_a_snapshot(warehouse: WarehouseFixture) -> None:
    """C1 and C2 of C1 … C8 have left; C9 says nothing and C0 is deleted. East are C1, C3, C5, C7."""
    cells = "select segment, member, numerator, denominator, value, grain, period_start from metrics.fct_metric_period"
    found = _rows(
        warehouse, f"{cells} where metric = 'stated_churn_rate' and segment in ('all', 'region') order by 1, 2"
    )
    assert found == [
        ("all", "all", 2, 8, 0.25, "snapshot", AS_OF_DATE),
        ("region", "east", 1, 4, 0.25, "snapshot", AS_OF_DATE),
        ("region", "west", 1, 4, 0.25, "snapshot", AS_OF_DATE),
    ]


def test_answers_without_a_time_count_in_the_snapshot_only(warehouse: WarehouseFixture) -> None:
    """Three promoters and one detractor in all; the one promoter of May is all that periods of time know of."""
    cells = "select grain, period_start, numerator, denominator, value from metrics.fct_metric_period"
    assert _rows(
        warehouse, f"{cells} where metric = 'nps_relationship' and segment = 'all' and grain <> 'week' order by 1, 2"
    ) == [
        ("day", date(2026, 5, 4), 1, 1, 100),
        ("month", date(2026, 5, 1), 1, 1, 100),
        ("quarter", date(2026, 4, 1), 1, 1, 100),
        ("snapshot", AS_OF_DATE, 2, 4, 50),
        ("year", date(2026, 1, 1), 1, 1, 100),
    ]
    # without a time it is the customer as known now
    assert _rows(
        warehouse,
        f"{cells} where metric = 'nps_relationship' and segment = 'region' and member = 'east' and grain = 'snapshot'",
    ) == [("snapshot", AS_OF_DATE, 2, 4, 50)]
    assert warehouse.value("select count(*) from marts.fct_survey_response where submitted_date is null") == 3


def test_a_metric_of_which_nothing_is_known_says_so(warehouse: WarehouseFixture) -> None:
    cells = "select grain, period_start, member, value, null_reason, n from metrics.fct_metric_period"
    assert _rows(warehouse, f"{cells} where metric = 'csat_transactional' order by 1") == [
        ("day", AS_OF_DATE, "all", None, "no_data", 0),
        ("month", date(2026, 6, 1), "all", None, "no_data", 0),
        ("quarter", date(2026, 4, 1), "all", None, "no_data", 0),
        ("snapshot", AS_OF_DATE, "all", None, "no_data", 0),
        ("week", date(2026, 6, 29), "all", None, "no_data", 0),
        ("year", date(2026, 1, 1), "all", None, "no_data", 0),
    ]
    missing = "select metric from metrics.dim_metric except select metric from metrics.fct_metric_period"
    assert warehouse.rows(missing) == []


def test_metricflow_agrees_with_the_snapshots(warehouse: WarehouseFixture) -> None:
    """A snapshot is MetricFlow's figure without any period."""
    compared = 0
    with MetricFlowOracle(warehouse.warehouse, warehouse.dbt_target) as oracle:
        for metric in ("stated_churn_rate", "nps_relationship", "survey_responses_counted"):
            for segment in ("all", "region", "tier"):
                dimension = None if segment == "all" else oracle.dimension(metric, segment)
                theirs = oracle.members(metric, dimension)
                ours = _rows(
                    warehouse,
                    "select member, value from metrics.fct_metric_period where grain = 'snapshot' "
                    f"and metric = '{metric}' and segment = '{segment}'",
                )
                assert dict(ours) == {name: pytest.approx(value) for name, value in theirs.items() if value is not None}
                compared += len(ours)
    assert compared >= 10
