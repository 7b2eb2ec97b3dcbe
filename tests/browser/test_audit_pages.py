"""The auditors' pages in a browser: offline, without errors, as wide as a phone, readable, by keyboard."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from include.settings import night_id
from tests.support.audited_home import FAILED, GOOD, PUBLISHED
from tests.support.mini_company import MiniCompany
from tests.support.page_looks import DESKTOP, PHONE, assert_fits, assert_headings_in_order, assert_readable

pytestmark = pytest.mark.timeout(900)
NARROW = (360, 780)
KINDS = ("index", "night", "failed", "published", "rule", "source")


def file_of(audited: MiniCompany, kind: str, language: str) -> str:
    nights = {"night": GOOD, "failed": FAILED, "published": PUBLISHED}
    if kind in nights:
        return f"night/{night_id(audited.night(nights[kind]))}.{language}.html"
    return {"index": "index", "rule": "rule/ticket_missing_key", "source": "source/desk"}[kind] + f".{language}.html"


@pytest.fixture
def looked_at(look: Callable[..., Any], audited: MiniCompany) -> Callable[..., Any]:
    """Opens a page of a kind."""
    folder = audited.home / "reports" / "audit"
    return lambda kind, language="en", size=DESKTOP: look(folder / file_of(audited, kind, language), size)


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_fits_every_screen_and_cuts_no_text_off(looked_at: Callable[..., Any], kind: str) -> None:
    for language in ("en", "zh"):
        for size in (DESKTOP, PHONE, NARROW):
            page = looked_at(kind, language, size)
            page.evaluate("document.querySelectorAll('details').forEach((one) => one.open = true)")
            assert_fits(page, size)
            page.close()


@pytest.mark.parametrize("kind", KINDS)
def test_all_text_can_be_read_and_headings_have_an_order(looked_at: Callable[..., Any], kind: str) -> None:
    page = looked_at(kind)
    page.evaluate("document.querySelectorAll('details').forEach((one) => one.open = true)")
    assert_readable(page)
    assert_headings_in_order(page)


def test_a_night_can_be_walked_by_keyboard_and_by_its_links(looked_at: Callable[..., Any]) -> None:
    page = looked_at("index")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
    page.get_by_role("link", name=GOOD, exact=True).first.click()
    assert page.locator("h1").inner_text() == f"Audit of night {GOOD}"
    page.locator("details.rows summary").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("details.rows").first.get_attribute("open") is not None
    page.locator(".flow .scroll").focus()
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.locator("#other-language").click()
    assert page.locator("html").get_attribute("lang") == "zh-CN"
    page.get_by_role("link", name="全部批次").click()
    assert page.url.endswith("/index.zh.html")


def test_a_published_night_tells_effect_and_movement_and_a_judged_one_its_decisions(
    looked_at: Callable[..., Any],
) -> None:
    page = looked_at("published")
    assert page.locator("#effect-csat_transactional").is_visible()
    moved = page.locator("#moved-first_response_median-2026-05")
    assert "45.0\u00a0min" in moved.inner_text()
    page.locator('a[href="#rows-moved-first_response_median-2026-05"]').first.click()
    assert page.url.endswith("#rows-moved-first_response_median-2026-05")
    assert looked_at("night").get_by_text("Chen", exact=True).is_visible()


def test_the_picture_tells_the_same_as_the_table(looked_at: Callable[..., Any]) -> None:
    page = looked_at("night")
    texts = page.locator(".flow svg text").all_text_contents()
    total = page.locator("table.flows tfoot td").all_inner_texts()
    assert total == ["10", "5", "1", "1", "3"]
    assert [one.split(" ")[0] for one in texts if "(" in one] == total[1:]


def test_it_prints_with_all_its_tables(looked_at: Callable[..., Any]) -> None:
    page = looked_at("published")
    page.emulate_media(media="print")
    assert page.locator("nav").first.is_hidden()
    assert page.locator("#effect-csat_transactional").is_visible()
    assert page.locator("table.flows").is_visible()
