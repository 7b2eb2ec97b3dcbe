"""Sampling frames and the satisfaction index: METHODS' figures, and random surveys against a plain reference."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from include.configuration.experience_tables import sampling_rows, weight_rows
from include.configuration.sampling import PurposeSampling, Sampling
from include.configuration.weights import CsiWeights, Scene
from tests.support.warehouse_fixture import WarehouseFixture

SHANGHAI = ZoneInfo("Asia/Shanghai")
AS_OF = datetime(2026, 6, 30, 16)
DIMENSIONS = ("speed", "skill", "care", "price")
SAMPLING = Sampling(
    recently_asked_days=20,
    strata={"standard": "others"},
    purposes={
        "transactional": PurposeSampling(population="resolved_tickets"),
        "relationship": PurposeSampling(population="active_customers"),
        "pulse": PurposeSampling(population="active_customers", wave="survey"),
    },
)
SURVEYS = {"after": "transactional", "yearly": "relationship", "quick": "pulse", "call": "call_back"}
Rows = list[dict[str, Any]]


def _scene(name: str, weights: dict[str, str], **conditions: Any) -> Scene:
    return Scene(
        scene=name, en=name, zh="场景", weights={one: Decimal(weight) for one, weight in weights.items()}, **conditions
    )


WEIGHTS = CsiWeights(
    scenes=(
        _scene("vip", {"speed": "3", "skill": "2"}, purpose=("transactional",), tier=("vip", "key_account")),
        _scene("after", {"speed": "0.3", "skill": "0.3", "care": "0.4"}, purpose=("transactional",),
               valid_to=date(2026, 4, 30)),
        _scene("after", {"care": "1", "price": "1"}, purpose=("transactional",), valid_from=date(2026, 5, 1)),
        _scene("company", {"speed": "1", "price": "1"}, customer_type=("company",)),
        _scene("offline", {"skill": "5", "price": "5"}, channel_group=("offline",)),
        _scene("line", {"speed": "1"}, product_line=("L0", "L1")),
        _scene("rest", {"speed": "1", "skill": "1", "care": "1", "price": "2"}, purpose=("relationship", "pulse")),
    )
)  # fmt: skip


class Company:
    """Random customers, tickets, invitations, responses and answers; plain rows that the reference reads, too."""

    def __init__(self, chance: random.Random) -> None:
        self.tiers = {
            f"C{n}": [
                (at, chance.choice(["vip", "key_account", "standard", "standard", None]))
                for at in sorted({self.moment(chance) for _ in range(chance.randint(1, 3))})
            ]
            for n in range(220)
        }
        self.types = {name: chance.choice(["company", "person"]) for name in self.tiers}
        self.contracts = {
            name: (start, start + timedelta(days=chance.randint(5, 120)))
            for name in self.tiers
            if chance.random() < 0.8
            for start in [date(2026, 1, 1) + timedelta(days=chance.randrange(170))]
        }
        self.tickets = [self.ticket(chance, n) for n in range(500)]
        self.invitations = [self.invitation(chance, n) for n in range(700)]
        self.responses = [self.response(chance, n) for n in range(900)]
        self.questions = {
            f"{survey}.{dimension}.{n}": {
                "survey_id": survey, "dimension": dimension, "scale_min": low, "scale_max": high,
                "direction": chance.choice(["higher_is_better", "lower_is_better"]),
                "is_reverse_keyed": chance.random() < 0.3,
            }
            for survey in SURVEYS for dimension in DIMENSIONS for n in range(2)
            for low, high in [chance.choice([(1, 5), (0, 10), (1, 7)])]
        }  # fmt: skip
        self.answers = [
            {"response_id": one["response_id"], "question_id": name, "is_counted": chance.random() < 0.95,
             "answer_value": chance.randint(question["scale_min"], question["scale_max"] + (chance.random() < 0.05))}
            for one in self.responses for name, question in self.questions.items()
            if question["survey_id"] == one["survey_id"] and chance.random() < one["diligence"]
        ]  # fmt: skip

    @staticmethod
    def moment(chance: random.Random) -> datetime:
        """An hour of the half-year; whole days of Shanghai often, so that limits are met exactly."""
        return datetime(2026, 1, 1, 16) + timedelta(days=chance.randrange(178), hours=chance.choice([0, 0, 3, 9]))

    def ticket(self, chance: random.Random, n: int) -> dict[str, Any]:
        """A ticket without events: what its summary says."""
        created = self.moment(chance)
        resolved = min(created + timedelta(days=chance.randint(0, 40)), AS_OF)
        is_resolved = chance.random() < 0.85
        return {
            "ticket_id": f"T{n}", "customer_id": chance.choice(sorted(self.tiers)), "customer_id_space": "crm",
            "product_id": f"P{chance.randrange(3)}", "product_id_space": "crm", "created_at": created,
            "status": "resolved" if is_resolved else "open", "resolved_at": resolved if is_resolved else None,
            "is_complaint": chance.random() < 0.2, "is_counted": chance.random() < 0.95,
            "exclusion": "spam" if chance.random() < 0.05 else None,
        }  # fmt: skip

    def invitation(self, chance: random.Random, n: int) -> dict[str, Any]:
        """An invitation of a ticket's customer, with the survey tool's own stratum now and then."""
        ticket = chance.choice(self.tickets)
        return {
            "invitation_id": f"I{n}", "survey_id": chance.choice(sorted(SURVEYS)), "sent_at": self.moment(chance),
            "ticket_id": ticket["ticket_id"], "ticket_id_space": "desk", "customer_id": ticket["customer_id"],
            "customer_id_space": "crm", "stratum": chance.choice([None, None, "vip", "elsewhere"]),
            "channel": chance.choice(["sms", "store", None]), "is_deleted": chance.random() < 0.03,
        }  # fmt: skip

    def response(self, chance: random.Random, n: int) -> dict[str, Any]:
        """A response to an invitation, or one that nobody asked for."""
        asked = chance.choice(self.invitations) if chance.random() < 0.8 else None
        return {
            "response_id": f"R{n}", "survey_id": asked["survey_id"] if asked else chance.choice(sorted(SURVEYS)),
            "invitation_id": asked["invitation_id"] if asked else None,
            "submitted_at": None if chance.random() < 0.05 else self.moment(chance),
            "is_counted": chance.random() < 0.85, "is_deleted": chance.random() < 0.05,
            "diligence": chance.choice([0.15, 0.4, 0.9]),
        }  # fmt: skip

    def deliver(self, home: WarehouseFixture) -> None:
        """Everything, to a home."""
        home.deliver(
            "customer",
            [{"customer_id": name, "tier": tier, "customer_type": self.types[name], "updated_at": at}
             for name, versions in self.tiers.items() for at, tier in versions],
        )  # fmt: skip
        home.deliver(
            "contract",
            [{"contract_id": f"K{name}", "customer_id": name, "start_date": start, "end_date": end}
             for name, (start, end) in self.contracts.items()],
        )  # fmt: skip
        home.deliver("product", [{"product_id": f"P{n}", "product_line": f"L{n}"} for n in range(3)])
        home.deliver("ticket", self.tickets, source="desk")
        home.deliver(
            "survey",
            [{"survey_id": name, "purpose": purpose, "wave": "spring" if name == "quick" else "2026"}
             for name, purpose in SURVEYS.items()],
            source="survey",
        )  # fmt: skip
        home.deliver(
            "survey_question",
            [
                {"question_id": name, "metric_role": "dimension", **question}
                for name, question in self.questions.items()
            ],
            source="survey",
        )
        home.deliver("survey_invitation", self.invitations, source="survey")
        told = [{name: value for name, value in row.items() if name != "diligence"} for row in self.responses]
        home.deliver("survey_response", told, source="survey")
        home.deliver("survey_answer", self.answers, source="survey")

    def tier(self, customer: str, at: datetime) -> str | None:
        """The tier at a moment; the first one has always held."""
        versions = self.tiers[customer]
        return [tier for since, tier in versions if since <= at or since == versions[0][0]][-1]

    def stratum(self, customer: str, at: datetime) -> str | None:
        tier = self.tier(customer, at)
        return SAMPLING.strata.get(tier, tier) if tier else None


def _local(at: datetime) -> date:
    return at.replace(tzinfo=ZoneInfo("UTC")).astimezone(SHANGHAI).date()


@pytest.fixture(scope="module")
def company() -> Company:
    return Company(random.Random(20261122))


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory, company: Company) -> WarehouseFixture:
    """The random company of 2026, and METHODS' 10,000 customers of June 2025."""
    home = WarehouseFixture(tmp_path_factory.mktemp("weights"))
    for table, rows in {**weight_rows(WEIGHTS), **sampling_rows(SAMPLING)}.items():
        home.control(table, rows)
    company.deliver(home)
    _deliver_methods(home)
    home.build()
    return home


def _deliver_methods(home: WarehouseFixture) -> None:
    """1,000 VIPs, all asked, 90 % satisfied; 9,000 others, 30 % asked, 70 % satisfied; everybody asked answers."""
    tiers = ["vip"] * 1000 + ["standard"] * 9000
    everyone = [f"M{n}" for n in range(10_000)]
    home.deliver(
        "customer",
        [{"customer_id": name, "tier": tier, "updated_at": datetime(2025, 1, 1)}
         for name, tier in zip(everyone, tiers, strict=True)],
    )  # fmt: skip
    home.deliver(
        "contract",
        [{"contract_id": f"K{name}", "customer_id": name, "start_date": date(2025, 6, 1),
          "end_date": date(2025, 6, 30)} for name in everyone],
    )  # fmt: skip
    home.deliver("survey", [{"survey_id": "known", "purpose": "relationship"}], source="known")
    home.deliver(
        "survey_question",
        [{"question_id": "known.csat", "survey_id": "known", "metric_role": "csat", "scale_min": 1, "scale_max": 5},
         {"question_id": "known.nps", "survey_id": "known", "metric_role": "nps", "scale_min": 0, "scale_max": 10}],
        source="known",
    )  # fmt: skip
    asked = everyone[:3700]
    home.deliver(
        "survey_invitation",
        [{"invitation_id": name, "survey_id": "known", "customer_id": name, "customer_id_space": "crm",
          "sent_at": datetime(2025, 6, 10)} for name in asked],
        source="known",
    )  # fmt: skip
    home.deliver(
        "survey_response",
        [{"response_id": name, "survey_id": "known", "invitation_id": name, "submitted_at": datetime(2025, 6, 12)}
         for name in asked],
        source="known",
    )  # fmt: skip
    satisfied = [n < 900 if n < 1000 else n < 1000 + 1890 for n in range(3700)]
    home.deliver(
        "survey_answer",
        [{"response_id": name, "question_id": question, "answer_value": high if good else low}
         for name, good in zip(asked, satisfied, strict=True)
         for question, high, low in (("known.csat", 4, 3), ("known.nps", 9, 6))],
        source="known",
    )  # fmt: skip


def _cell(warehouse: WarehouseFixture, metric: str) -> dict[str, Any]:
    (row,) = warehouse.rows(
        "select * from metrics.fct_metric_period where metric = ? and grain = 'month' and segment = 'all'"
        " and period_start = '2025-06-01'", metric,
    )  # fmt: skip
    return row


def test_weights_of_methods(warehouse: WarehouseFixture) -> None:
    frame = warehouse.rows(
        "select stratum, population, excluded, sampled, responded, counted, weight from marts.fct_survey_frame"
        " where wave = '2025-06' order by stratum"
    )
    assert [tuple(row.values()) for row in frame] == [
        ("others", 9000, 0, 2700, 2700, 2700, pytest.approx(9000 / 2700)),
        ("vip", 1000, 0, 1000, 1000, 1000, 1.0),
    ]
    assert f"{_cell(warehouse, 'csat_relationship')['value']:.5f}" == "0.75405"
    row = _cell(warehouse, "csat_relationship_weighted")
    assert f"{row['value']:.4f}" == "0.7200"
    assert (f"{row['n_effective']:.1f}", f"{row['design_effect']:.3f}", row["n"]) == ("3225.8", "1.147", 3700)
    # Wilson of 72 % of 3225.8 cases, by hand
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((0.704251, 0.735226), abs=1e-6)
    assert row["standard_error"] == pytest.approx(0.0079054, abs=1e-7)


def test_weighted_net_promoter_score_has_the_interval_of_its_effective_cases(warehouse: WarehouseFixture) -> None:
    row = _cell(warehouse, "nps_relationship_weighted")
    assert row["value"] == pytest.approx(44)  # 72 % less 28 %
    n = 1e8 / 31_000
    difference = 0.44 * n / (n + 3)
    spread = 1.959963984540054 * (((n + 1.5) / (n + 3) - difference**2) / (n + 3)) ** 0.5
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((100 * (difference - spread), 100 * (difference + spread)))


def _reference_frames(company: Company) -> dict[tuple[str, str, str], tuple[Any, ...]]:
    """(survey, wave, stratum) -> population, excluded, sampled, responded, counted, by plain loops."""
    in_scope = [one for one in company.tickets if one["is_counted"] and not one["exclusion"]]
    sent = [one for one in company.invitations if not one["is_deleted"]]
    answered: dict[str, Rows] = defaultdict(list)
    for response in company.responses:
        if not response["is_deleted"] and response["invitation_id"]:
            answered[response["invitation_id"]].append(response)

    def is_excluded(customer: str, at: datetime) -> bool:
        for one in in_scope:
            is_of_customer = one["is_complaint"] and one["customer_id"] == customer and one["created_at"] <= at
            if is_of_customer and (one["resolved_at"] is None or one["resolved_at"] > at):
                return True
        since = at - timedelta(days=SAMPLING.recently_asked_days)
        return any(one["customer_id"] == customer and since <= one["sent_at"] < at for one in sent)

    waves: dict[tuple[str, str], Rows] = defaultdict(list)
    for one in sent:
        purpose = SAMPLING.purposes.get(SURVEYS[one["survey_id"]])
        if purpose:
            wave = "spring" if purpose.wave == "survey" else _local(one["sent_at"]).strftime("%Y-%m")
            waves[one["survey_id"], wave].append(one)
    counts: dict[tuple[str, str, str], Counter[str]] = defaultdict(Counter)
    for (survey, wave), invitations in waves.items():
        first = min(one["sent_at"] for one in invitations)
        if SAMPLING.purposes[SURVEYS[survey]].population == "active_customers":
            month = _local(first).strftime("%Y-%m")
            units = [
                (name, first)
                for name, (start, end) in company.contracts.items()
                if start.strftime("%Y-%m") <= month <= end.strftime("%Y-%m")
            ]
        else:
            units = [
                (one["customer_id"], one["resolved_at"])
                for one in in_scope
                if one["resolved_at"] and _local(one["resolved_at"]).strftime("%Y-%m") == wave
            ]
        for customer, at in units:
            stratum = company.stratum(customer, at)
            if stratum:
                counts[survey, wave, stratum]["population"] += 1
                counts[survey, wave, stratum]["excluded"] += is_excluded(customer, at)
        for one in invitations:
            stratum = one["stratum"] or company.stratum(one["customer_id"], one["sent_at"])
            if stratum:
                of = counts[survey, wave, stratum]
                of["sampled"] += 1
                of["responded"] += bool(answered[one["invitation_id"]])
                of["counted"] += sum(response["is_counted"] for response in answered[one["invitation_id"]])
    return {
        key: (
            of["population"] or None,
            of["excluded"] if of["population"] else None,
            of["sampled"],
            of["responded"],
            of["counted"],
            of["population"] / of["counted"] if of["population"] and of["counted"] else None,
        )
        for key, of in counts.items()
    }


def test_frames_agree_with_a_plain_reference(warehouse: WarehouseFixture, company: Company) -> None:
    found = {
        (row["survey_id"], row["wave"], row["stratum"]): (
            row["population"], row["excluded"], row["sampled"], row["responded"], row["counted"], row["weight"],
        )
        for row in warehouse.rows(
            "select survey.survey_id, frame.* from marts.fct_survey_frame as frame"
            " inner join marts.dim_survey as survey using (survey_key) where frame.wave <> '2025-06'"
        )
    }  # fmt: skip
    expected = _reference_frames(company)
    assert found.keys() == expected.keys()
    differing = {key: (found[key], expected[key]) for key in found if found[key] != pytest.approx(expected[key])}
    assert not differing
    assert len(found) > 30
    excluded = sum(row[1] or 0 for row in found.values())
    assert 0 < excluded < sum(row[0] or 0 for row in found.values())
    # every counted response of a frame weighs what its frame says, and all of them together its population
    off = warehouse.rows(
        "select frame.frame_key from marts.fct_survey_frame as frame"
        " left join marts.fct_survey_response as response using (frame_key) where frame.weight is not null"
        " group by frame.frame_key, frame.population"
        " having abs(coalesce(sum(response.sampling_weight), 0) - frame.population) > 1e-6"
    )
    assert off == []


def _reference_index(company: Company) -> dict[tuple[str, int], tuple[float, float | None, bool]]:
    """(response, rank of scene) -> coverage, index, whether it is the response's own scene, by plain loops."""
    invitations = {one["invitation_id"]: one for one in company.invitations}
    tickets = {one["ticket_id"]: one for one in company.tickets}
    answers: dict[str, Rows] = defaultdict(list)
    for answer in company.answers:
        answers[answer["response_id"]].append(answer)
    expected: dict[tuple[str, int], tuple[float, float | None, bool]] = {}
    for response in company.responses:
        if response["is_deleted"]:
            continue
        items: dict[str, list[float]] = defaultdict(list)
        for answer in answers[response["response_id"]]:
            question = company.questions[answer["question_id"]]
            low, high, value = question["scale_min"], question["scale_max"], int(answer["answer_value"])
            if answer["is_counted"] and low <= value <= high:
                share = 100 * (value - low) / (high - low)
                is_turned = question["is_reverse_keyed"] != (question["direction"] == "lower_is_better")
                items[question["dimension"]].append(100 - share if is_turned else share)
        scores = {dimension: sum(values) / len(values) for dimension, values in items.items()}
        asked = invitations.get(response["invitation_id"] or "")
        ticket = tickets[asked["ticket_id"]] if asked else None
        at = response["submitted_at"] or AS_OF
        day = _local(response["submitted_at"]) if response["submitted_at"] else date(2026, 6, 30)
        told = {
            "purpose": SURVEYS[response["survey_id"]],
            "customer_type": company.types[ticket["customer_id"]] if ticket else None,
            "tier": company.tier(ticket["customer_id"], at) if ticket else None,
            "product_line": "L" + ticket["product_id"][1:] if ticket else None,
            "channel_group": {"sms": "online", "store": "offline"}.get(asked["channel"]) if asked else None,
        }
        own = 0
        for rank, scene in enumerate(WEIGHTS.scenes, start=1):
            if not (scene.valid_from or date.min) <= day <= (scene.valid_to or date.max):
                continue
            if not own and all(not getattr(scene, name) or told[name] in getattr(scene, name) for name in told):
                own = rank
            weight = sum((w for dimension, w in scene.weights.items() if dimension in scores), Decimal(0))
            if weight:
                total = sum(
                    float(w) * scores[dimension] for dimension, w in scene.weights.items() if dimension in scores
                )
                is_enough = weight >= WEIGHTS.coverage_min * sum(scene.weights.values())
                expected[response["response_id"], rank] = (
                    float(weight / sum(scene.weights.values())),
                    total / float(weight) if is_enough else None,
                    own == rank,
                )
    return expected


def test_index_agrees_with_a_plain_reference(warehouse: WarehouseFixture, company: Company) -> None:
    ranks = defaultdict(list)
    for rank, scene in enumerate(WEIGHTS.scenes, start=1):
        ranks[scene.scene].append((rank, scene))
    found = {}
    for row in warehouse.rows(
        "select response.response_id, response.submitted_date, csi.* from marts.fct_response_csi as csi"
        " inner join marts.fct_survey_response as response using (response_key)"
    ):
        day = row["submitted_date"] or date(2026, 6, 30)
        (rank,) = (
            rank
            for rank, scene in ranks[row["scene"]]
            if (scene.valid_from or date.min) <= day <= (scene.valid_to or date.max)
        )
        found[row["response_id"], rank] = (row["csi_coverage"], row["csi_score"], row["is_own_scene"])
    expected = _reference_index(company)
    assert found.keys() == expected.keys()
    differing = {
        key: (found[key], expected[key])
        for key in found
        if found[key][:2] != pytest.approx(expected[key][:2]) or found[key][2] != expected[key][2]
    }
    assert not differing
    assert {row[1] is None for row in found.values()} == {True, False}
    assert len({rank for (_, rank), row in found.items() if row[2]}) == len(WEIGHTS.scenes)
    # the response carries the index of its own scene
    carried = {
        row["response_id"]: row["csi_score"]
        for row in warehouse.rows(
            "select response_id, csi_score from marts.fct_survey_response where csi_score is not null"
        )
    }
    assert carried == pytest.approx(
        {response: row[1] for (response, _), row in expected.items() if row[2] and row[1] is not None}
    )


def test_dimension_parts_add_up_to_the_scores(warehouse: WarehouseFixture) -> None:
    parts = warehouse.rows(
        "select dimension, sum(pomp_sum) / sum(answer_count) as score, sum(answer_count) as n"
        " from marts.fct_dimension_period where purpose = 'transactional' and period_start >= '2026-01-01'"
        " group by dimension order by dimension"
    )
    published = warehouse.rows(
        "select member as dimension, value as score, n from metrics.fct_metric_period"
        " where metric = 'dimension_score_transactional' and grain = 'year' and segment = 'dimension'"
        " and period_start = '2026-01-01' and member <> '(none)' order by member"
    )
    assert len(parts) == len(DIMENSIONS)
    for part, row in zip(parts, published, strict=True):
        assert (part["dimension"], part["n"]) == (row["dimension"], row["n"])
        assert part["score"] == pytest.approx(row["score"])
