"""Figures of a delivery against the usual ones: the index worked out by hand, and rows on both sides of every limit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import ValidationError

from include.gate.batch_rules import BatchRule
from include.gate.drift import chance_index, judge, stability_index
from include.gate.figures import ColumnFigures, DeliveryFigures, EntityFigures, UsualFigures
from include.gate.rules import RuleError, holding_rules, load_rules

RULES = {rule.figure: rule for rule in load_rules().of_batches}


def column(
    rows: int, missing: int = 0, values: Mapping[str, int] | None = None, *, score: bool = False
) -> ColumnFigures:
    return ColumnFigures(rows=rows, missing=missing, values=None if values is None else dict(values), is_score=score)


def failed(
    figure: str,
    now: dict[str, ColumnFigures],
    usual: dict[str, ColumnFigures],
    found: int = 10,
    records: int = 50,
    **settings: Any,
) -> tuple[int, list[str]] | None:
    """Figures judged, and what fails; null where the rule has nothing to judge by."""
    rule = RULES[figure].model_copy(update={"settings": RULES[figure].settings | settings})  # type: ignore[index]
    findings = judge(
        [rule],
        DeliveryFigures(records=records, columns_found=found, entities={"ticket": EntityFigures(rows=1, columns=now)}),
        UsualFigures(deliveries=5, columns_found=10, entities={"ticket": EntityFigures(rows=1, columns=usual)}),
    )
    return (findings[0].judged, list(findings[0].failed)) if findings else None


# --- the index ---


def test_the_index_by_hand() -> None:
    # 50/30/20 to 40/30/30: −.1 × ln .8 + 0 + .1 × ln 1.5 = .0223144 + .0405465
    index, bins = stability_index({"a": 50, "b": 30, "c": 20}, {"a": 40, "b": 30, "c": 30}, 0.01)
    assert (index, bins) == (pytest.approx(0.0628609, abs=1e-7), 3)
    # 50/50 to 75/25: .25 × ln 1.5 + −.25 × ln .5 = .1013663 + .1732868; the numbers of rows do not matter
    assert stability_index({"a": 500, "b": 500}, {"a": 3, "b": 1}, 0.01)[0] == pytest.approx(0.2746531, abs=1e-7)
    assert stability_index({"a": 7, "b": 3}, {"a": 70, "b": 30}, 0.01)[0] == 0


def test_a_value_that_is_new_had_half_a_row_before() -> None:
    # −.1 × ln .9 + (.1 − .005) × ln(.1 ÷ .005) = .0105361 + .2845946
    index, bins = stability_index({"a": 100}, {"a": 90, "b": 10}, 0.01)
    assert (index, bins) == (pytest.approx(0.2951307, abs=1e-7), 2)
    # Of 10,000 rows before, the same says more: .0105361 + (.1 − .00005) × ln(.1 ÷ .00005)
    assert stability_index({"a": 10_000}, {"a": 90, "b": 10}, 0.01)[0] == pytest.approx(0.7702462, abs=1e-7)


def test_a_value_that_is_gone_counts_as_well() -> None:
    # .1 × ln(1 ÷ .9) + (.005 − .1) × ln(.005 ÷ .1): the same the other way round
    assert stability_index({"a": 90, "b": 10}, {"a": 100}, 0.01)[0] == pytest.approx(0.2951307, abs=1e-7)


def test_rare_values_are_one_bin() -> None:
    # c and d are under 1 % each, e is new: together .015 to .015. b has 1 % exactly and is a bin of its own.
    usual = {"a": 975, "b": 10, "c": 8, "d": 7}
    assert stability_index(usual, {"a": 975, "b": 10, "e": 15}, 0.01) == (0, 3)


def test_chance_explains_more_where_there_are_few_rows() -> None:
    # Three bins: 2 degrees of freedom, (2 + 4 × √4) × (1/400 + 1/400)
    assert chance_index(3, 400, 400, 4) == pytest.approx(0.05)
    assert chance_index(3, 4000, 100, 4) == pytest.approx(10 * (1 / 4000 + 1 / 100))
    assert chance_index(1, 400, 400, 4) == 0


# --- the rules ---

HALF = {"open": 5000, "resolved": 5000}


@pytest.mark.parametrize(
    ("now", "limit", "fails"),
    [
        ({"open": 5000, "resolved": 5000}, 0.1, False),
        ({"open": 6550, "resolved": 3450}, 0.1, False),  # .155 × ln(1.31 ÷ .69) = .0994
        ({"open": 6560, "resolved": 3440}, 0.1, True),  # .156 × ln(1.312 ÷ .688) = .1007
        ({"open": 750, "resolved": 250}, 0.2746530722, True),  # at the limit
        ({"open": 150, "resolved": 49}, 0.1, None),  # 199 rows are too few to say
        ({"open": 150, "resolved": 50}, 0.1, True),
    ],
)
def test_codes_that_shift(now: dict[str, int], limit: float, fails: bool | None) -> None:
    found = failed("categories", {"status": column(1, values=now)}, {"status": column(1, values=HALF)}, psi=limit)
    assert (found and bool(found[1])) == fails
    scores = failed(
        "scores", {"q": column(1, values=now, score=True)}, {"q": column(1, values=HALF, score=True)}, psi=limit
    )
    assert (scores and bool(scores[1])) == fails
    assert failed("scores", {"status": column(1, values=now)}, {"status": column(1, values=HALF)}) is None


def test_what_chance_explains_is_no_drift() -> None:
    # Twenty codes in 200 rows: 10 × (.02 × ln 1.4 − .02 × ln .6), under (19 + 4 × √38) × (1/200 + 1/4000) = .229
    usual = {str(n): 200 for n in range(20)}
    now = {str(n): 14 if n % 2 else 6 for n in range(20)}
    index, bins = stability_index(usual, now, 0.01)
    assert index == pytest.approx(0.1694596, abs=1e-7)
    assert index < chance_index(bins, 4000, 200, 4)
    found = {"code": column(200, values=now)}, {"code": column(4000, values=usual)}
    assert failed("categories", *found) == (1, [])
    assert failed("categories", *found, sigmas=-2) == (1, ["code PSI 0.17"])


@pytest.mark.parametrize(
    ("missing", "rows", "fails"),
    [
        (29, 200, False),  # a rise of 9.5 points
        (30, 200, True),  # of 10, over 4 × √(.0667 × .9333 × (1/200 + 1/1000)) = .077
        (30, 199, None),
        (0, 200, False),
    ],
)
def test_missing_values_that_rise(missing: int, rows: int, fails: bool | None) -> None:
    found = failed("missing", {"customer_id": column(rows, missing)}, {"customer_id": column(1000, 50)})
    assert (found and bool(found[1])) == fails


def test_a_rise_that_chance_explains_is_none() -> None:
    now, usual = {"a": column(20, 12)}, {"a": column(20, 9)}
    assert failed("missing", now, usual, min_rows=20) == (1, [])
    assert failed("missing", now, usual, min_rows=20, sigmas=0.9) == (1, ["a is missing in 60% (45% is usual)"])


@pytest.mark.parametrize(
    ("now", "usual", "fails"),
    [
        (column(50, 50), column(1000, 500), True),  # half filled, as the setting says
        (column(50, 50), column(1000, 501), None),  # too rarely filled for it to mean anything
        (column(50, 49), column(1000, 500), False),
        (column(49, 49), column(1000, 0), None),
    ],
)
def test_a_column_that_is_emptied(now: ColumnFigures, usual: ColumnFigures, fails: bool | None) -> None:
    found = failed("emptied", {"a": now}, {"a": usual})
    assert (found and bool(found[1])) == fails


@pytest.mark.parametrize(("found", "fails"), [(8, False), (7, True), (0, True), (11, False)])
def test_columns_that_the_mapping_finds(found: int, fails: bool) -> None:
    said = failed("columns_found", {}, {}, found=found)
    assert said and bool(said[1]) == fails
    assert failed("columns_found", {}, {}, found=found, records=49) is None, "a few JSON records need not have all keys"


@pytest.mark.parametrize(
    ("broken", "sound", "fails"),
    [(3, 3, True), (3, 4, False), (2, 0, False), (3, 0, True)],
)
def test_a_break_is_in_half_of_the_distributions(broken: int, sound: int, fails: bool) -> None:
    other = {"open": 9000, "resolved": 1000}
    now = {f"b{n}": column(1, values=other, score=n == 0) for n in range(broken)}
    now |= {f"s{n}": column(1, values=HALF) for n in range(sound)}
    usual = {name: column(1, values=HALF, score=one.is_score) for name, one in now.items()}
    found = failed("distributions", now, usual)
    assert found and (found[0], bool(found[1])) == (broken + sound, fails)


def test_columns_of_one_side_only_are_not_judged() -> None:
    # A mapping has come or gone; that its file's columns are there is judged by itself.
    values = column(500, values=HALF)
    for figure in ("missing", "emptied", "categories", "scores", "distributions"):
        assert failed(figure, {"new": values}, {"old": values}) is None


# --- the rules' file ---


def test_every_figure_has_a_rule_in_both_languages() -> None:
    assert len(RULES) == len(load_rules().of_batches) == 8
    for rule in RULES.values():
        for language in ("en", "zh"):
            assert rule.words(language) and "{" not in rule.words(language)
    assert RULES["columns_found"].words("en") == "The mapping found under 80% of the columns that it usually finds."


@pytest.mark.parametrize(
    ("parts", "problem"),
    [
        ({"settings": {}}, "needs the settings min_rows, share"),
        ({"settings": {"share": 0.8, "psi": 1}}, "needs the settings min_rows, share"),
        ({"verdict": "flag"}, "verdict"),
        ({"figure": "weather"}, "figure"),
        ({"figure": "volume", "settings": {}, "verdict": "stop"}, "volume can be noted, not stopped"),
    ],
)
def test_a_rule_that_can_not_be_used_is_refused(parts: dict[str, Any], problem: str) -> None:
    sound = RULES["columns_found"].as_kept()
    assert BatchRule.model_validate(sound) == RULES["columns_found"]
    with pytest.raises(ValidationError, match=problem):
        BatchRule.model_validate(sound | parts)


def test_a_changed_rule_is_another_set_of_rules_and_old_sets_have_none() -> None:
    known = load_rules()
    with holding_rules(known.text):
        assert (load_rules().of_batches, load_rules().digest) == (known.of_batches, known.digest)
    with holding_rules("{}"):
        assert load_rules().of_batches == ()


def test_a_bad_rule_is_named(tmp_path: Any) -> None:
    (tmp_path / "batch.yml").write_text(
        "entity: batch\nrules: [{id: a, requirement: x, figure: missing, verdict: note, en: e, zh: z}]\n"
    )
    with pytest.raises(RuleError, match=r"rules of batch: .*needs the settings min_rows, rise, sigmas"):
        load_rules(tmp_path)
