"""What is known of foreign words: it fits the contracts, and reads headers as people mean them."""

from __future__ import annotations

import pytest

from include.contracts import load_contracts
from include.mapping_help.matching import header_matches
from include.mapping_help.synonyms import code_of, load_synonyms
from include.sources.schema import Questionnaire


def test_synonyms_name_only_what_the_contracts_have() -> None:
    synonyms, contracts = load_synonyms(), load_contracts()
    every = {column for contract in contracts.values() for column in contract.columns}
    assert set(synonyms.entities) <= set(contracts)
    assert set(synonyms.columns) <= every
    for entity, columns in synonyms.columns_of.items():
        assert set(columns) <= set(contracts[entity].columns), entity
    for place, codes in synonyms.codes.items():
        entity, _, column = place.rpartition(".")
        if entity:
            assert set(codes) <= set(contracts[entity].columns[column].values), place
    roles = Questionnaire.model_json_schema()["$defs"]["Question"]["properties"]["role"]["enum"]
    assert set(synonyms.roles) <= set(roles)


def test_no_word_stands_for_two_codes() -> None:
    for place, codes in load_synonyms().codes.items():
        words = [word for code, more in codes.items() for word in {code, *more}]
        assert len(code_of(place)) <= len(words)
        assert sorted(set(words)) == sorted(words), place


@pytest.mark.parametrize(
    ("entity", "header", "column"),
    [
        ("ticket", "Ticket #", "ticket_id"),
        ("ticket", "工单号", "ticket_id"),
        ("ticket", "客户ID", "customer_id"),
        ("ticket", "用户编号", "customer_id"),
        ("ticket", "账号", "customer_id"),
        ("ticket", "工单状态（必填）", "status"),
        ("ticket", "CreatedAt", "created_at"),
        ("ticket", "处理时长(小时)", "handling_minutes"),
        ("ticket", "Prioritty", "priority"),
        ("order", "下单时间", "ordered_at"),
        ("customer", "客户 所属区域", "region"),
        ("survey_response", "提交答卷时间", "submitted_at"),
    ],
)
def test_headers(entity: str, header: str, column: str) -> None:
    found = header_matches(entity, header)
    assert max(found, key=lambda name: found[name]) == column


def test_a_word_that_means_something_else_is_no_misspelling() -> None:
    assert "contact_id" not in header_matches("customer_identity", "Contract")
    assert header_matches("ticket", "Weather") == {}
