"""The two sides of the landing and gate benchmark judge the same rows alike: else their costs can't be compared."""

from __future__ import annotations

from pathlib import Path

import duckdb

from benchmarks import landing_gate
from include.gate.rules import load_rules

ROWS = 3000


def test_both_sides_keep_the_same_rows_for_the_same_reasons(tmp_path: Path) -> None:
    landing_gate.prepare(tmp_path, ROWS)
    for step in (landing_gate.land, landing_gate.gate, landing_gate.settle, landing_gate.floor):
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


def rows(sql: str) -> set[tuple[object, ...]]:
    """The rows of a query."""
    return set(duckdb.connect().execute(sql).fetchall())
