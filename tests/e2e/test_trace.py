"""Every number of a published night leads to its rows, and each row to the line that it came from."""

from __future__ import annotations

import csv
import hashlib
import html
import re
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from include.periods import period_text
from include.tracing.__main__ import main
from include.tracing.cells import Cell, added_sql, figures_sql, rows_sql
from include.tracing.definitions import read_metrics
from include.tracing.trace_pages import SHOWN
from include.warehouse.publish import serve_file
from tests.e2e.conftest import Night
from tests.support.page_checks import assert_well_formed

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(900)]
# Of each metric, grain and segment that many cells; all cells are as many as a million.
PER_CUT = 1


@pytest.fixture
def asked(night: Night, monkeypatch: pytest.MonkeyPatch) -> Night:
    """The night as what `make trace` finds by its settings."""
    monkeypatch.setenv("METRICS_HOME", str(night.home))
    monkeypatch.setenv("COLUMNS", "300")
    return night


def test_the_definitions_are_those_of_the_mart(night: Night) -> None:
    published = night.con.execute("select metric, grain, valid_dimensions from metrics.dim_metric").fetchall()
    metrics = read_metrics()
    assert len(metrics) > 100
    assert {(one.name, ", ".join(one.grains), ", ".join(one.segments)) for one in metrics.values()} == set(published)


def test_every_metric_is_what_its_rows_say(night: Night) -> None:
    cells = night.con.execute(
        f"""select metric, grain, period_start, segment, member, numerator, denominator, value, null_reason, n
            from metrics.fct_metric_period where n > 0
            qualify row_number() over (
                partition by metric, grain, segment order by hash(period_start, member)
            ) <= {PER_CUT}"""
    ).fetchall()
    chosen = [one for one in cells if one[3] == "all" or _digit(one[0], one[3]) < 2]
    assert len(chosen) > 1000
    assert {one[0] for one in chosen} > {"first_response_p90", "service_cycle_median", "complaint_rate", "backlog_open"}
    faults = []
    for name, grain, start, segment, member, numerator, denominator, value, reason, n in chosen:
        cell = Cell(read_metrics()[name], grain, start, segment, member)
        rows = rows_sql(cell)
        found = night.con.execute(figures_sql(cell.metric, rows)).fetchall()[0]
        told = found if reason is None else (*found[:2], None, found[3])
        if told != (numerator, denominator, value, n):
            faults.append((name, grain, start, segment, member, told))
        parts = night.con.execute(
            f"""select cast(sum(adds_numerator) as double), cast(sum(adds_denominator) as double)
                from ({added_sql(cell.metric, rows)})"""
        ).fetchall()[0]
        for added, whole in zip(parts, (numerator, denominator), strict=True):
            if whole is not None and added != pytest.approx(whole, abs=1e-9):
                faults.append((name, grain, start, segment, member, parts))
    assert faults == []


def test_a_row_leads_to_its_line(asked: Night, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    month = _month(asked, "first_response_median")
    target = tmp_path / "rows.csv"
    assert main(["--metric", "first_response_median", "--period", month, "--out", str(target)]) == 0
    rows = list(csv.DictReader(target.open(encoding="utf-8-sig")))
    (n, value) = asked.one(
        "select n, value from metrics.fct_metric_period where metric = 'first_response_median' and grain = 'month' "
        "and segment = 'all' and period_start = cast(? as date)",
        f"{month}-01",
    )
    figures = sorted(float(row["measured"]) for row in rows)
    assert len(figures) == n
    assert (figures[(n - 1) // 2] + figures[n // 2]) / 2 == pytest.approx(value)
    inbox = list(asked.home.glob("inbox/desk/*/*.csv"))
    for row in rows[:: max(len(rows) // 10, 1)]:
        texts = [path.read_bytes().decode("gb18030").split("\n") for path in inbox if path.name == row["file"]]
        lines = [lines[int(row["line"]) - 1] for lines in texts if int(row["line"]) <= len(lines)]
        assert any(line.startswith(f"{row['record']},") for line in lines), row
        assert "ticket_event: ticket_events.csv" in row["also_from"]
    said = capsys.readouterr().out
    assert f"{n} rows" in said
    assert "First answered before it was created." in said


def test_batches_add_up_to_the_number(asked: Night, tmp_path: Path) -> None:
    month = _month(asked, "complaint_rate")
    target = tmp_path / "rows.csv"
    assert main(["--metric", "complaint_rate", "--period", month, "--out", str(target)]) == 0
    found = duckdb.sql(f"select sum(adds_numerator), sum(adds_denominator) from '{target}'").fetchall()[0]
    wanted = asked.one(
        "select numerator, denominator from metrics.fct_metric_period where metric = 'complaint_rate' "
        "and grain = 'month' and segment = 'all' and period_start = cast(? as date)",
        f"{month}-01",
    )
    assert found == wanted
    facts = duckdb.sql(f"select distinct fact from '{target}' order by 1").fetchall()
    assert facts == [("fct_customer_month",), ("fct_ticket",)]


def test_every_card_leads_to_a_page_of_its_rows(asked: Night, tmp_path: Path) -> None:
    folder = asked.home / "reports" / "metrics"
    index = (folder / "index.en.html").read_text(encoding="utf-8")
    metrics = re.findall(r'href="trace_(\w+)\.en\.html"', index)
    assert len(metrics) >= 10
    for metric in metrics:
        pages = {name: (folder / f"trace_{metric}.{name}.html").read_text(encoding="utf-8") for name in ("en", "zh")}
        page = pages["en"]
        for one in pages.values():
            assert_well_formed(one)
        linked = re.findall(r'href="\.\./audit/([^"]+)"', page)
        assert all((asked.home / "reports" / "audit" / name).exists() for name in linked), metric
        # Every row stands in the file that the command writes, in the same place.
        ((month, more),) = re.findall(r"PERIOD=([\w-]+) (OUT=rows.csv)", page)
        target = tmp_path / metric / more.removeprefix("OUT=")
        target.parent.mkdir()
        assert main(["--metric", metric, "--period", month, "--out", str(target)]) == 0
        rows = list(csv.DictReader(target.open(encoding="utf-8-sig")))
        body = page.split('<h2 id="rows">')[1]
        shown = re.findall(r'<th scope="row">([^<]+)</th>.*?<td class="place">([^<]*)</td>', body)
        assert shown == [(html.escape(row["record"]), row["place"] or "–") for row in rows[:SHOWN]], metric
        deliveries = page.split('<h2 id="left-out">')[0]
        counted = re.findall(r'<th scope="row">.*?</th><td class="number">([\d,]+)</td>', deliveries)
        assert sum(int(n.replace(",", "")) for n in counted) == len(rows), metric


def test_in_chinese_and_as_a_sheet(asked: Night, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setenv("METRICS_LANGUAGE", "zh")
    target = tmp_path / "rows.xlsx"
    given = ["--metric", "csat_transactional", "--period", "2026", "--segment", "tier=vip", "--out", str(target)]
    assert main(given) == 0
    assert target.stat().st_size > 1000
    said = capsys.readouterr().out
    assert "满意率（服务后）（csat_transactional），2026年，客户等级 = " in said
    assert "因质检规则未计入的行" in said
    assert "按交付批次" in said


def test_figures_of_a_snapshot_and_of_the_backlog(asked: Night, capsys: pytest.CaptureFixture[str]) -> None:
    day = asked.one("select max(period_start) from metrics.fct_metric_period where metric = 'backlog_open'")[0]
    for metric, period, fact in (
        ("stated_churn_rate", "snapshot", "dim_customer"),
        ("ltv_margin_mean", "snapshot", "fct_customer_value"),
        ("backlog_open", day.isoformat(), "fct_backlog_daily"),
        ("asset_repair_rate", "snapshot", "dim_asset"),
    ):
        assert main(["--metric", metric, "--period", period]) == 0
        assert fact in capsys.readouterr().out


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["nps_relation", "2026"], "did you mean nps_relationship"),
        (["churn_rate", "2026-W3"], "it is given by month, quarter, year"),
        (["churn_rate", "2035"], "it has some from"),
        (["churn_rate", "yesterday"], "is none of 2026, 2026-Q2"),
        (["churn_rate", "2026-13"], "is none of 2026, 2026-Q2"),
        (["churn_rate", "2026", "region=x"], "has no region x in 2026; there are"),
        (["churn_rate", "2026", "channel=x"], "it is cut by region, tier"),
        (["churn_rate", "2026", "region"], "is not segment=member"),
    ],
)
def test_what_is_not_there_is_said_in_one_line(
    asked: Night, given: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    options = [word for pair in zip(("--metric", "--period", "--segment"), given, strict=False) for word in pair]
    assert main(options) == 2
    printed = capsys.readouterr().err.strip()
    assert said in printed
    assert printed.endswith("[SM603]")
    assert "\n" not in printed


def test_nothing_is_written_to_what_is_served(asked: Night, tmp_path: Path) -> None:
    before = hashlib.sha256(serve_file(asked.home).read_bytes()).hexdigest()
    there = tmp_path / "there.csv"
    there.write_text("mine", encoding="utf-8")
    assert main(["--metric", "tickets_created", "--period", "2026", "--out", str(there)]) == 2
    assert there.read_text(encoding="utf-8") == "mine"
    assert main(["--metric", "tickets_created", "--period", "2026", "--limit", "x"]) == 2
    assert main(["--metric", "tickets_created", "--period", "2026", "--out", "rows.txt"]) == 2
    assert hashlib.sha256(serve_file(asked.home).read_bytes()).hexdigest() == before


def _month(night: Night, metric: str) -> str:
    start: date = night.one(
        "select max(period_start) from metrics.fct_metric_period where metric = ? and grain = 'month' and value > 0",
        metric,
    )[0]
    return period_text("month", start)


def _digit(*texts: str) -> int:
    """A figure from 0 to 15 that is always the same of the same texts."""
    return int(hashlib.sha256("".join(texts).encode()).hexdigest()[0], 16)
