"""The pages of rows of a home whose warehouse doesn't lead to any."""

from __future__ import annotations

from pathlib import Path

from include.reporting import metrics_page_file, write_reports
from include.settings import Settings
from include.tracing.trace_pages import TracePages, write_trace_pages
from tests.support.reported_home import make_reported_home


def test_without_facts_there_are_no_pages_and_the_cards_name_the_command(tmp_path: Path) -> None:
    settings = Settings(home=make_reported_home(tmp_path / "home"))
    traced = write_trace_pages(settings)
    assert traced.metrics == frozenset()
    assert traced.problem and "does not exist" in traced.problem
    write_reports(settings, traced=traced.metrics)
    page = metrics_page_file(settings.home, "en")
    assert "make trace METRIC=churn_rate" in page.read_text(encoding="utf-8")
    assert list(page.parent.glob("trace_*")) == []


def test_before_the_first_night_there_are_none(tmp_path: Path) -> None:
    assert write_trace_pages(Settings(home=tmp_path)) == TracePages(frozenset())
