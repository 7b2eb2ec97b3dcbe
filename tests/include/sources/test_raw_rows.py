"""Personal data in the raw rows that the warehouse may show."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb

from include.sources.file_reader import UNPARSABLE
from include.sources.loading import load_source
from include.sources.raw_rows import masked_row_json
from include.sql import quoted

SOURCE = """\
source: crm
system: CRM
group: crm
personal: [IP]
feeds:
  users:
    delivery: snapshot
    files: users.csv
    entities:
      customer:
        only: {kind: [person]}
        columns:
          customer_id: {key_of: [no, branch]}
          name: {concat: [[surname, 姓], first]}
          region: [branch]
"""
CELLS = {"no": "7", "branch": "北京", "姓": "王", "first": "小明", "IP": "10.0.0.1", "kind": "person", "note": "hello"}


def masked(folder: Path, cells: dict[str, str], line: str | None = None) -> dict[str, str]:
    path = folder / "crm.yml"
    path.write_text(SOURCE, encoding="utf-8")
    sql = masked_row_json(load_source(path), "users", list(cells), lambda text: text, "***")
    with duckdb.connect() as con:
        columns = ", ".join(f"? as {quoted(name)}" for name in cells)
        [(text,)] = con.execute(
            f"select {sql} from (select {columns}, ?::varchar as {UNPARSABLE})", [*cells.values(), line]
        ).fetchall()
    return json.loads(text) if text.startswith("{") else {"": text}


def test_every_part_of_a_joined_personal_column_is_hidden_and_what_the_source_calls_personal(tmp_path: Path) -> None:
    assert masked(tmp_path, CELLS) == CELLS | {"姓": "***", "first": "***", "IP": "***"}


def test_while_one_part_is_lacking_it_may_stand_under_any_other_name(tmp_path: Path) -> None:
    cells = {("given" if name == "first" else name): cell for name, cell in CELLS.items()}
    found = masked(tmp_path, cells)
    assert found == {"no": "7", "branch": "北京", "姓": "***", "column_4": "***", "IP": "***", "kind": "person"} | {
        "column_7": "***"
    }


def test_a_line_that_could_not_be_parsed_is_hidden(tmp_path: Path) -> None:
    assert masked(tmp_path, CELLS, "7,北京,王,小明") == {"line": "***"}
