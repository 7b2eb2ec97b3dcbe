"""The model card and the pages of rows in a browser: in both languages, as wide as a phone, readable, by keyboard."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from include import files
from include.reporting import write_reports
from include.reporting.metrics_page import trace_page
from include.reporting.words import LANGUAGES
from include.tracing.trace_pages import rendered_trace
from include.tracing.trace_view import BatchLine, LeftOutLine, RowLine, TraceView
from include.warehouse.night_summary import read_summary
from tests.support.mini_company import MiniCompany
from tests.support.page_checks import dead_links
from tests.support.page_looks import DESKTOP, PHONE, assert_fits, assert_headings_in_order, assert_readable
from tests.support.reported_home import HOSTILE, LONG
from tests.support.strategic_home import add_strategic_marts

pytestmark = pytest.mark.timeout(300)
METRIC = "complaint_rate"
CARD, ROWS = "strategic/model_card", f"metrics/trace_{METRIC}"
PAGES = [f"{page}.{language}" for page in (CARD, ROWS) for language in LANGUAGES]
# Everything that takes the keyboard's focus must say what it is.
NAMELESS = """
() => [...document.querySelectorAll('a, summary, [tabindex="0"]')]
  .filter((one) => one.checkVisibility() && !one.textContent.trim() && !one.getAttribute('aria-label'))
  .map((one) => one.outerHTML.slice(0, 80))
"""
# What is wider than its place, and can't be scrolled to by keyboard.
OUT_OF_REACH = """
() => [...document.querySelectorAll('main *')]
  .filter((one) => /auto|scroll/.test(getComputedStyle(one).overflowX)
    && one.scrollWidth > one.clientWidth && one.tabIndex !== 0)
  .map((one) => one.outerHTML.slice(0, 80))
"""


@pytest.fixture(scope="module")
def strategic(audited: MiniCompany) -> Path:
    """The reports of a home with the strategic marts, and with rows as long as a source may deliver them."""
    add_strategic_marts(audited.home)
    (metric,) = (one for one in read_summary(audited.home, "en").headlines if one.metric == METRIC)
    place, also_from = f"工单导出.csv, 1667 {HOSTILE}", f"ticket_event: {LONG}.csv 14919, 14920"
    row = RowLine("T1", "2026-06-01", ("1", "0"), place, also_from)
    view = TraceView(
        title=f"{metric.name} ({METRIC})",
        night="2026-06-30T16:00Z",
        facts=[("n", "300"), ("formula", f"sum({LONG}) / sum(b)"), ("fact", "fct_ticket, fct_customer_month")],
        batches=[
            BatchLine("desk.tickets.20260627T160000Z.106e708db6b4", "desk", ("43", "3", "0")),
            BatchLine("-", None, ("260", "0", "260")),
        ],
        rows_title="Rows (100 of 331)",
        figure_names=["adds to the numerator", "adds to the denominator"],
        rows=[row] * 100,
        left_out=[LeftOutLine("ticket_missing_key", "Ticket without a key", "1"), LeftOutLine(None, "another", "2")],
        sum_facts=["A row is itself a sum."],
    )
    reports = audited.home / "reports"
    for language in LANGUAGES:
        files.write_bytes(reports / "metrics" / trace_page(METRIC, language), rendered_trace(view, metric, language))
    write_reports(audited.settings, traced=frozenset({METRIC}))
    return reports


@pytest.fixture
def looked_at(look: Callable[..., Any], strategic: Path) -> Callable[..., Any]:
    """Opens a page by name."""
    return lambda name, size=DESKTOP: look(strategic / f"{name}.html", size)


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_page_fits_its_screen_and_all_of_it_can_be_reached(
    looked_at: Callable[..., Any], name: str, size: tuple[int, int]
) -> None:
    page = looked_at(name, size)

    assert_fits(page, size)
    assert page.evaluate(OUT_OF_REACH) == []
    assert page.evaluate(NAMELESS) == []
    assert page.locator("table").count() == page.locator("table > caption").count() >= 2


@pytest.mark.parametrize("name", PAGES)
def test_all_text_can_be_read_and_headings_have_an_order(looked_at: Callable[..., Any], name: str) -> None:
    page = looked_at(name)

    assert_readable(page)
    assert_headings_in_order(page)


@pytest.mark.parametrize("name", PAGES)
def test_every_link_leads_somewhere(strategic: Path, name: str) -> None:
    assert dead_links(strategic / f"{name}.html") == []


def test_every_picture_of_the_card_is_drawn_and_says_what_it_is(looked_at: Callable[..., Any]) -> None:
    page = looked_at(f"{CARD}.en")

    names = page.locator("figure svg").evaluate_all("all => all.map((one) => one.getAttribute('aria-label'))")
    assert [name.split(":")[0].split(" ")[0] for name in names] == [
        "Calibration",
        "Lift",
        "Predicted",
        "Contracts",
        "Contracts",
    ]
    for picture in page.locator("figure svg").all():
        box = picture.bounding_box()
        assert box["width"] > 200 and box["height"] > 100
    assert page.locator("section[aria-labelledby=cohorts] td b").all_inner_texts() == ["100%", "75%", "80%"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_card_can_be_walked_by_keyboard(looked_at: Callable[..., Any], language: str) -> None:
    page = looked_at(f"{CARD}.{language}", PHONE)

    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('aria-labelledby')") == "calls"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    before = page.evaluate("document.activeElement.scrollLeft")
    page.keyboard.press("ArrowRight")
    page.wait_for_function("from => document.activeElement.scrollLeft > from", arg=before)


def test_from_a_number_to_its_rows_and_on_by_links(looked_at: Callable[..., Any]) -> None:
    page = looked_at("metrics/index.en")

    page.locator(f'a[href="trace_{METRIC}.en.html"]').first.click()
    assert page.locator("main tbody tr").count() == 102
    page.locator("#other-language").click()
    assert page.locator("html").get_attribute("lang") == "zh-CN"
    page.get_by_role("link", name="desk.tickets.20260627T160000Z.106e708db6b4").click()
    assert page.url.endswith("/audit/source/desk.zh.html")
    page.go_back()
    page.locator("main article a").click()
    assert page.url.endswith(f"/dictionary.zh.html#{METRIC}")
    page.go_back()
    page.locator("header nav a").first.click()
    page.locator('a[href^="../strategic/"]').first.click()
    assert page.url.endswith("/strategic/model_card.zh.html")
