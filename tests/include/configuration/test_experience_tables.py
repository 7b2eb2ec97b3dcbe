"""Weights and sampling: what the shipped files say, what is refused, and the control tables made of them."""

from __future__ import annotations

from collections import Counter
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from include.configuration.experience_tables import SCHEMAS, experience_tables, weight_rows
from include.configuration.loading import ConfigurationError, read_part
from include.configuration.weights import CsiWeights
from include.settings import PROJECT_ROOT
from include.sources.loading import load_source

TWO = """
coverage_min: 0.5
scenes:
  - {scene: visit, en: Visit, zh: 上门, tier: [vip, key_account], purpose: [transactional, pulse],
     valid_to: 2026-03-31, weights: {response_speed: 0.25, 自定: 3}}
  - {scene: visit, en: Visit, zh: 上门, valid_from: 2026-04-01, weights: {response_speed: 1}}
"""


def test_without_files_there_is_no_index_and_every_tier_is_a_stratum(tmp_path: Path) -> None:
    tables = experience_tables(tmp_path)
    assert tables.keys() == SCHEMAS.keys()
    assert (tables["csi_scene"], tables["csi_weight"], tables["sampling_stratum"]) == ([], [], [])
    assert {row["purpose"]: row["population"] for row in tables["sampling_purpose"]} == {
        "transactional": "resolved_tickets",
        "relationship": "active_customers",
        "pulse": "active_customers",
    }


def test_conditions_become_one_row_per_combination(tmp_path: Path) -> None:
    (tmp_path / "weights.yml").write_text(TWO, encoding="utf-8")
    tables = experience_tables(tmp_path)
    first = [row for row in tables["csi_scene"] if row["scene_rank"] == 1]
    assert {(row["purpose"], row["tier"], row["product_line"]) for row in first} == {
        (purpose, tier, None) for purpose in ("transactional", "pulse") for tier in ("vip", "key_account")
    }
    assert {(row["valid_from"], row["valid_to"], row["coverage_min"]) for row in first} == {
        (None, date(2026, 3, 31), Decimal("0.5"))
    }
    (second,) = (row for row in tables["csi_scene"] if row["scene_rank"] == 2)
    assert (second["scene"], second["purpose"], second["valid_from"]) == ("visit", None, date(2026, 4, 1))
    assert [(row["scene_rank"], row["dimension"], row["weight"]) for row in tables["csi_weight"]] == [
        (1, "response_speed", Decimal("0.25")),
        (1, "自定", Decimal(3)),
        (2, "response_speed", Decimal(1)),
    ]


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        (TWO.replace("0.25", "0"), r"weights\.yml:\d+: scenes\.0\.weights\.response_speed"),
        (TWO.replace("2026-04-01", "2026-03-31"), "scene visit stands twice for the same days"),
        (TWO.replace("2026-04-01", "2026-04-01, valid_to: 2026-03-01"), "ends before it begins"),
        (TWO.replace("tier:", "tiers:"), "unknown key"),
        (TWO.replace("transactional", "after"), "purpose"),
        (TWO.replace("coverage_min: 0.5", "coverage_min: 60"), "coverage_min"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path: Path, broken: str, told: str) -> None:
    (tmp_path / "weights.yml").write_text(broken, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=told):
        experience_tables(tmp_path)


def test_the_shipped_scenes_weigh_every_dimension_that_the_sample_company_asks() -> None:
    weights = read_part(PROJECT_ROOT / "config", "weights.yml", CsiWeights)
    source = load_source(PROJECT_ROOT / "config" / "sources" / "survey.yml").source
    for questionnaire in source.questionnaires.values():
        asked = {one.dimension for one in questionnaire.questions if one.dimension and one.role == "dimension"}
        scenes = [scene for scene in weights.scenes if questionnaire.purpose in scene.purpose]
        if questionnaire.purpose == "pretest":  # left out of all scores
            assert not scenes
            continue
        assert scenes
        assert all(scene.weights.keys() == asked for scene in scenes)
        # the last one asks nothing else: every response has a scene
        assert not (scenes[-1].tier or scenes[-1].customer_type)
    ranks = Counter(row["scene_rank"] for row in weight_rows(weights)["csi_weight"])
    assert len(ranks) == len(weights.scenes)
