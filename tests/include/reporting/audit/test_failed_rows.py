"""`make failed-rows`: all rows with all reasons, masked unless asked otherwise, and nothing that a spreadsheet runs."""

from __future__ import annotations

import csv
import json
import stat
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest

from include.gate.rules import load_rules
from include.reporting.audit import failed_rows
from include.reporting.audit.failed_rows import FailedRowsError, Wanted, main, write_failed_rows
from include.settings import Settings
from tests.support.audited_home import EMAIL, FAILED, GOOD, PHONE, PUBLISHED, QUIET, ticket
from tests.support.mini_company import TICKET_HEADER, MiniCompany


def exported(settings: Settings, folder: Path, wanted: Wanted, *, raw: bool = False) -> list[dict[str, str]]:
    path = folder / "rows.csv"
    path.unlink(missing_ok=True)
    write_failed_rows(settings, wanted, path, "csv", raw=raw)
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_a_night_s_rows_are_there_with_every_reason(audited: MiniCompany, tmp_path: Path) -> None:
    rows = exported(audited.settings, tmp_path, Wanted(night=GOOD))
    found = [(row["entity"], row["row_number"], row["business_key"], row["status"], row["rules"]) for row in rows]
    assert found == [
        ("ticket_event", "2", "E2", "released", "ticket_event_without_ticket"),
        ("ticket", "2", "T2", "not_counted", "ticket_resolved_before_created"),
        ("ticket", "3", "", "quarantined", "ticket_missing_key"),
        ("ticket", "5", "T5", "quarantined", "ticket_missing_required"),
        ("ticket", "6", "T6", "quarantined", "ticket_created_in_future, ticket_time_in_future"),
    ]
    assert {row["night"] for row in rows} == {GOOD}
    assert (rows[2]["reasons_en"], rows[2]["reasons_zh"]) == ("The key is missing.", "缺少主键")


def test_several_reasons_stand_in_one_line(company: MiniCompany, tmp_path: Path) -> None:
    company.deliver("2026-06-01", "tickets.csv", TICKET_HEADER + ticket("T5", created="2026/13/01 09:00"))
    company.run("2026-06-01")
    begin(company, "2026-06-01")
    (row,) = exported(company.settings, tmp_path, Wanted())
    assert row["rules"] == "ticket_missing_required, ticket_unreadable_value"
    assert row["reasons_en"].count(" | ") == 1 and row["reasons_zh"].count(" | ") == 1


def begin(company: MiniCompany, night: str) -> None:
    from include.sources.loading import load_source_results
    from include.warehouse.night_records import begin_night

    begin_night(company.home, company.night(night), *load_source_results(company.sources))


def test_rows_are_masked_unless_somebody_asks_for_them_as_they_came(
    copied: Callable[[], Settings], tmp_path: Path
) -> None:
    settings = copied()
    masked = json.dumps(exported(settings, tmp_path, Wanted()), ensure_ascii=False)
    assert EMAIL not in masked and PHONE not in masked and "[e-mail]" in masked
    assert not (settings.home / "logs" / "failed_rows.jsonl").exists()

    raw = json.dumps(exported(settings, tmp_path, Wanted(), raw=True), ensure_ascii=False)

    assert EMAIL in raw and PHONE in raw
    assert stat.S_IMODE((tmp_path / "rows.csv").stat().st_mode) == 0o600
    told = json.loads((settings.home / "logs" / "failed_rows.jsonl").read_text(encoding="utf-8"))
    assert told["to"] == str(tmp_path / "rows.csv") and told["who"]


def test_source_and_rule_choose_rows_but_not_reasons(audited: MiniCompany, tmp_path: Path) -> None:
    settings = audited.settings
    rows = exported(settings, tmp_path, Wanted(source="desk", rule="ticket_missing_key"))
    assert [row["row_number"] for row in rows] == ["3"]
    assert exported(settings, tmp_path, Wanted(night=QUIET)) == []
    stopped = exported(settings, tmp_path, Wanted(rule="batch_stopped"))
    assert [(row["night"], row["status"]) for row in stopped] == [(FAILED, "held")] * 2
    copies = exported(settings, tmp_path, Wanted(night=PUBLISHED))
    assert [row["rules"] for row in copies] == ["ticket_duplicate_in_batch"]


def test_a_rule_that_marks_gives_the_rows_that_it_marked(copied: Callable[[], Settings], tmp_path: Path) -> None:
    settings = copied()
    unmarked = exported(settings, tmp_path, Wanted())
    (row,) = exported(settings, tmp_path, Wanted(night=GOOD, source="desk", rule="ticket_without_customer"))
    assert list(row) == list(unmarked[0])
    assert (row["night"], row["entity"], row["row_number"], row["business_key"]) == (GOOD, "ticket", "4", "T4")
    assert (row["status"], row["rules"]) == ("flag", "ticket_without_customer")
    words = next(rule for rule in load_rules().of("ticket", "gate") if rule.id == "ticket_without_customer")
    assert (row["reasons_en"], row["reasons_zh"]) == (words.words("en"), words.words("zh"))
    assert json.loads(row["row"])["工单编号"] == "T4"
    assert exported(settings, tmp_path, Wanted(night=QUIET, rule="ticket_without_customer")) == []
    assert "flag" not in {row["status"] for row in unmarked}, "marked rows count"


def test_marked_rows_are_masked_and_have_all_that_marked_them(company: MiniCompany, tmp_path: Path) -> None:
    desk = company.sources / "desk.yml"
    desk.write_text(
        desk.read_text(encoding="utf-8").replace("处理中: open", "处理中: open, 关: closed"), encoding="utf-8"
    )
    about = {"customer": "", "description": f"写信给 {EMAIL}", "resolved": "", "status": "关"}
    company.deliver("2026-06-01", "tickets.csv", TICKET_HEADER + ticket("T1") + ticket("T2", **about))
    company.run("2026-06-01")
    begin(company, "2026-06-01")
    wanted = Wanted(rule="ticket_without_customer")
    (row,) = exported(company.settings, tmp_path, wanted)
    assert row["rules"] == "ticket_closed_without_resolution, ticket_without_customer"
    assert row["reasons_en"].count(" | ") == row["reasons_zh"].count(" | ") == 1
    assert EMAIL not in row["row"] and "[e-mail]" in row["row"]
    (row,) = exported(company.settings, tmp_path, wanted, raw=True)
    assert EMAIL in row["row"]
    company.add_survey()
    desk.unlink()
    with pytest.raises(FailedRowsError, match="is configured no more"):
        exported(company.settings, tmp_path, wanted)
    assert len(exported(company.settings, tmp_path, wanted, raw=True)) == 1


def test_a_sheet_holds_the_same_rows_as_texts(audited: MiniCompany, tmp_path: Path) -> None:
    path = tmp_path / "rows.xlsx"
    count = write_failed_rows(audited.settings, Wanted(), path, "xlsx")
    header, *rows = openpyxl.load_workbook(path).active.iter_rows(values_only=True)
    expected = exported(audited.settings, tmp_path, Wanted())
    assert list(header) == list(expected[0])
    assert len(rows) == count == len(expected)
    assert [[str(cell or "") for cell in row] for row in rows] == [list(row.values()) for row in expected]


def test_what_a_spreadsheet_would_run_gets_an_apostrophe(company: MiniCompany, tmp_path: Path) -> None:
    lines = [ticket("=1+1", resolved="2026/06/01 08:00"), ticket("@SUM(A1)", resolved="2026/06/01 08:00")]
    company.deliver("2026-06-01", "tickets.csv", TICKET_HEADER + "".join(lines))
    company.run("2026-06-01")
    begin(company, "2026-06-01")
    rows = exported(company.settings, tmp_path, Wanted())
    assert [row["business_key"] for row in rows] == ["'=1+1", "'@SUM(A1)"]
    write_failed_rows(company.settings, Wanted(), tmp_path / "rows.xlsx", "xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "rows.xlsx").active
    assert {cell.data_type for row in sheet.iter_rows(min_row=2) for cell in row} <= {"s", "n"}


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (Wanted(night="2026-06-01"), "no night 2026-06-01 was run; the last ones are 2026-06-27, "),
        (Wanted(source="desc"), "no source desc has delivered; there are desk"),
        (Wanted(rule="ticket_key"), "no rule ticket_key"),
        (Wanted(rule="survey_response_without_time"), "survey_response_without_time names no rows"),
    ],
)
def test_what_is_not_known_is_named(audited: MiniCompany, tmp_path: Path, wanted: Wanted, message: str) -> None:
    with pytest.raises(FailedRowsError, match=message):
        write_failed_rows(audited.settings, wanted, tmp_path / "rows.csv", "csv")
    assert list(tmp_path.iterdir()) == []


def test_more_rows_than_a_sheet_holds_are_refused(
    audited: MiniCompany, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failed_rows, "SHEET_ROWS", 2)
    with pytest.raises(FailedRowsError, match=r"do not fit into a sheet.*FORMAT=csv.*\[SM602\]"):
        write_failed_rows(audited.settings, Wanted(), tmp_path / "rows.xlsx", "xlsx")


def test_the_command_takes_its_format_from_the_file_and_overwrites_nothing(
    audited: MiniCompany, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("METRICS_HOME", str(audited.home))
    monkeypatch.setenv("METRICS_SOURCES", str(audited.sources))
    path = tmp_path / "rows.xlsx"
    # As the Makefile calls it: what nobody gave is empty.
    arguments = ["--night", GOOD, "--source", "", "--rule", "", "--format", "", "--raw", "", "--out", str(path)]

    assert main(arguments) == 0
    assert "5 rows" in capsys.readouterr().out and path.read_bytes()[:2] == b"PK"
    assert main(arguments) == 2
    assert "is there already" in capsys.readouterr().err
    assert main([*arguments[:-1], str(tmp_path / "rows.pdf")]) == 2
    assert "neither csv nor xlsx" in capsys.readouterr().err
