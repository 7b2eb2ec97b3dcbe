"""The line, or the row of a sheet, on which a landed record stands, worked out by hand."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from include.sql import literal
from include.tracing.places import add_places, place_sql
from tests.support.mini_company import MiniCompany

NIGHT = "2026-06-30"
WORDS = {"sheet": "sheet", "row": "row", "line": "line", "record": "record"}
SOURCE = """\
source: desk
system: Desk
group: tickets
folder: "{home}/inbox/desk"
time_zone: Asia/Shanghai
feeds:
  tickets:
    delivery: incremental
    files: "{night}/tickets*"
    encoding: [utf-8, gb18030]
    MORE
    entities:
      ticket:
        columns:
          ticket_id: [工单编号]
          created_at: {from: [创建时间], formats: ["%Y-%m-%d"]}
          description: [描述]
          status: {constant: open}
"""
HEADER = "工单编号,创建时间,描述\n"


def places_of(folder: Path, name: str, content: bytes, *, more: str = "") -> list[str]:
    """Deliver a file; where each of its records stands."""
    company = MiniCompany(folder)
    company.write_source("desk.yml", SOURCE.replace("    MORE\n", f"    {more}\n" if more else ""))
    path = company.home / "inbox" / "desk" / NIGHT / name
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    company.land(NIGHT)
    with duckdb.connect() as con:
        rows = str(company.home / "landing" / "desk" / "tickets" / "*" / "rows.parquet")
        con.execute(
            f"""create table landed_rows as
                select 'desk' as source, 'tickets' as feed, parse_path(filename)[-2] as batch_id, _row as row_number
                from (select *, _row_number as _row from read_parquet({literal(rows)}, filename = true))"""
        )
        add_places(con, company.settings, "select * from landed_rows")
        told = con.execute(f"select {place_sql('p', WORDS)} from place as p order by row_number").fetchall()
    return [row[0] for row in told]


def test_lines_of_a_csv(tmp_path: Path) -> None:
    text = HEADER + "T1,2026-06-01,一\nT2,2026-06-02,二\n"
    told = places_of(tmp_path, "tickets.csv", text.encode("gb18030"))
    assert told == ["tickets.csv, line 2", "tickets.csv, line 3"]


def test_line_ends_within_cells_and_blank_lines(tmp_path: Path) -> None:
    text = HEADER + 'T1,2026-06-01,"一\n\n说 ""好"""\n\nT2,2026-06-02,二\nT3,2026-06-03,"三\n"\nT4,2026-06-04,四\n'
    told = places_of(tmp_path, "tickets.csv", text.encode("gb18030"))
    assert told == [f"tickets.csv, line {line}" for line in (2, 6, 7, 9)]


def test_lines_before_the_header(tmp_path: Path) -> None:
    text = "导出时间,2026-06-30\n" + HEADER + 'T1,2026-06-01,"一\n二"\nT2,2026-06-02,二\n'
    told = places_of(tmp_path, "tickets.csv", text.encode(), more="skip_rows: 1")
    assert told == ["tickets.csv, line 3", "tickets.csv, line 5"]


def test_a_line_that_is_no_record_leaves_the_number_of_the_record(tmp_path: Path) -> None:
    text = HEADER + 'T1,2026-06-01,一\nT2,2026-06-02,二"x\nT3,2026-06-03,三\n'
    told = places_of(tmp_path, "tickets.csv", text.encode())
    assert told == ["tickets.csv, record 1", "tickets.csv, record 2", "tickets.csv, record 3"]


def test_members_of_a_zip(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.csv", HEADER + "T1,2026-06-01,一\n")
        archive.writestr("b.csv", HEADER + "T2,2026-06-02,二\nT3,2026-06-03,三\n")
    told = places_of(tmp_path, "tickets.zip", packed.getvalue())
    assert told == ["tickets.zip/a.csv, line 2", "tickets.zip/b.csv, line 2", "tickets.zip/b.csv, line 3"]


@pytest.mark.parametrize(("gap", "told"), [(False, ["row 2", "row 3"]), (True, ["record 1", "record 2"])])
def test_rows_of_a_sheet(tmp_path: Path, gap: bool, told: list[str]) -> None:
    rows = [["T1", "2026-06-01", "一"], *([[None] * 3] if gap else []), ["T2", "2026-06-02", "二"]]
    book = io.BytesIO()
    pd.DataFrame(rows, columns=HEADER.strip().split(",")).to_excel(book, sheet_name="工单", index=False)
    found = places_of(tmp_path, "tickets.xlsx", book.getvalue())
    assert found == [f"tickets.xlsx, sheet 工单, {one}" for one in told]


def test_a_batch_without_its_originals_is_known_by_the_record(tmp_path: Path) -> None:
    text = HEADER + "T1,2026-06-01,一\n"
    company = MiniCompany(tmp_path)
    company.write_source("desk.yml", SOURCE.replace("    MORE\n", ""))
    company.deliver(NIGHT, "tickets.csv", text)
    company.land(NIGHT)
    (original,) = company.home.glob("landing/desk/tickets/*/original*.gz")
    batch = original.parent.name
    row = f"select 'desk' as source, 'tickets' as feed, '{batch}' as batch_id, 1 as row_number"
    original.unlink()
    with duckdb.connect() as con:
        add_places(con, company.settings, row)
        assert con.execute("select file, line, record from place").fetchall() == [("tickets.csv", None, 1)]
        (original.parent / "rows.parquet").unlink()
        add_places(con, company.settings, row)
        assert con.execute("select * from place").fetchall() == []
