"""Both sides of the survey benchmark make the same marts, of data in which there is something to judge."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from benchmarks.warehouse import survey_marts
from include.warehouse.build_file import build_file

RESPONSES = 2000


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """The product's file as `product`, that of the script as `script`."""
    home = tmp_path_factory.mktemp("survey_marts")
    survey_marts.prepare(home, RESPONSES)
    survey_marts.floor(home)()
    survey_marts.marts(home)()
    with duckdb.connect() as con:
        con.execute(f"attach '{build_file(home)}' as product (read_only)")
        con.execute(f"attach '{survey_marts.floor_file(home)}' as script (read_only)")
        yield con


@pytest.mark.parametrize("mart", survey_marts.MARTS)
def test_both_sides_have_the_same_rows(both: duckdb.DuckDBPyConnection, mart: str) -> None:
    ours, theirs = f"product.marts.{mart}", f"script.floor.{mart}"
    kinds = dict(both.execute(f"select column_name, column_type from (describe {ours})").fetchall())
    columns = ", ".join(f"round({name}, 6)" if kind == "DOUBLE" else name for name, kind in kinds.items())
    found = both.execute(f"select count(*) from {ours}").fetchone()
    assert found == both.execute(f"select count(*) from {theirs}").fetchone()
    assert found is not None
    assert found[0] > 20
    assert both.execute(f"select {columns} from {ours} except select {columns} from {theirs} limit 3").fetchall() == []
    assert both.execute(f"select {columns} from {theirs} except select {columns} from {ours} limit 3").fetchall() == []


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
    found = both.execute(f"select count(*) from product.marts.{mart} where {condition}").fetchone()
    assert found is not None
    assert found[0] >= 10
