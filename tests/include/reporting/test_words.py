"""What a business user reads exists in both languages: every phrase, and every code that the metrics use."""

from __future__ import annotations

import csv
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from include.contracts import load_contracts
from include.reporting import words
from include.reporting.words import Kind, is_named, member_named, named, period, word
from include.settings import PROJECT_ROOT
from tests.support.page_checks import assert_says_the_same

CONTENT = yaml.safe_load(Path(words.__file__).with_name("words.yml").read_text(encoding="utf-8"))
REPORTING = Path(words.__file__).parent
DBT = PROJECT_ROOT / "dbt_project"


def metrics() -> list[dict[str, Any]]:
    """`config.meta` of every published metric."""
    folder = DBT / "models" / "metrics"
    found = [
        metric
        for path in sorted(folder.glob("_*__metrics.yml"))
        for metric in yaml.safe_load(path.read_text(encoding="utf-8")).get("metrics") or []
    ]
    metas = [{"name": metric["name"], **metric["config"]["meta"]} for metric in found]
    return [meta for meta in metas if meta.get("tidy", True)]


@pytest.mark.parametrize("name", CONTENT["phrases"])
def test_a_phrase_says_the_same_in_both_languages(name: str) -> None:
    assert_says_the_same(CONTENT["phrases"][name])


def test_every_phrase_that_is_asked_for_is_there() -> None:
    paths = [*REPORTING.glob("*.py"), *REPORTING.glob("templates/*.j2")]
    code = "".join(path.read_text(encoding="utf-8") for path in paths)
    asked = set(re.findall(r"""(?:word|said)\(\s*(?:language, )?["'](\w+)["']""", code))
    assert len(asked) > 60
    assert asked - set(CONTENT["phrases"]) == set()


@pytest.mark.parametrize("meta", metrics(), ids=lambda meta: meta["name"])
def test_the_codes_of_a_metric_have_words(meta: dict[str, Any]) -> None:
    codes: list[tuple[Kind, str]] = [
        ("unit", meta["unit"]),
        ("direction", meta["direction"]),
        ("owner", meta["owner"]),
        *(("interval", method) for method in [meta.get("interval")] if method),
        *(("grain", grain) for grain in meta.get("grains", [])),
        *(("segment", segment) for segment in meta["valid_dimensions"]),
    ]
    assert [code for kind, code in codes if not is_named(kind, code)] == []


def test_codes_of_segments_have_words_in_both_languages() -> None:
    """All values that a contract allows; of reasons, which are an installation's own, the sample company's."""
    customer = load_contracts()["customer"].columns
    crm = yaml.safe_load((PROJECT_ROOT / "config" / "sources" / "crm.yml").read_text(encoding="utf-8"))
    reasons = crm["feeds"]["contracts"]["entities"]["contract"]["columns"]["end_reason"]["values"]
    bands = (DBT / "models/marts/strategic/fct_satisfaction_outcome.sql").read_text(encoding="utf-8")
    channels = csv.DictReader((DBT / "seeds/channel.csv").read_text(encoding="utf-8").splitlines())
    codes = {
        "tier": customer["tier"].values,
        "stratum": customer["tier"].values,
        "customer_type": customer["customer_type"].values,
        "is_new_customer": ["true", "false"],
        "channel_group": sorted({row["channel_group"] for row in channels}),
        "satisfaction_band": sorted(set(re.findall(r"(?:then|else) '([a-z]+)'", bands))),
        "end_reason": list(reasons.values()),
    }
    for segment, members in codes.items():
        assert len(members) > 1, segment
        words_of = CONTENT["codes"][segment]
        assert [member for member in members if set(words_of.get(member, ())) != {"en", "zh"}] == [], segment
        for member in members:
            assert member_named("zh", segment, member) == words_of[member]["zh"]
    assert {member_named("zh", "end_reason", code) for code in reasons.values()} == set(reasons)
    assert member_named("zh", "end_reason", "(none)") == "（未知）"


def test_a_metric_is_described_in_chinese() -> None:
    lacking = [meta["name"] for meta in metrics() if not meta.get("description_zh")]
    assert lacking == []


def test_a_code_without_words_is_shown_as_it_is() -> None:
    assert member_named("zh", "region", "华东") == "华东"
    assert member_named("en", "end_reason", "moved_away") == "moved away"
    assert named("en", "dimension", "own_dimension") == "own dimension"


def test_periods_are_told_as_people_do() -> None:
    assert period("en", "month", date(2026, 12, 1)) == "December 2026"
    assert period("zh", "month", date(2026, 12, 1)) == "2026 年 12 月"
    assert period("en", "quarter", date(2026, 4, 1)) == "Q2 2026"
    assert period("zh", "quarter", date(2026, 10, 1)) == "2026 年第 4 季度"
    assert (period("en", "year", date(2026, 1, 1)), period("zh", "year", date(2026, 1, 1))) == ("year 2026", "2026 年")
    assert period("en", "week", date(2026, 6, 22)) == "week of 2026-06-22"
    assert word("en", "run", n=3) == "night 3 of this data home"
