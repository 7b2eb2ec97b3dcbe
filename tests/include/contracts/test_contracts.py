"""What every contract promises, and that a contract which can't hold is refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from include.contracts import load_contracts
from include.contracts.loader import SYSTEM_COLUMNS

# SPEC 2
ENTITIES = {
    "agent", "asset", "contract", "customer", "customer_identity", "follow_up", "improvement_action", "metric_target",
    "order", "product", "review", "service_partner", "survey", "survey_answer", "survey_invitation", "survey_question",
    "survey_response", "team", "ticket", "ticket_event", "usage", "visit",
}  # fmt: skip
PEOPLE = {"name", "owner", "email", "phone"}
WRITTEN_BY_PEOPLE = {
    "action_text", "action_taken", "answer_text", "blocker", "description", "issue", "message", "note", "review_text",
    "subject", "title",
}  # fmt: skip


def test_every_entity_has_a_contract() -> None:
    assert set(load_contracts()) == ENTITIES


@pytest.mark.parametrize("entity", sorted(ENTITIES))
def test_names_are_in_both_languages(entity: str) -> None:
    contract = load_contracts()[entity]
    names = [(contract.name["en"], contract.name["zh"]), *((c.en, c.zh) for c in contract.columns.values())]
    assert all(re.search("[A-Za-z]", en) and re.search("[一-龥]", zh) for en, zh in names)


@pytest.mark.parametrize("entity", sorted(ENTITIES))
def test_deletions_can_be_stated_and_columns_are_distinct(entity: str) -> None:
    contract = load_contracts()[entity]
    assert contract.columns["is_deleted"].type == "boolean"
    if contract.change_time:
        assert contract.columns[contract.change_time].type == "timestamp"
    names = [name for name, _ in contract.clean_columns()]
    assert len(names) == len(set(names))
    assert not {name for name, _ in SYSTEM_COLUMNS} & set(contract.columns)


def test_people_are_hashed_and_what_they_write_is_masked() -> None:
    """By name, so that a new column of this kind is asked for its class."""
    for contract in load_contracts().values():
        for name, column in contract.columns.items():
            if name in PEOPLE:
                assert column.is_hashed, f"{contract.entity}.{name}"
                assert (name, "VARCHAR") not in contract.clean_columns()
            if name in WRITTEN_BY_PEOPLE:
                assert column.personal == "free_text", f"{contract.entity}.{name}"


def test_times_that_a_source_may_not_have_are_optional() -> None:
    contracts = load_contracts()
    assert not contracts["survey_response"].columns["submitted_at"].required
    assert not contracts["review"].columns["reviewed_at"].required
    # without it an invitation can't be told from one that was never sent
    assert contracts["survey_invitation"].columns["sent_at"].required


@pytest.mark.parametrize(
    ("column", "problem"),
    [
        ("x_id: {type: id, en: X, zh: 甲, references: nobody}", "x_id refers to unknown nobody"),
        ("y_id: {type: id, en: Y, zh: 乙}", "no column x_id"),
    ],
)
def test_a_contract_that_can_not_hold_is_refused(tmp_path: Path, column: str, problem: str) -> None:
    text = "entity: x\nname: {en: X, zh: 甲}\ngrain: One row per x\nkey: [x_id]\nchange_time: null\ncolumns:\n  "
    (tmp_path / "x.yml").write_text(text + column + "\n", encoding="utf-8")
    with pytest.raises(ValueError, match=problem):
        load_contracts(tmp_path)
