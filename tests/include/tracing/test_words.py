"""What `make trace` prints exists in both languages, and says the same; and it can be asked for as pages write it."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import duckdb
import pytest
import yaml

from include.periods import following, period_text
from include.tracing import words
from include.tracing.asked import TraceError, asked_metric, asked_period
from include.tracing.cells import Cell, rows_sql
from include.tracing.definitions import read_metrics
from include.tracing.records import BUSINESS_IDS, ORIGINS, RECORD_KEYS
from include.tracing.trace_view import _title
from include.warehouse.night_summary import Language
from tests.support.page_checks import assert_says_the_same

HERE = Path(words.__file__).parent
PHRASES = yaml.safe_load((HERE / "words.yml").read_text(encoding="utf-8"))["phrases"]
# Asked for by the name of a row of a table, or of what a place is made of.
COMPOSED = {
    "value", "interval", "n", "numerator", "denominator", "formula", "facts", "rows", "adds_numerator",
    "adds_denominator", "measured", "every_row", "all_rows", "sheet", "row", "line", "record",
}  # fmt: skip


@pytest.mark.parametrize("name", PHRASES)
def test_a_phrase_says_the_same_in_both_languages(name: str) -> None:
    assert_says_the_same(PHRASES[name])


def test_every_phrase_is_asked_for_and_every_one_asked_for_is_there() -> None:
    code = "".join((HERE / f"{name}.py").read_text(encoding="utf-8") for name in ("__main__", "trace_view"))
    page = (HERE / "templates" / "trace.html.j2").read_text(encoding="utf-8")
    asked = set(re.findall(r"""say\(\s*language,\s*["'](\w+)["']""", code)) | COMPOSED
    asked |= set(re.findall(r"""say\("(\w+)"\)""", page))
    assert asked ^ set(PHRASES) == set()


@pytest.mark.parametrize(
    ("text", "grain", "start", "end"),
    [
        ("2026", "year", date(2026, 1, 1), date(2027, 1, 1)),
        ("2026-Q4", "quarter", date(2026, 10, 1), date(2027, 1, 1)),
        ("2026-12", "month", date(2026, 12, 1), date(2027, 1, 1)),
        # the first ISO week of 2026 begins in 2025, and 2026 has 53 of them
        ("2026-W01", "week", date(2025, 12, 29), date(2026, 1, 5)),
        ("2026-W53", "week", date(2026, 12, 28), date(2027, 1, 4)),
        ("2026-02-28", "day", date(2026, 2, 28), date(2026, 3, 1)),
    ],
)
def test_periods_are_read_as_they_are_written(text: str, grain: str, start: date, end: date) -> None:
    assert asked_period(text) == (grain, start)
    assert period_text(grain, start) == text
    assert following(grain, start) == end


@pytest.mark.parametrize("text", ["", "2026-13", "2026-W54", "2026-02-30", "2026-Q5", "june", "20260601"])
def test_what_is_no_period_is_refused(text: str) -> None:
    with pytest.raises(TraceError, match="is none of 2026, 2026-Q2"):
        asked_period(text)


def test_a_metric_that_is_not_there() -> None:
    with pytest.raises(TraceError, match="did you mean nps_relationship"):
        asked_metric("nps_relationshp")
    with pytest.raises(TraceError, match="METRIC is empty"):
        asked_metric("")


def test_every_fact_of_a_metric_leads_to_its_records() -> None:
    tables = {fact.table for metric in read_metrics().values() for fact in metric.facts}
    assert tables == set(ORIGINS) == set(BUSINESS_IDS)
    entities = {one.entity for origins in ORIGINS.values() for one in origins}
    assert entities == set(RECORD_KEYS)


def test_the_rows_of_a_cell_lie_in_its_period_and_member() -> None:
    sql = rows_sql(Cell(read_metrics()["nps_relationship"], "month", date(2026, 6, 1), "region", "O'Brien"))
    assert "f.submitted_date >= date '2026-06-01' and f.submitted_date < date '2026-07-01'" in sql
    assert "marts.dim_customer_version" in sql
    assert "= 'O''Brien'" in sql


@pytest.mark.parametrize(("language", "told"), [("en", "reason of the end = Price"), ("zh", "终止原因 = 价格")])
def test_a_member_is_told_in_words(language: Language, told: str) -> None:
    with duckdb.connect() as con:
        con.execute("create schema metrics")
        con.execute("create table metrics.dim_metric as select 'lost_contracts' as metric, '' name_en, '' name_zh")
        cell = Cell(read_metrics()["lost_contracts"], "month", date(2026, 6, 1), "end_reason", "price")
        assert _title(con, language, cell).endswith(told)
