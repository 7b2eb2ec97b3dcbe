"""Rows that show what a rule finds, from files of any age."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import duckdb

from include.contracts import load_contracts
from include.reporting.audit.sampled_rows import NightFiles, sampled_rows

NIGHT = datetime(2026, 6, 30, 16, tzinfo=UTC)


def test_a_file_that_is_older_than_a_column_shows_its_rows(tmp_path: Path) -> None:
    rows = load_contracts()["survey_response"].no_clean_rows()
    with duckdb.connect() as con:
        con.execute(
            f"""create table old as {rows};
                alter table old drop column optional_gap_count;
                insert into old by name
                select 'survey' as source, 'responses' as feed, 7 as row_number, 7 as row_id, 'R7' as response_id,
                       'survey_response_fast' as flag_rules;
                copy old to '{tmp_path}/old.parquet'"""
        )
        files = NightFiles(NIGHT, quarantine=(), clean=(("survey_response", "old.parquet"),), damaged=(), limit=20)

        (row,) = sampled_rows(con, tmp_path, [files])[NIGHT]["survey_response_fast"]

    assert (row.source, row.feed, row.row_number, row.key) == ("survey", "responses", 7, "R7")
