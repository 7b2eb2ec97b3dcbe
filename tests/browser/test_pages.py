"""The pages in a browser: offline, without errors, in Chinese, as wide as a phone, by keyboard."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from include.warehouse.night_summary import HEADLINES
from include.warehouse.publish import serve_file
from tests.support.page_looks import DESKTOP, PHONE, assert_fits, assert_headings_in_order, assert_readable

pytestmark = pytest.mark.timeout(300)
PAGES = ["index.en", "index.zh", "dictionary.en", "dictionary.zh"]
# How many pixels the same text differs by when it is drawn as a glyph and as what no font has.
DRAWN = """
(text) => {
  const drawn = (one) => {
    const canvas = document.createElement('canvas');
    canvas.width = canvas.height = 40;
    const at = canvas.getContext('2d');
    at.font = `32px ${getComputedStyle(document.body).fontFamily}`;
    at.fillText(one, 4, 32);
    return at.getImageData(0, 0, 40, 40).data.join();
  };
  const missing = drawn('\\u{10FFFD}');
  return [...text].map((one) => drawn(one) !== missing && drawn(one) !== drawn(' '));
}
"""


@pytest.fixture
def looked_at(look: Callable[..., Any], reported: Path) -> Callable[..., Any]:
    """Opens a page by name."""
    return lambda name, size=DESKTOP: look(reported / "reports" / "metrics" / f"{name}.html", size)


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_page_fits_its_screen_and_cuts_no_text_off(
    looked_at: Callable[..., Any], name: str, size: tuple[int, int]
) -> None:
    page = looked_at(name, size)

    assert_fits(page, size)


@pytest.mark.parametrize("name", PAGES)
def test_all_text_can_be_read(looked_at: Callable[..., Any], name: str) -> None:
    page = looked_at(name)
    page.evaluate("document.querySelectorAll('details').forEach((one) => one.open = true)")

    assert_readable(page, least_inks=4)


def test_chinese_is_drawn_and_not_boxes(looked_at: Callable[..., Any], chinese_font: str) -> None:
    page = looked_at("index.zh")
    text = page.locator("main").inner_text()

    chinese = sorted({one for one in text if "\u4e00" <= one <= "\u9fff"})

    assert len(chinese) > 80
    missing = [
        one for one, is_drawn in zip(chinese, page.evaluate(DRAWN, "".join(chinese)), strict=True) if not is_drawn
    ]
    assert missing == [], chinese_font
    assert page.evaluate(DRAWN, "\U0010fffc\U0010fffb") == [False, False], "what no font has would be found"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_cards_show_the_values_of_the_warehouse(
    looked_at: Callable[..., Any], reported: Path, language: str
) -> None:
    page = looked_at(f"index.{language}")

    shown = {
        card.get_attribute("id").removeprefix("card-"): float(card.locator("data").get_attribute("value"))
        for card in page.locator("article.card").all()
        if card.locator("data").count()
    }

    with duckdb.connect(str(serve_file(reported)), read_only=True) as con:
        known = dict(
            con.execute(
                "select metric, max_by(value, period_start) from metrics.fct_metric_period "
                "where grain in ('month', 'snapshot') and value is not null group by metric"
            ).fetchall()
        )
    assert shown == known
    assert len(shown) == 10
    assert page.locator("article.card").count() == sum(len(metrics) for metrics in HEADLINES.values())


def test_a_chart_has_a_point_for_every_value_and_marks_those_outside(looked_at: Callable[..., Any]) -> None:
    page = looked_at("index.en")
    card = page.locator("#card-first_response_median")

    assert card.locator("svg circle.point").count() == 23
    assert card.locator("svg path.outside title").all_text_contents() == [
        "June 2026 · 58.0\u00a0min · n 300 · above the usual range"
    ]
    card.locator("details:not(.trace) > summary").click()
    assert card.locator("tbody tr").count() == 24
    assert card.locator("tbody tr.outside td").first.inner_text() == "58.0\u00a0min"


def test_the_links_lead_to_the_other_language_and_to_the_definition(looked_at: Callable[..., Any]) -> None:
    page = looked_at("index.en")

    page.locator("#other-language").click()
    assert page.url.endswith("/index.zh.html")
    assert page.locator("html").get_attribute("lang") == "zh-CN"
    page.locator("#card-csat_transactional h3 a").click()
    assert page.url.endswith("/dictionary.zh.html#csat_transactional")
    assert page.locator("#csat_transactional").evaluate("one => one.matches(':target')")
    page.locator("#other-language").click()
    assert page.url.endswith("/dictionary.en.html")
    page.locator("nav a", has_text="Metrics").first.click()
    assert page.url.endswith("/index.en.html")


def test_the_page_can_be_walked_by_keyboard(looked_at: Callable[..., Any]) -> None:
    page = looked_at("index.en")

    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.locator(".skip").bounding_box()["x"] >= 0, "it shows itself where the keyboard is"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
    for kind in (":not(.trace)", ".trace"):
        page.locator(f"#card-churn_rate details{kind} > summary").focus()
        page.keyboard.press("Enter")
        assert page.locator(f"#card-churn_rate details{kind}").get_attribute("open") is not None
    assert page.locator("#card-churn_rate .trace code").inner_text().startswith("make trace METRIC=churn_rate ")
    assert_headings_in_order(page)


def test_what_is_missing_is_said_before_any_figure(looked_at: Callable[..., Any]) -> None:
    page = looked_at("index.en", PHONE)

    banner = page.get_by_role("alert")
    assert "this night lacks desk" in banner.inner_text()
    assert banner.bounding_box()["y"] < page.locator("article.card").first.bounding_box()["y"]
