"""Both sides of the survey benchmark make the same marts, of data in which there is something to judge."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from benchmarks.warehouse import survey_marts
from tests.benchmarks.both_sides import assert_same_rows, both_sides, rows_with

RESPONSES = 2000


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """The tables of both sides."""
    with both_sides("survey", survey_marts.prepare, tmp_path_factory.mktemp("bench"), RESPONSES) as con:
        yield con


@pytest.mark.parametrize(("mart", "key"), survey_marts.MARTS.items())
def test_both_sides_make_the_same_rows(both: duckdb.DuckDBPyConnection, mart: str, key: str) -> None:
    assert_same_rows(both, mart, key)
    assert rows_with(both, mart, "true") > 20


@pytest.mark.parametrize(
    ("mart", "condition"),
    [
        ("fct_survey_response", "not is_counted"),
        ("fct_survey_response", "quality_flags like '%constant_block%'"),
        ("fct_survey_response", "sampling_weight is not null"),
        ("fct_survey_response", "weight_null_reason = 'no_invitation'"),
        ("fct_survey_response", "nps_score <= 6"),
        ("fct_survey_response", "csat_is_satisfied"),
        ("fct_survey_response", "ces_scale like '1-5%'"),
        ("fct_survey_response", "ces_scale like '1-7%'"),
        ("fct_survey_response", "csi_scene = 'after_service_vip'"),
        ("fct_survey_response", "is_new_customer"),
        ("fct_survey_answer", "is_not_applicable"),
        ("fct_survey_answer", "not is_own_counted"),
        ("fct_survey_invitation", "not delivered"),
        ("fct_survey_invitation", "delivered is null"),
        ("fct_survey_invitation", "completed and not responded_within_24h"),
        ("fct_survey_frame", "excluded > 0"),
        ("fct_survey_frame", "weight > 1"),
        ("fct_response_csi", "csi_score is null"),
        ("fct_response_csi", "not is_own_scene"),
        ("fct_low_score_reason", "phrase is not null"),
        ("fct_low_score_reason", "reason_category = 'unclassified'"),
        ("fct_low_score_reason", "reason_category = 'no_words'"),
    ],
)
def test_the_data_reaches_the_rule(both: duckdb.DuckDBPyConnection, mart: str, condition: str) -> None:
    assert rows_with(both, mart, condition) >= 10
