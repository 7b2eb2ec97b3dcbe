"""The two sides of the landing and gate benchmarks judge the same rows alike: else their costs can't be compared."""

from __future__ import annotations

from pathlib import Path

import duckdb

from benchmarks.landing_gate import RESPONSES, TICKETS
from include.gate.rules import load_rules

ROWS = 3000


def test_both_sides_keep_the_same_rows_for_the_same_reasons(tmp_path: Path) -> None:
    TICKETS.prepare(tmp_path, ROWS)
    for step in (TICKETS.land, TICKETS.gate, TICKETS.settle, TICKETS.floor):
        step(tmp_path)()
    clean, bad = f"{tmp_path}/clean/ticket/*.parquet", f"{tmp_path}/quarantine/ticket/*.parquet"
    product = {
        "clean": rows(f"select row_number from '{clean}'"),
        "unusable": rows(f"select row_number, rule_id from '{bad}' where verdict = 'unusable'"),
        "not counted": rows(f"select row_number from '{clean}' where not is_counted"),
    }
    kept, failed = f"'{tmp_path}/clean.parquet'", f"'{tmp_path}/bad.parquet'"
    floor = {
        "clean": rows(f"select row_number from {kept}"),
        "unusable": rows(f"select row_number, 'ticket_' || rule_id from {failed} where unusable"),
        "not counted": rows(
            f"select distinct row_number from {failed} "
            f"where rule_id like '%_before_created' and row_number in (select row_number from {kept})"
        ),
    }
    assert product == floor
    assert all(len(found) > 5 for found in product.values())
    assert len(load_rules().of("ticket", "gate")) + len(load_rules().of("ticket", "settle")) >= 13


def test_both_sides_find_the_same_indices_and_verdicts(tmp_path: Path) -> None:
    RESPONSES.prepare(tmp_path, ROWS)
    for step in (RESPONSES.land, RESPONSES.gate, RESPONSES.settle, RESPONSES.floor):
        step(tmp_path)()
    clean, floor = f"'{tmp_path}/clean/survey_response/*.parquet'", f"'{tmp_path}/responses.parquet'"
    exact = "row_number, response_id, started_at, submitted_at, duration_seconds, answered_count, longest_run"
    exact += ", careless_sign_count, is_counted"
    assert rows(f"select {exact} from {clean}") == rows(f"select {exact} from {floor}")
    for index in ("irv", "relative_speed", "even_odd", "mahalanobis", "psychometric_synonyms", "quality_score"):
        query = f"from {clean} as p join {floor} as f using (row_number) where p.{index} is not null"
        assert rows(f"select count(*) > {ROWS / 2} {query}") == {(True,)}, index
        others = f"(f.{index} is null or abs(p.{index} - f.{index}) > 1e-6 * (1 + abs(p.{index})))"
        assert rows(f"select p.row_number, p.{index}, f.{index} {query} and {others}") == set()

    def rules(relation: str, column: str) -> set[tuple[object, ...]]:
        listed = f"unnest(string_split({column}, ','))"
        return rows(
            f"select row_number, replace(rule, 'survey_response_', '') "
            f"from (select row_number, {listed} as rule from {relation}) where rule <> ''"
        )

    for column in ("not_counted_rules", "flag_rules"):
        assert rules(clean, column) == rules(floor, column), column
    found = {str(rule) for _, rule in rules(clean, "not_counted_rules") | rules(clean, "flag_rules")}
    assert found >= {
        "careless",
        "too_many_gaps",
        "reversed_items_conflict",
        "constant_block",
        "negative_duration",
        "fast",
    }

    answers = "select row_number, question_id, answer_value, is_counted from"
    assert rows(f"{answers} '{tmp_path}/clean/survey_answer/*.parquet'") == rows(
        f"{answers} '{tmp_path}/answers.parquet'"
    )
    unusable = "select row_number, replace(rule_id, 'survey_response_', '') from '{}' where {}"
    assert rows(unusable.format(f"{tmp_path}/quarantine/survey_response/*.parquet", "verdict = 'unusable'")) == rows(
        unusable.format(
            f"{tmp_path}/bad.parquet", "entity = 'survey_response' and rule_id in ('missing_key', 'duplicate_in_batch')"
        )
    )


def rows(sql: str) -> set[tuple[object, ...]]:
    """The rows of a query."""
    return set(duckdb.connect().execute(sql).fetchall())
