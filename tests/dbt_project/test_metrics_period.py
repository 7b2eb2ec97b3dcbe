"""fct_metric_period: check values of METHODS, every metric against MetricFlow, and what must not pass in silence."""

from __future__ import annotations

import json
import random
import re
import shutil
import statistics
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from scipy.stats import ttest_ind

from include.configuration.currency_rates import CurrencyRates, currency_rate_rows
from include.configuration.experience_tables import weight_rows
from include.configuration.weights import CsiWeights, Scene
from include.settings import PROJECT_ROOT
from include.warehouse.night_summary import HEADLINES
from tests.support import warehouse_fixture
from tests.support.metricflow_oracle import MetricFlowOracle
from tests.support.warehouse_fixture import PROJECT, BuildError, WarehouseFixture

SEED = 20260630
AS_OF_DATE = date(2026, 6, 30)
HEADLINE = {
    "first_response_median", "first_response_within_2h", "service_cycle_median", "service_cycle_mean",
    "resolution_rate", "reopen_rate", "complaint_rate", "nps_relationship", "nps_relationship_uncleaned",
    "csat_transactional", "csat_transactional_uncleaned", "csat_relationship", "ces_transactional",
    "response_rate_transactional", "response_rate_relationship", "churn_rate", "ltv_margin_mean",
    "ltv_revenue_mean",
}  # fmt: skip
# Facts that hold their customers once a month-end: a snapshot is the rows of the as-of date.
REPEATING = ("fct_customer_value", "fct_customer_health")
PER_CUSTOMER = ("complaint_rate", "complaint_rate_10k", "complaining_customer_rate")
SEGMENTS = (
    "channel", "channel_group", "region", "product_line", "model", "issue_type", "team", "agent", "service_partner",
    "tier", "customer_type", "is_new_customer", "industry",
)  # fmt: skip
# Metrics that only customers with contracts, orders and answers of earlier years fill.
LOYALTY = {
    "renewal_rate", "amount_renewal_rate", "voluntary_churn_share", "customer_retention_rate", "gross_amount_retention",
    "net_amount_retention", "amount_churn_rate", "order_churn_rate", "repurchase_rate_90d", "repurchase_rate_180d",
    "repurchase_rate_365d", "retention_after_nps_relationship", "repurchase_after_nps_relationship",
    "revenue_after_nps_relationship", "retention_after_csat_transactional", "repurchase_after_csat_transactional",
    "revenue_after_csat_transactional", "ltv_margin_after_nps_relationship", "ltv_margin_after_csat_transactional",
    "predicted_ltv_12m_after_nps_relationship", "predicted_ltv_12m_after_csat_transactional",
}  # fmt: skip


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> WarehouseFixture:
    """A company of random rows from February to June 2026, and surveys of 2025 whose figures are known."""
    home = WarehouseFixture(tmp_path_factory.mktemp("metrics"))
    chance = random.Random(SEED)
    _deliver_customers(home, chance)
    tickets = _deliver_tickets(home, chance)
    _deliver_surveys(home, chance, tickets)
    _deliver_reviews(home)
    _deliver_loyalty(home)
    home.build()
    return home


def _deliver_customers(home: WarehouseFixture, chance: random.Random) -> None:
    home.deliver(
        "customer",
        [{"customer_id": f"C{n}", "tier": chance.choice(["vip", "standard"]), "customer_type": "person",
          "region": chance.choice(["north", "south", None]), "industry": "steel" if n % 3 else None,
          "updated_at": datetime(2025, 1, 1)} for n in range(40)],
    )  # fmt: skip
    moved = [{"customer_id": f"C{n}", "tier": "key_account", "region": "west", "updated_at": datetime(2026, 4, 10)}
             for n in range(5)]  # fmt: skip
    home.deliver("customer", moved)
    home.deliver(
        "contract",
        [{"contract_id": f"K{n}", "customer_id": f"C{n}", "start_date": date(2026, 1, 1 + n % 28),
          "end_date": date(2026, chance.randint(3, 12), 15), "monthly_amount": Decimal(100),
          "monthly_cost": Decimal(60), "currency": "CNY"} for n in range(35)],
    )  # fmt: skip
    home.deliver("product", [{"product_id": f"P{n}", "product_line": f"L{n % 2}", "model": f"M{n}"} for n in range(3)])
    home.deliver("team", [{"team_id": "T1"}, {"team_id": "T2"}], source="desk")
    home.deliver("agent", [{"agent_id": f"A{n}", "team_id": "T1", "role": "agent"} for n in range(4)], source="desk")


def _deliver_tickets(home: WarehouseFixture, chance: random.Random) -> list[dict[str, Any]]:
    tickets, events = [], []
    for n in range(350):
        created = datetime(2026, 2, 1) + timedelta(seconds=chance.randrange(149 * 86400))
        ticket = {
            "ticket_id": f"T{n}",
            "customer_id": f"C{chance.randrange(44)}",
            "customer_id_space": "crm",
            "product_id": f"P{chance.randrange(4)}",
            "product_id_space": "crm",
            "status": "open",
            "agent_id": f"A{chance.randrange(4)}",
            "team_id": chance.choice(["T1", "T2", None]),
            "service_partner_id": f"S{n % 2}",
            "channel": chance.choice(["phone", "wechat", "pigeon", None]),
            "created_at": created,
            "issue_type": chance.choice(["noise", "leak"]),
            "is_complaint": chance.random() < 0.15,
            "exclusion": "spam" if chance.random() < 0.03 else None,
            "is_counted": chance.random() < 0.97,
        }
        tickets.append(ticket)
        steps: list[tuple[str, str | None, int]] = [("created", None, 0)]
        if chance.random() < 0.9:
            steps.append(("agent_message", None, chance.randrange(1, 600)))
            if n % 3 == 0:  # asks again, and is answered
                steps += [("customer_message", None, 650), ("agent_message", None, 660 + n)]
        if chance.random() < 0.8:
            steps.append(("status_change", "resolved", chance.randrange(600, 40 * 1440)))
            if chance.random() < 0.2:
                steps.append(("status_change", "open", 45 * 1440))
        events += [
            {"event_id": f"{n}.{k}", "ticket_id": f"T{n}", "event_type": kind, "to_value": value,
             "agent_id": f"A{n % 2}" if kind == "agent_message" else None,
             "actor_type": "agent" if k else "customer", "occurred_at": created + timedelta(minutes=minutes)}
            for k, (kind, value, minutes) in enumerate(steps)
        ]  # fmt: skip
    # a complaint of April does not count
    uncounted = (one for one in tickets if not one["is_counted"] and not one["exclusion"])
    next(one for one in uncounted if one["created_at"].month == 4)["is_complaint"] = True
    home.deliver("ticket", tickets, source="desk")
    home.deliver("ticket_event", events, source="desk")
    return tickets


def _deliver_surveys(home: WarehouseFixture, chance: random.Random, tickets: list[dict[str, Any]]) -> None:
    scales = {"csat": (1, 5), "ces": (1, 7), "nps": (0, 10), "solved": (0, 1), "speed": (1, 5), "skill": (1, 5)}
    asked = {
        "after": ("csat", "ces", "solved", "speed", "skill"),
        "yearly": ("nps", "csat", "skill"),
        "short": ("ces",),
        "beat": ("nps", "csat"),
        "ring": ("nps", "csat"),
    }
    asked_now_and_then = {"yearly": ("ces", "solved"), **dict.fromkeys(("beat", "ring"), ("ces", "solved", "speed"))}
    roles_of = {"solved": "first_try", "speed": "dimension", "skill": "dimension"}
    scene = Scene(scene="everyday", en="Everyday", zh="日常", weights={"speed": Decimal(2), "skill": Decimal(1)})
    for table, rows in weight_rows(CsiWeights(coverage_min=Decimal("0.3"), scenes=(scene,))).items():
        home.control(table, rows)
    home.deliver(
        "survey",
        [{"survey_id": "after", "purpose": "transactional"}, {"survey_id": "yearly", "purpose": "relationship"},
         {"survey_id": "short", "purpose": "transactional"}, {"survey_id": "trial", "purpose": "pretest"},
         {"survey_id": "beat", "purpose": "pulse"}, {"survey_id": "ring", "purpose": "call_back"}],
        source="survey",
    )  # fmt: skip
    home.deliver(
        "survey_question",
        [{"question_id": f"{survey}.{role}", "survey_id": survey, "metric_role": roles_of.get(role, role),
          "dimension": role if role in ("speed", "skill") else None,
          "direction": "lower_is_better" if role == "ces" else "higher_is_better",
          "scale_min": scales[role][0], "scale_max": 5 if survey == "short" else scales[role][1]}
         for questions in (asked, asked_now_and_then) for survey, roles in questions.items() for role in roles]
        + [{"question_id": f"{survey}.why", "survey_id": survey} for survey in ("yearly", "after")],
        source="survey",
    )  # fmt: skip
    invitations: list[dict[str, Any]] = []
    responses: list[dict[str, Any]] = []
    answers: list[dict[str, Any]] = []

    def respond(name: str, survey: str, at: datetime, scores: dict[str, int], **more: Any) -> None:
        responses.append({"response_id": name, "survey_id": survey, "submitted_at": at, **more})
        answers.extend({"response_id": name, "question_id": f"{survey}.{role}", "answer_value": score}
                       for role, score in scores.items())  # fmt: skip

    for n, ticket in enumerate(tickets[:250]):
        survey, sent = chance.choice(["after", "yearly"]), ticket["created_at"] + timedelta(days=1)
        invitations.append({"invitation_id": f"I{n}", "survey_id": survey, "ticket_id": ticket["ticket_id"],
                            "ticket_id_space": "desk", "channel": chance.choice(["sms", "email"]), "sent_at": sent,
                            "is_delivered": chance.choice([True, True, False, None])})  # fmt: skip
        if chance.random() < 0.6:
            scores = {role: chance.randint(*scales[role]) for role in asked[survey]}
            respond(f"R{n}", survey, sent + timedelta(hours=chance.randint(1, 100)), scores, invitation_id=f"I{n}",
                    duration_seconds=chance.randint(30, 300),
                    is_counted=chance.random() < 0.85, is_complete=chance.random() < 0.9)  # fmt: skip
    # METHODS: 50/30/20 and 80 satisfied of 100, then 180 of 200; 5 of 5 and 0 of 10; and one month with two scales
    for n in range(100):
        nps = 10 if n < 50 else 8 if n < 80 else 3
        scores = {"nps": nps, "csat": 4 if n < 80 else 3, "ces": 3, "solved": int(n < 60)}
        respond(f"x{n}", "yearly", datetime(2025, 1, 15), scores)
    for n in range(200):
        respond(f"y{n}", "yearly", datetime(2025, 2, 15), {"csat": 5 if n < 180 else 1})
    # of the twenty low ones five name two reasons, three one, four something that no phrase knows; eight say nothing
    words = ["态度差，流程复杂"] * 5 + ["等太久"] * 3 + ["价格偏高"] * 4
    answers.extend({"response_id": f"y{180 + n}", "question_id": "yearly.why", "answer_text": text}
                   for n, text in enumerate(words))  # fmt: skip
    respond("unfair", "yearly", datetime(2025, 2, 15), {"csat": 1}, is_counted=False)
    for n in range(20):
        respond(f"straight{n}", "yearly", datetime(2025, 1, 15), {"nps": 10, "csat": 5}, is_counted=False)
    for n in range(5):
        respond(f"all{n}", "after", datetime(2025, 3, 15), {"csat": 4})
    for n in range(10):
        respond(f"none{n}", "after", datetime(2025, 4, 15), {"csat": 3, "ces": 2})
    respond("other", "short", datetime(2025, 4, 15), {"ces": 2})
    respond("trial", "trial", datetime(2025, 4, 15), {})
    # four were not solved at the first try: two for want of goods, one for what no phrase knows, one without a word
    for n, text in enumerate(["缺货", "缺货", "价格偏高", None, "缺货"]):
        respond(f"try{n}", "after", datetime(2025, 6, 15), {"solved": int(n == 4)})
        answers.append({"response_id": f"try{n}", "question_id": "after.why", "answer_text": text})
    # ten pulses and ten call-backs: 6 promoters, 1 passive, 3 detractors, and 1, 7, 2; one more of each does not count
    for n in range(10):
        nps = 9 if n < 6 else 7 if n < 7 else 6
        more = {"ces": 2 + 2 * (n % 2), "solved": n % 2, "speed": 5}
        respond(f"beat{n}", "beat", datetime(2025, 5, 15), {"nps": nps, "csat": 4, **more})
        nps = 10 if n < 1 else 8 if n < 8 else 0
        more = {"ces": 7, "solved": int(n < 9), "speed": 3}
        respond(f"ring{n}", "ring", datetime(2025, 5, 15), {"nps": nps, "csat": 5 - n % 2, **more})
    for survey in ("beat", "ring"):
        scores = {"nps": 0, "csat": 1, "ces": 1, "solved": 0, "speed": 1}
        respond(survey, survey, datetime(2025, 5, 15), scores, is_counted=False)
    home.deliver(
        "follow_up",
        [{"follow_up_id": f"F{n}", "response_id": one["response_id"], "response_id_space": "survey", "agent_id": "A1",
          "agent_id_space": "desk", "action_taken": "called", "outcome": "done", "is_confirmed_solved": n % 2 == 0}
         for n, one in enumerate(responses)],
        source="desk",
    )  # fmt: skip
    home.deliver("survey_invitation", invitations, source="survey")
    home.deliver("survey_response", responses, source="survey")
    home.deliver("survey_answer", answers, source="survey")


def _deliver_reviews(home: WarehouseFixture) -> None:
    chance = random.Random("reviews")
    reviews = [
        {"review_id": f"V{n}", "platform": chance.choice(["jd", "tmall"]), "customer_id": f"C{chance.randrange(44)}",
         "customer_id_space": "crm", "product_id": f"P{chance.randrange(4)}", "product_id_space": "crm",
         "rating": chance.randint(1, 5), "rating_min": 1, "rating_max": 5,
         "reviewed_at": datetime(2026, 2, 1) + timedelta(hours=chance.randrange(149 * 24)) if n % 7 else None}
        for n in range(90)
    ]  # fmt: skip
    home.deliver("review", reviews, source="mall")
    home.deliver(
        "follow_up",
        [{"follow_up_id": f"V{n}", "review_id": f"V{n}", "review_id_space": "mall", "agent_id": "A1",
          "agent_id_space": "desk", "action_taken": "called", "outcome": "done", "is_confirmed_solved": n % 3 > 0}
         for n in range(0, 90, 2)],
        source="mall",
    )  # fmt: skip


def _deliver_loyalty(home: WarehouseFixture) -> None:
    """Customers of 2024 with contracts that were due, orders, and answers whose outcome is known by now."""
    chance = random.Random("loyalty")
    names = [f"D{n}" for n in range(40)]
    home.deliver(
        "customer",
        [{"customer_id": name, "tier": chance.choice(["vip", "standard"]), "region": chance.choice(["north", "south"]),
          "updated_at": datetime(2025, 1, 1)} for name in names],
    )  # fmt: skip
    contracts: list[dict[str, Any]] = []
    for name in names:
        start, end = date(2024, 1, 1), date(2024 + chance.randrange(1, 3), chance.randrange(1, 12), 20)
        currency = chance.choice(["CNY", "CNY", "USD", "EUR"])
        contracts.append({"contract_id": f"K{name}", "start_date": start, "end_date": end, "currency": currency,
                          "is_voluntary": chance.choice([True, False, None]),
                          "end_reason": ("price", "fault", None)[len(contracts) % 3]})  # fmt: skip
        if chance.random() < 0.5:
            contracts.append({"contract_id": f"L{name}", "start_date": end + timedelta(days=chance.choice([1, 20, 90])),
                              "currency": currency, "renews_contract_id": f"K{name}"})  # fmt: skip
    home.deliver(
        "contract",
        [{"customer_id": one["contract_id"][1:], "product_id": f"P{chance.randrange(3)}",
          "monthly_amount": Decimal(chance.choice([100, 200, 300])), "monthly_cost": Decimal(50), **one}
         for one in contracts],
    )  # fmt: skip
    days = [date(2024, 2, 1) + timedelta(days=chance.randrange(800)) for _ in range(160)]
    home.deliver(
        "order",
        [{"order_id": f"O{n}", "customer_id": chance.choice(names),
          "ordered_at": datetime(day.year, day.month, day.day), "product_id": f"P{chance.randrange(3)}",
          "channel": chance.choice(["web", "store"]), "amount": Decimal(10),
          "currency": chance.choice(["CNY", "USD"])} for n, day in enumerate(days)],
    )  # fmt: skip
    responses, answers = [], []
    for n, name in enumerate(names):
        survey = chance.choice(["after", "yearly"])
        responses.append({"response_id": f"loyal{n}", "survey_id": survey, "customer_id": name,
                          "customer_id_space": "crm", "submitted_at": datetime(2024, 11, 1 + n % 28)})  # fmt: skip
        answers += [{"response_id": f"loyal{n}", "question_id": f"{survey}.csat", "answer_value": chance.randint(1, 5)}]
        if survey == "yearly":
            answers += [
                {"response_id": f"loyal{n}", "question_id": "yearly.nps", "answer_value": chance.randint(0, 10)}
            ]
    home.deliver("survey_response", responses, source="survey")
    home.deliver("survey_answer", answers, source="survey")
    rates = CurrencyRates(to="CNY", rates={"USD": {date(2024, 1, 1): Decimal("7.1")}})
    home.control("currency_rate", currency_rate_rows(rates, "CNY"))


@pytest.fixture(scope="module")
def oracle(warehouse: WarehouseFixture) -> Iterator[MetricFlowOracle]:
    with MetricFlowOracle(warehouse.warehouse, warehouse.dbt_target) as found:
        yield found


def _total(warehouse: WarehouseFixture, metric: str, grain: str, start: str) -> dict[str, Any]:
    (row,) = warehouse.rows(
        "select * from metrics.fct_metric_period"
        " where metric = ? and grain = ? and period_start = cast(? as date) and segment = 'all'",
        metric, grain, start,
    )  # fmt: skip
    return row


def test_net_promoter_score_of_methods(warehouse: WarehouseFixture) -> None:
    row = _total(warehouse, "nps_relationship", "month", "2025-01-01")
    assert (row["numerator"], row["denominator"], row["value"], row["n"]) == (30, 100, 30, 100)
    assert row["standard_error"] == pytest.approx(7.81025, abs=1e-5)
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((14.051, 44.201), abs=5e-4)
    # the straight-lined twenty are in the uncleaned score only: (70 - 20) of 120
    assert _total(warehouse, "nps_relationship_uncleaned", "month", "2025-01-01")["value"] == pytest.approx(5000 / 120)


@pytest.mark.parametrize(
    ("metric", "month", "value", "interval"),
    [
        ("csat_relationship", "2025-01-01", 0.8, (0.711171, 0.866633)),
        ("csat_transactional", "2025-03-01", 1.0, (0.565518, 1.0)),
        ("csat_transactional", "2025-04-01", 0.0, (0.0, 0.277533)),
    ],
)
def test_wilson_intervals_of_methods(
    warehouse: WarehouseFixture, metric: str, month: str, value: float, interval: tuple[float, float]
) -> None:
    row = _total(warehouse, metric, "month", month)
    assert row["value"] == value
    assert (row["ci_low"], row["ci_high"]) == pytest.approx(interval, abs=1e-6)
    assert 0 <= row["ci_low"] <= row["ci_high"] <= 1


@pytest.mark.parametrize(
    ("metric", "value", "numerator"),
    [
        ("nps_pulse", 30, 3), ("nps_call_back", -10, -1), ("csat_pulse", 1, 10), ("csat_call_back", 1, 10),
        ("ces_pulse", 3, 30), ("ces_call_back", 7, 70), ("csi_pulse", 100, 1000), ("csi_call_back", 50, 500),
        ("first_try_share_pulse", 0.5, 5), ("first_try_share_call_back", 0.9, 9),
    ],
)  # fmt: skip
def test_purposes_are_scored_apart(warehouse: WarehouseFixture, metric: str, value: float, numerator: int) -> None:
    row = _total(warehouse, metric, "month", "2025-05-01")
    assert (row["value"], row["numerator"], row["denominator"]) == (pytest.approx(value), numerator, 10)


def test_effort_and_first_tries_that_a_relationship_survey_asks_for(warehouse: WarehouseFixture) -> None:
    for metric, parts in {"ces_relationship": (300, 100), "first_try_share_relationship": (60, 100)}.items():
        row = _total(warehouse, metric, "month", "2025-01-01")
        assert (row["numerator"], row["denominator"]) == parts


@pytest.mark.parametrize(
    ("reason", "responses"), [("person", 0), ("process", 0), ("resources", 2), ("unclassified", 1), ("no_words", 1)]
)
def test_reasons_are_shares_of_what_was_not_solved_at_the_first_try(
    warehouse: WarehouseFixture, reason: str, responses: int
) -> None:
    row = _total(warehouse, f"first_try_failed_{reason}_share_transactional", "month", "2025-06-01")
    assert (row["numerator"], row["denominator"], row["n"]) == (responses, 4, 4)


def test_whom_a_survey_leaves_out(warehouse: WarehouseFixture) -> None:
    for purpose in ("transactional", "relationship"):
        metric = f"sampling_excluded_share_{purpose}"
        known = warehouse.rows(
            "select sum(excluded) as numerator, sum(population) as denominator from marts.fct_survey_frame"
            " where purpose = ? and year(sampling_date) = 2026",
            purpose,
        )
        row = _total(warehouse, metric, "year", "2026-01-01")
        assert [{name: row[name] for name in ("numerator", "denominator")}] == known
        assert 0 < row["ci_low"] < row["value"] < row["ci_high"] < 1
        strata = warehouse.rows(
            "select distinct member from metrics.fct_metric_period where metric = ? and segment = 'stratum'", metric
        )
        assert {one["member"] for one in strata} >= {"vip", "standard"}


def test_tickets_touched_are_those_of_each_agent_and_day(warehouse: WarehouseFixture) -> None:
    # A0 answers the even tickets, A1 the odd ones
    (known,) = warehouse.rows(
        "select count(*) as touched, count(distinct (who, day)) as days from (select distinct tickets.ticket_id,"
        " cast(substr(tickets.ticket_id, 2) as integer) % 2 as who, cast(occurred_at + interval 8 hour as date) as day"
        " from marts.fct_ticket_event as events join marts.fct_ticket as tickets using (ticket_key)"
        " where events.event_type = 'agent_message' and tickets.is_in_scope)"
        " where day between '2026-04-01' and '2026-04-30'"
    )
    row = _total(warehouse, "tickets_touched_per_agent_day", "month", "2026-04-01")
    assert (row["numerator"], row["denominator"]) == (known["touched"], known["days"])
    assert row["value"] > 1
    assert _total(warehouse, "tickets_touched", "month", "2026-04-01")["value"] == known["touched"]


def test_everybody_who_answers_is_promoter_passive_or_detractor(warehouse: WarehouseFixture) -> None:
    rows = warehouse.rows(
        "select purpose, count(nps_score) as answered, count(*) filter (nps_score >= 9) as promoters,"
        " count(*) filter (nps_score in (7, 8)) as passives, count(*) filter (nps_score <= 6) as detractors"
        " from marts.fct_survey_response where is_nps_counted group by purpose"
    )
    assert {row["purpose"] for row in rows} == {"relationship", "pulse", "call_back"}
    for row in rows:
        assert row["promoters"] + row["passives"] + row["detractors"] == row["answered"] > 0
        published = warehouse.rows(
            "select sum(numerator) as net, sum(denominator) as answered from metrics.fct_metric_period"
            f" where metric = 'nps_{row['purpose']}' and grain = 'year' and segment = 'all'"
        )
        assert published == [{"net": row["promoters"] - row["detractors"], "answered": row["answered"]}]


def test_satisfaction_has_a_mean_on_one_scale(warehouse: WarehouseFixture) -> None:
    # eighty times 4 and twenty times 3 on 1-5, 75 and 50 of 100; the straight-lined twenty gave a 5
    row = _total(warehouse, "csat_mean_relationship", "month", "2025-01-01")
    assert (row["value"], row["numerator"], row["denominator"]) == (70, 7000, 100)
    error = statistics.stdev([75] * 80 + [50] * 20) / 10
    assert (row["ci_low"], row["ci_high"]) == pytest.approx(
        (70 - 1.959963984540054 * error, 70 + 1.959963984540054 * error)
    )
    assert _total(warehouse, "csat_mean_relationship_uncleaned", "month", "2025-01-01")["value"] == pytest.approx(75)


@pytest.mark.parametrize(
    ("metric", "aggregate"),
    [
        ("first_response_median", "median(first_response_minutes)"),
        ("first_response_within_2h", "avg(is_first_response_within_2h::int)"),
        ("service_cycle_median", "median(service_cycle_minutes)"),
        ("resolution_rate", "avg(is_resolved_within_30d::int)"),
        ("reopen_rate", "avg((reopen_count > 0)::int) filter (is_ever_resolved)"),
        ("complaint_rate", "count(*) filter (is_complaint)"),
    ],
)
def test_tickets_that_do_not_count_are_in_the_uncleaned_form_alone(
    warehouse: WarehouseFixture, metric: str, aggregate: str
) -> None:
    known = {
        suffix: warehouse.value(
            f"select {aggregate} from marts.fct_ticket where {scope}"
            " and created_date between '2026-04-01' and '2026-04-30'"
        )
        for suffix, scope in [("", "is_in_scope"), ("_uncleaned", "is_countable")]
    }
    rows = {suffix: _total(warehouse, f"{metric}{suffix}", "month", "2026-04-01") for suffix in known}
    part = "numerator" if metric == "complaint_rate" else "value"
    assert {suffix: row[part] for suffix, row in rows.items()} == pytest.approx(known)
    assert known[""] != known["_uncleaned"]


def test_every_headline_has_a_form_without_cleaning(warehouse: WarehouseFixture) -> None:
    """But for the response rate, which rests on all invitations."""
    known = {row["metric"] for row in warehouse.rows("select metric from metrics.dim_metric")}
    headlines = {metric for metrics in HEADLINES.values() for metric in metrics}
    assert {metric for metric in headlines if f"{metric}_uncleaned" not in known} == {"response_rate_transactional"}


def test_resolved_per_created_is_a_flow(warehouse: WarehouseFixture) -> None:
    row = _total(warehouse, "resolution_flow_ratio", "month", "2026-04-01")
    (known,) = warehouse.rows(
        "select count(*) filter (is_resolved and resolved_date between '2026-04-01' and '2026-04-30') as resolved,"
        " count(*) filter (created_date between '2026-04-01' and '2026-04-30') as created"
        " from marts.fct_ticket where is_in_scope"
    )
    assert (row["numerator"], row["denominator"]) == (known["resolved"], known["created"])
    assert row["value"] == pytest.approx(known["resolved"] / known["created"])
    assert row["ci_low"] is None


@pytest.mark.parametrize(
    ("metric", "column"),
    [
        ("first_response_p95", "first_response_minutes"),
        ("first_response_business_p95", "first_response_business_minutes"),
        ("service_cycle_p95", "service_cycle_minutes"),
        ("service_cycle_business_p95", "service_cycle_business_minutes"),
    ],
)
def test_nineteen_of_twenty(warehouse: WarehouseFixture, metric: str, column: str) -> None:
    known = sorted(
        row["minutes"]
        for row in warehouse.rows(
            f"select {column} as minutes from marts.fct_ticket where is_in_scope and {column} is not null"
            " and created_date between '2026-04-01' and '2026-04-30'"
        )
    )
    place = 0.95 * (len(known) - 1)
    low = known[int(place)]
    expected = low + (known[int(place) + 1] - low) * (place - int(place))
    assert _total(warehouse, metric, "month", "2026-04-01")["value"] == pytest.approx(expected)


def test_change_of_a_share_is_significant(warehouse: WarehouseFixture) -> None:
    row = _total(warehouse, "csat_relationship", "month", "2025-02-01")
    assert (row["previous_value"], row["change"], row["is_significant"]) == (0.8, pytest.approx(0.1), True)
    # Newcombe, as METHODS prints it
    assert [round(row["change_ci_low"], 4), round(row["change_ci_high"], 4)] == [0.0170, 0.1952]
    assert (round(row["change_z"], 3), round(row["change_p"], 4)) == (2.402, 0.0163)
    assert round(row["change_effect"], 4) == 0.2838


def test_means_have_the_interval_and_the_change_of_their_answers(warehouse: WarehouseFixture) -> None:
    answers: dict[date, list[float]] = {}
    for row in warehouse.rows(
        "select date_trunc('month', submitted_date) as month, ces_score from marts.fct_survey_response"
        " where purpose = 'transactional' and is_ces_counted and submitted_date >= '2026-01-01'"
    ):
        answers.setdefault(row["month"], []).append(row["ces_score"])
    z, before, compared = 1.959963984540054, None, 0
    for month in sorted(answers):
        row = _total(warehouse, "ces_transactional", "month", month.isoformat())
        mean, error = statistics.mean(answers[month]), statistics.stdev(answers[month]) / len(answers[month]) ** 0.5
        assert row["value"] == pytest.approx(mean)
        assert (row["ci_low"], row["ci_high"]) == pytest.approx((mean - z * error, mean + z * error))
        if before:
            change, both = mean - before[0], (error**2 + before[1] ** 2) ** 0.5
            assert row["change"] == pytest.approx(change)
            assert (row["change_ci_low"], row["change_ci_high"]) == pytest.approx(
                (change - z * both, change + z * both)
            )
            # Welch's test
            assert row["change_p"] == pytest.approx(_welch(answers[month], before[2]), abs=0.002)
            assert row["is_significant"] == (row["change_p"] < 0.05) and row["change_effect"] is None
            compared += 1
        before = (mean, error, answers[month])
    assert compared >= 3


def _welch(now: list[float], before: list[float]) -> float:
    return float(ttest_ind(now, before, equal_var=False).pvalue)


@pytest.mark.parametrize(
    ("reason", "responses"), [("person", 5), ("process", 5), ("resources", 3), ("unclassified", 4), ("no_words", 8)]
)
def test_reasons_are_shares_of_the_low_scored_responses(
    warehouse: WarehouseFixture, reason: str, responses: int
) -> None:
    row = _total(warehouse, f"low_score_{reason}_share_relationship", "month", "2025-02-01")
    assert (row["numerator"], row["denominator"], row["n"]) == (responses, 20, 20)
    assert row["value"] == responses / 20
    # nobody was badly served in January, and a month without low scores has no reasons
    assert not warehouse.rows(
        "select 1 from metrics.fct_metric_period where metric = ? and grain = 'month' and period_start = '2025-01-01'",
        f"low_score_{reason}_share_relationship",
    )


def test_a_score_without_frame_has_no_weighted_value(warehouse: WarehouseFixture) -> None:
    row = _total(warehouse, "csat_relationship_weighted", "month", "2025-01-01")
    assert (row["value"], row["null_reason"], row["n"], row["n_effective"]) == (None, "no_frame", 0, None)
    assert (row["is_low_base"], row["is_very_low_base"]) == (True, True)
    weighted = _total(warehouse, "csat_transactional_weighted", "year", "2026-01-01")
    assert weighted["value"] is not None
    assert weighted["ci_low"] < weighted["value"] < weighted["ci_high"]
    assert 1 < weighted["n_effective"] <= weighted["n"] + 1e-6
    assert weighted["design_effect"] == pytest.approx(weighted["n"] / weighted["n_effective"])


@pytest.mark.parametrize(
    ("metric", "segment", "members"),
    [
        ("csat_transactional", "service_partner", {"S0", "S1"}),
        ("response_rate_relationship", "service_partner", {"S0", "S1"}),
        ("dimension_score_transactional", "service_partner", {"S0", "S1"}),
        ("dimension_score_transactional", "agent", {"A0", "A1", "A2", "A3"}),
        ("dimension_score_transactional", "model", {"M0", "M1", "M2", "(none)"}),
        ("low_score_no_words_share_relationship", "agent", {"A0", "A1", "A2", "A3"}),
        ("review_closed_loop_rate", "tier", {"vip", "standard", "key_account", "(none)"}),
    ],
)
def test_what_customers_say_is_cut_by_what_it_is_about(
    warehouse: WarehouseFixture, metric: str, segment: str, members: set[str]
) -> None:
    found = warehouse.rows(
        "select distinct member from metrics.fct_metric_period where metric = ? and segment = ? and grain = 'year'"
        " and period_start = '2026-01-01'",
        metric, segment,
    )  # fmt: skip
    assert {row["member"] for row in found} == members


def test_effort_on_two_scales_is_not_pooled(warehouse: WarehouseFixture) -> None:
    row = _total(warehouse, "ces_transactional", "month", "2025-04-01")
    assert (row["value"], row["null_reason"], row["n"]) == (None, "mixed_scales", 11)


def test_pretests_are_left_out(warehouse: WarehouseFixture) -> None:
    # ten after a ticket and one short one
    assert _total(warehouse, "survey_responses_counted", "month", "2025-04-01")["value"] == 11
    assert warehouse.value("select count(*) from marts.fct_survey_response where purpose = 'pretest'") == 1


def test_clocks_that_run_now_are_those_of_the_documented_list(warehouse: WarehouseFixture) -> None:
    page = (PROJECT_ROOT / "docs" / "service_levels.md").read_text(encoding="utf-8")
    (query,) = re.findall(r"```sql\n(.*?);\n```", page, re.DOTALL)
    states = Counter(row["state"] for row in warehouse.rows(query))
    found = {
        row["metric"]: row["value"]
        for row in warehouse.rows(
            "select metric, value from metrics.fct_metric_period where grain = 'snapshot' and segment = 'all'"
            " and metric in ('sla_overdue_count', 'sla_running_count')"
        )
    }
    assert found == {"sla_overdue_count": states["breached"], "sla_running_count": states["running"]}
    # some were solved without an answer: their clocks never stopped
    without = warehouse.value(
        "select count(*) from marts.fct_ticket_sla where sla_clock = 'first_response' and stopped_at is null"
        " and is_resolved"
    )
    assert without > 5 and set(states) == {"breached", "running"}


def test_periods_before_the_tickets_have_no_complaint_rate(warehouse: WarehouseFixture) -> None:
    assert _total(warehouse, "complaint_rate", "month", "2026-01-01")["null_reason"] == "no_data"
    row = _total(warehouse, "complaint_rate", "month", "2026-03-01")
    complaints, customers = warehouse.rows(
        "select (select count(*) from marts.fct_ticket where is_complaint and is_in_scope"
        " and created_date between '2026-03-01' and '2026-03-31') as complaints, count(*) as customers"
        " from marts.fct_customer_month where is_active and month_start_date = '2026-03-01'"
    )[0].values()
    assert complaints > 0
    assert row["value"] == pytest.approx(1000 * complaints / customers)
    assert row["ci_low"] is None
    assert warehouse.rows(
        "select distinct grain from metrics.fct_metric_period where metric = 'complaint_rate' order by 1"
    ) == [{"grain": "month"}, {"grain": "quarter"}, {"grain": "year"}]


def test_lost_contracts_are_cut_by_the_reason_of_their_end(warehouse: WarehouseFixture) -> None:
    published = warehouse.rows(
        "select member, value from metrics.fct_metric_period where metric = 'lost_contracts' and grain = 'year'"
        " and period_start = '2025-01-01' and segment in ('end_reason', 'all') order by member"
    )
    # contract by contract: ended in 2025, and nothing begins within the 30 days after it
    lost = warehouse.rows(
        "select coalesce(due.end_reason, '(none)') as reason, count(*) as contracts from marts.dim_contract as due"
        " where due.end_date between '2025-01-01' and '2025-12-31' and due.is_counted and not exists ("
        "   select 1 from marts.dim_contract as renewal where renewal.customer_key = due.customer_key"
        "   and renewal.start_date between due.end_date and due.end_date + 30) group by 1"
    )
    expected = {row["reason"]: row["contracts"] for row in lost}
    assert expected.keys() == {"price", "fault", "(none)"}
    assert {row["member"]: row["value"] for row in published} == {**expected, "all": sum(expected.values())}


def test_expected_value_has_a_trend_and_is_cut_by_the_first_product(warehouse: WarehouseFixture) -> None:
    published = warehouse.rows(
        "select period_start, member, n, value from metrics.fct_metric_period where metric = 'predicted_ltv_12m_mean'"
        " and grain = 'month' and segment = 'product_line' and period_start >= '2026-01-01' order by all"
    )
    # each month-end by itself, of the product of the first contract or order
    by_hand = warehouse.rows(
        "select date_trunc('month', as_of_date)::date as period_start, coalesce(product_line, '(none)') as member,"
        " count(predicted_ltv_12m) as n, avg(predicted_ltv_12m)::double as value from marts.fct_customer_value"
        " join marts.dim_customer using (customer_key) left join intermediate.int_customer_first_product using"
        " (customer_key) where as_of_date >= '2026-01-01' group by 1, 2 order by all"
    )
    assert len({row["member"] for row in published}) > 1
    assert [(row["period_start"], row["member"], row["n"], pytest.approx(row["value"])) for row in by_hand] == [
        tuple(row.values()) for row in published
    ]


def test_headline_metrics_are_published_by_every_segment(warehouse: WarehouseFixture) -> None:
    defined = {row["metric"]: row for row in warehouse.rows("select * from metrics.dim_metric")}
    published = {row["metric"] for row in warehouse.rows("select distinct metric from metrics.fct_metric_period")}
    assert defined.keys() >= HEADLINE | LOYALTY
    assert published == defined.keys()
    # nobody is asked the recommendation after a ticket, nobody says who has left, and the log holds no transfers
    silent = warehouse.rows(
        "select metric from metrics.fct_metric_period group by metric having count(numerator) = 0 and count(value) = 0"
    )
    assert {row["metric"] for row in silent} == {
        "nps_transactional", "nps_transactional_uncleaned", "nps_transactional_weighted",
        "stated_churn_rate", "transfer_rate", "escalation_rate",
        # no visits, call-backs, bots, repairs, handling times, assets or deliveries
        "first_time_fix_rate", "second_visit_rate", "on_time_visit_rate", "follow_up_rate", "follow_up_reached_rate",
        "follow_up_confirmed_rate", "follow_up_delay_median", "bot_handover_rate", "bot_handover_wait_median",
        "follow_up_delay_business_median", "bot_handover_wait_business_median",
        # no choice with an answer 'other', and nothing asked in the pretest
        "survey_other_share_transactional", "survey_other_share_relationship", "survey_other_share_pretest",
        "survey_ambiguity_share_pretest", "completion_time_mean_pretest",
        "repair_repeat_rate", "handling_minutes_mean", "asset_repair_rate", "asset_failure_rate",
        "order_on_time_and_correct_rate",
        # too few orders for a model, no weights of health
        "expected_order_churn_rate", "health_score_mean",
    }  # fmt: skip
    for row in defined.values():
        assert all(row[name] for name in ("name_zh", "name_en", "formula", "unit", "direction", "owner", "source"))
        assert re.search("[一-鿿]", row["name_zh"]), row["metric"]
    found = {
        row["segment"]
        for row in warehouse.rows(
            "select distinct segment from metrics.fct_metric_period where metric = 'tickets_created'"
        )
    }
    assert found == {"all", *SEGMENTS}
    snapshot = warehouse.rows("select distinct period_start from metrics.fct_metric_period where grain = 'snapshot'")
    assert snapshot == [{"period_start": AS_OF_DATE}]


def test_a_member_without_value_is_none_and_segments_are_those_of_the_time(warehouse: WarehouseFixture) -> None:
    # C0 to C4 moved to the west on 10 April: no ticket of March is from there
    west = warehouse.rows(
        "select min(period_start) as first_month from metrics.fct_metric_period"
        " where metric = 'tickets_created' and grain = 'month' and member = 'west'"
    )
    assert west == [{"first_month": date(2026, 4, 1)}]
    members = warehouse.rows(
        "select distinct member from metrics.fct_metric_period where segment = 'team' and metric = 'tickets_created'"
    )
    assert {row["member"] for row in members} == {"T1", "T2", "(none)"}


def test_metricflow_agrees_cell_by_cell(warehouse: WarehouseFixture, oracle: MetricFlowOracle) -> None:
    """Every metric in total and by some segments, each time others of them over the metrics."""
    _compare_with_metricflow(warehouse, oracle, 4)


@pytest.mark.soak
def test_metricflow_agrees_cell_by_cell_in_every_segment(warehouse: WarehouseFixture, oracle: MetricFlowOracle) -> None:
    _compare_with_metricflow(warehouse, oracle, len(SEGMENTS))


def _snapshot_of_metricflow(
    oracle: MetricFlowOracle, metric: str, dimension: str | None, source: str
) -> dict[str, float | None]:
    """All there is, with a time or without, or what holds on the as-of date."""
    if source not in REPEATING:
        return oracle.members(metric, dimension)
    days = oracle.cells(metric, "day", dimension)
    return {member: value for (day, member), value in days.items() if day == AS_OF_DATE}


def _compare_with_metricflow(warehouse: WarehouseFixture, oracle: MetricFlowOracle, segments_each: int) -> None:
    published: dict[tuple[str, str, str], dict[tuple[date, str], tuple[float | None, str | None]]] = {}
    for metric, segment, grain, *cell, value, reason in oracle.connection.execute(
        "select metric, segment, grain, period_start, member, value, null_reason from metrics.fct_metric_period"
    ).fetchall():
        published.setdefault((metric, segment, grain), {})[tuple(cell)] = (value, reason)
    compared = differing = 0
    first: list[Any] = []
    for row in warehouse.rows("select metric, grain as grains, valid_dimensions, source from metrics.dim_metric"):
        metric, grains = row["metric"], row["grains"].split(", ")
        # a metric of one kind of period is compared by that
        grain = next((grain for grain in ("month", "day", *grains) if grain in {*grains} - {"snapshot"}), "day")
        dimensions = row["valid_dimensions"].split(", ")
        chosen = random.Random(metric).sample(dimensions, min(segments_each, len(dimensions)))
        for segment in ["all", *chosen]:
            dimension = None if segment == "all" else oracle.dimension(metric, segment)
            # MetricFlow has no common name for a column that two facts own, each
            if segment != "all" and dimension is None:
                assert (metric, segment) in {(name, "is_new_customer") for name in PER_CUSTOMER}
                continue
            theirs = oracle.cells(metric, grain, dimension)
            ours = dict(published.get((metric, segment, "snapshot" if row["grains"] == "snapshot" else grain), {}))
            if row["grains"] == "snapshot":
                theirs = {cell: value for cell, value in theirs.items() if cell[0] == AS_OF_DATE}
            if row["grains"].endswith(", snapshot"):
                members = _snapshot_of_metricflow(oracle, metric, dimension, row["source"])
                theirs |= {(AS_OF_DATE, f"snapshot {name}"): value for name, value in members.items()}
                snapshot = published.get((metric, segment, "snapshot"), {})
                ours |= {(AS_OF_DATE, f"snapshot {member}"): cell for (_, member), cell in snapshot.items()}
            for cell in ours.keys() | theirs.keys():
                value, reason = ours.get(cell, (None, None))
                # whether a value is held back is our rule alone; a value that is published must be theirs
                if reason is None:
                    compared += 1
                    expected = theirs.get(cell)
                    if value is None or expected is None:
                        agrees = value is expected
                    else:
                        agrees = value == pytest.approx(expected, rel=1e-9, abs=1e-9)
                    if not agrees:
                        differing += 1
                        first.append((metric, segment, cell, value, expected))
    assert not differing, first[:10]
    assert compared > 5000


def test_a_wrong_column_is_found(warehouse: WarehouseFixture, tmp_path: Path) -> None:
    """It is found, and with it in place of the right one nothing else is: all others are there."""
    manifest = (warehouse.dbt_target / "semantic_manifest.json").read_text()
    assert "then service_cycle_minutes end" in manifest
    broken = manifest.replace("then service_cycle_minutes end", "then service_cycle_hours end")
    (tmp_path / "semantic_manifest.json").write_text(broken)
    with MetricFlowOracle(warehouse.warehouse, tmp_path) as other:
        problems = other.problems()
    assert problems
    assert all("service_cycle_hours" in problem for problem in problems)


def test_the_model_names_every_fact_and_dimension_of_the_semantic_yaml(warehouse: WarehouseFixture) -> None:
    manifest = json.loads((warehouse.dbt_target / "manifest.json").read_text())
    models = manifest["semantic_models"].values()
    assert len(models) >= 10
    needed = {node for model in models for node in model["depends_on"]["nodes"]}
    named = manifest["nodes"]["model.service_metrics.fct_metric_period"]["depends_on"]["nodes"]
    assert needed <= set(named)


# a scan of the customers whose measures take something of one tier only
SCAN = """
{'model': {'node_relation': {'alias': 'dim_customer'}}, 'time': {'expr': 'customer_key'}, 'grains': ['day'],
 'measures': {'vips': {'agg': 'sum'}}, 'holistic': {'measures': HOLISTIC}, 'read': {COLUMNS}}
"""
COLUMN = """'C': {'column': 'C', 'expression': "case when tier = 'vip' then 1 end"}"""


@pytest.mark.parametrize(
    ("columns", "holistic", "left"),
    [
        (10, "{'half': {'agg': 'median'}}", "tier = 'vip'"),
        (11, "{'half': {'agg': 'median'}}", "true"),
        (10, "{'half': {'agg': 'count_distinct'}}", "true"),
    ],
)
def test_rows_without_values_are_left_out_where_few_are_asked_and_none_is_counted(
    warehouse: WarehouseFixture, tmp_path: Path, columns: int, holistic: str, left: str
) -> None:
    read = ", ".join(COLUMN.replace("C", f"of_{number}") for number in range(columns))
    scan = SCAN.replace("COLUMNS", read).replace("HOLISTIC", holistic)
    with pytest.MonkeyPatch.context() as patch:
        # the oracle reads the other one
        patch.setattr(warehouse, "warehouse", tmp_path / "warehouse.duckdb")
        compiled = warehouse.dbt(
            "--quiet", "compile", "--output", "json", "--inline",
            f"-- depends_on: {{{{ ref('dim_customer') }}}}\n{{{{ fact_rows({scan}, 'customer_key') }}}}",
        )  # fmt: skip
    (found,) = warehouse.rows(f"select count(*) as found from ({json.loads(compiled)['compiled']}\n)")
    expected = warehouse.value(f"select count(*) from marts.dim_customer where {left}")
    assert found == {"found": expected}
    assert expected > 0


CUMULATIVE = """
metrics:
  - name: tickets_rolling
    label: Tickets, rolling
    description: Rolling.
    type: cumulative
    type_params: {measure: ticket_count, cumulative_type_params: {window: 28 days}}
    config: {meta: {label_zh: 滚动工单量, unit: count, direction: neutral, owner: x, source: x, requirement: x,
                    valid_dimensions: [channel], tidy: TIDY}}
"""


def test_a_metric_that_cannot_be_rendered_raises_unless_marked(
    warehouse: WarehouseFixture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / "dbt_project"
    shutil.copytree(PROJECT, project)
    monkeypatch.setattr(warehouse_fixture, "PROJECT", project)
    extra = project / "models" / "metrics" / "_extra__metrics.yml"
    monkeypatch.setattr(warehouse, "dbt_target", tmp_path / "target")
    # the oracle reads the other one
    monkeypatch.setattr(warehouse, "warehouse", tmp_path / "warehouse.duckdb")
    extra.write_text(CUMULATIVE.replace("TIDY", "true"))
    with pytest.raises(BuildError, match=r"metric tickets_rolling: type cumulative is not rendered"):
        warehouse.dbt("compile", "--select", "dim_metric")
    extra.write_text(CUMULATIVE.replace("TIDY", "false"))
    assert "tickets_rolling" not in warehouse.dbt("compile", "--select", "dim_metric")


def test_a_metric_is_one_entry(warehouse: WarehouseFixture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The entry that CONTRIBUTING shows, and nothing else."""
    project = tmp_path / "dbt_project"
    shutil.copytree(PROJECT, project)
    monkeypatch.setattr(warehouse_fixture, "PROJECT", project)
    monkeypatch.setattr(warehouse, "dbt_target", tmp_path / "target")
    own = shutil.copyfile(warehouse.warehouse, tmp_path / "warehouse.duckdb")
    monkeypatch.setattr(warehouse, "warehouse", own)
    chapter = (PROJECT.parent / "CONTRIBUTING.md").read_text(encoding="utf-8").split("## A metric\n")[1]
    entry = chapter.split("```yaml\n")[1].split("```")[0]
    (project / "models" / "metrics" / "_mine__metrics.yml").write_text(entry, encoding="utf-8")

    warehouse.build("--select", "dim_metric", "fct_metric_period", tests=False)

    assert len(entry.splitlines()) == 10
    described = warehouse.rows("select name_en, name_zh from metrics.dim_metric where metric = 'reopened_tickets'")
    assert described == [{"name_en": "Tickets reopened", "name_zh": "重开工单数"}]
    found = warehouse.rows(
        "select period_start, value from metrics.fct_metric_period "
        "where metric = 'reopened_tickets' and grain = 'month' and segment = 'all' order by all"
    )
    expected = warehouse.rows(
        "select cast(date_trunc('month', created_date) as date) as period_start, "
        "cast(count(*) filter (where reopen_count > 0) as double) as value "
        "from marts.fct_ticket where is_in_scope and is_ever_resolved and reopen_count is not null "
        "group by all order by all"
    )
    assert found == expected != []
    members = warehouse.rows(
        "select distinct segment from metrics.fct_metric_period where metric = 'reopened_tickets' order by all"
    )
    assert [row["segment"] for row in members] == ["all", "channel", "region", "team"]
