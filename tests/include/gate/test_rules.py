"""Rules are read whole or not at all, and GX can't drop one silently."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import great_expectations as gx
import pytest
from great_expectations.datasource.fluent.interfaces import Batch

from include.contracts import load_contracts
from include.gate.gx_duckdb import expectation_of, validate
from include.gate.rules import Rule, RuleError, load_rules

WORDS = {"requirement": "CL-6", "verdict": "flag", "en": "en", "zh": "zh"}


def rule(**parts: object) -> Rule:
    return Rule.model_validate({"id": "one", **WORDS, **parts})


def test_all_four_verdicts_and_ten_kinds_of_rules() -> None:
    rules = [one for rules in load_rules().by_entity.values() for one in rules]
    assert {one.verdict for one in rules} == {"unusable", "not_counted", "flag", "note"}
    assert len(rules) >= 10
    assert all(one.en and one.zh for one in rules)


def test_every_rule_is_an_expectation_that_gx_knows() -> None:
    for rules in load_rules().by_entity.values():
        for one in rules:
            assert expectation_of(one).meta == {"rule": one.id}


def test_every_reference_is_judged() -> None:
    references = [
        (entity, name)
        for entity, contract in load_contracts().items()
        for name, column in contract.columns.items()
        if column.references
    ]
    assert len(references) > 30
    for entity, name in references:
        rules = load_rules().of(entity, "settle")
        assert any(f"'{name}'" in str(one.expectation) or f"{name}_is" in (one.query or "") for one in rules), name


def test_unknown_expectation_is_refused() -> None:
    with pytest.raises(RuleError, match="no such expectation: expect_wonders"):
        expectation_of(rule(expectation={"type": "expect_wonders"}))


def test_an_expectation_that_raises_does_not_pass() -> None:
    con = duckdb.connect()
    con.execute("create table t as select 1 as row_id")
    with pytest.raises(RuleError, match="one"):
        validate(con, "t", [rule(sql="select row_id from {batch} where no_such_column > 1")])


@pytest.mark.parametrize("kept", [1, 0])
def test_a_rule_that_the_suite_loses_is_no_pass(monkeypatch: pytest.MonkeyPatch, kept: int) -> None:
    """What is not in the suite is not judged, and GX calls a suite without expectations a success."""
    con = duckdb.connect()
    con.execute("create table t as select 1 as row_id")
    rules = [rule(sql="select row_id from {batch}"), rule(id="two", sql="select row_id from {batch} where row_id > 1")]
    assert [one.failed_count for one in validate(con, "t", rules)] == [1, 0]
    whole = gx.ExpectationSuite

    def losing(name: str, expectations: list[Any]) -> gx.ExpectationSuite:
        return whole(name=name, expectations=expectations[:kept])

    monkeypatch.setattr(gx, "ExpectationSuite", losing)
    with pytest.raises(RuleError, match=f"t: {kept} of 2 rules reached the suite"):
        validate(con, "t", rules)


def test_a_rule_without_a_result_is_no_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    con = duckdb.connect()
    con.execute("create table t as select 1 as row_id")
    twins = [rule(sql="select row_id from {batch}"), rule(sql="select row_id from {batch} where row_id > 1")]
    with pytest.raises(RuleError, match="t: 1 results of 2 rules"):
        validate(con, "t", twins)
    validated = Batch.validate

    def silent(self: Batch, *arguments: Any, **named: Any) -> Any:
        outcome = validated(self, *arguments, **named)
        outcome.results.clear()
        return outcome

    monkeypatch.setattr(Batch, "validate", silent)
    with pytest.raises(RuleError, match="t: 0 results of 1 rules"):
        validate(con, "t", twins[:1])


def test_a_native_expectation_gives_all_failing_rows() -> None:
    """GX itself lists at most 20 rows of a summary; the query gives every one."""
    con = duckdb.connect()
    con.execute("create table t as select i as row_id, i as value from range(5000) r(i)")
    expectation = {"type": "expect_column_values_to_be_between", "kwargs": {"column": "value", "max_value": 999}}
    result = validate(con, "t", [rule(expectation=expectation)])[0]
    assert result.failed_count == 4000
    assert len(con.execute(result.failing_rows).fetchall()) == 4000


def test_settings_fill_query_and_words() -> None:
    one = rule(sql="select row_id from {batch} where run >= {length}", settings={"length": 10}, en="{length} in a row")
    assert one.query == "select row_id from {batch} where run >= 10"
    assert one.words("en") == "10 in a row"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("entity: nobody\nrules: []\n", "no such entity"),
        ("entity: team\nrules: [{id: a, requirement: x, verdict: bad, sql: s, en: e, zh: z}]\n", "verdict"),
        ("entity: team\nrules: [{id: a, requirement: x, verdict: flag, en: e, zh: z}]\n", "needs either"),
        (
            "entity: team\nrules: [{id: a, requirement: x, verdict: flag, sql: s, en: e, zh: z},"
            " {id: a, requirement: x, verdict: flag, sql: s, en: e, zh: z}]\n",
            "stand twice",
        ),
        (
            "entity: team\nrules: [{id: a, requirement: x, verdict: flag, stage: settle, stop_above: 0.5, sql: s,"
            " en: e, zh: z}]\n",
            "stops at stage gate, never at settle: a ",
        ),
        (
            "entity: team\nrules: [{id: a, requirement: x, verdict: flag, stop_from: 50, sql: s, en: e, zh: z}]\n",
            "`stop_from` goes with `stop_above`",
        ),
    ],
)
def test_a_bad_rule_file_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "team.yml").write_text(text, encoding="utf-8")
    with pytest.raises(RuleError, match=problem):
        load_rules(tmp_path)
