"""What an auditor reads exists in both languages, and says the same."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from include.reporting.audit import words
from include.reporting.audit.words import entity_name, named, night_label, number, say, share
from tests.support.page_checks import assert_says_the_same

HERE = Path(words.__file__).parent
CONTENT = yaml.safe_load((HERE / "words.yml").read_text(encoding="utf-8"))
ASKED = re.compile(r"""\bsay\(\s*(?:language,\s*)?["'](\w+)["']""")
# Asked for by the name of an outcome or a part of the rows, or in a list.
COMPOSED = {
    *(f"{outcome}_says" for outcome in CONTENT["codes"]["outcome"]),
    *(f"trend_{part}" for part in ("quarantined", "held", "not_counted")),
    "troubles", "flow", "findings", "samples", "effect", "movement", "changes", "decisions", "changed_mappings",
    "last_night", "last_nights", "moved_first", "moved_unreadable", "moved_measures", "moved_line",
    "changed_configuration", "fact_words", "fact_entity", "fact_verdict", "fact_thresholds", "fact_requirement",
}  # fmt: skip


def asked() -> set[str]:
    paths = [*HERE.glob("*.py"), *HERE.glob("templates/*.j2")]
    return {name for path in paths for name in ASKED.findall(path.read_text(encoding="utf-8"))} | COMPOSED


@pytest.mark.parametrize("name", CONTENT["phrases"])
def test_a_phrase_says_the_same_in_both_languages(name: str) -> None:
    assert_says_the_same(CONTENT["phrases"][name])


def test_every_phrase_is_asked_for_and_every_one_asked_for_is_there() -> None:
    assert len(asked()) > 100
    assert asked() ^ set(CONTENT["phrases"]) == set()


def test_every_code_has_words_in_both_languages() -> None:
    for kind, codes in CONTENT["codes"].items():
        for code, texts in codes.items():
            assert set(texts) == {"en", "zh"}, (kind, code)
    assert named("zh", "status", "stopped") == "已拦截"
    assert named("en", "status", "of_tomorrow") == "of tomorrow"
    assert entity_name("zh", "ticket") == "工单"
    assert entity_name("zh", "of_tomorrow") == "of tomorrow"


def test_figures_are_told_as_people_read_them() -> None:
    assert (number(1234567), number(0), number(None)) == ("1,234,567", "0", "–")
    assert share("en", 1, 8) == "12.5\u00a0%"
    assert share("zh", 1, 8) == "12.5%"
    assert share("en", 0, 8) == "0"
    assert share("en", 0, 0) == "–"
    assert share("en", 1, 10**7) == "<\u00a00.01\u00a0%"


def test_a_night_is_called_by_its_day_or_by_its_hour() -> None:
    assert night_label(datetime(2026, 6, 30, 16, tzinfo=UTC), "Asia/Shanghai") == "2026-06-30"
    assert night_label(datetime(2026, 6, 30, 17, tzinfo=UTC), "Asia/Shanghai") == "2026-07-01 01:00"
    assert say("en", "title_night", night="2026-06-30") == "Audit of night 2026-06-30"
