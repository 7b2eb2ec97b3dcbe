"""What holds of every page in a browser: it fits its screen, its text can be read, its headings have an order."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from include.reporting.heat_map import contrast

DESKTOP, PHONE = (1280, 900), (390, 844)
# WCAG 2.2, 1.4.3.
_LEAST_CONTRAST = 4.5
# What every visible text is drawn on: the nearest background behind it that is not see-through.
_INKS = """
() => {
  const found = new Map();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const solid = (one) => {
    for (let at = one; at; at = at.parentElement) {
      const style = getComputedStyle(at);
      if (style.backgroundImage !== 'none') return style.backgroundImage.match(/rgb\\([^)]*\\)/)[0];
      if (!/^rgba.*, 0\\)$/.test(style.backgroundColor)) return style.backgroundColor;
    }
    return 'rgb(255, 255, 255)';
  };
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const one = node.parentElement;
    if (!node.data.trim() || !one.checkVisibility() || one.closest('.unseen, .skip')) continue;
    const style = getComputedStyle(one);
    const ink = one.closest('svg') ? style.fill : style.color;
    found.set(`${ink} on ${solid(one)}`, node.data.trim().slice(0, 40));
  }
  return [...found.entries()];
}
"""
# Texts that are wider than the box that they lie in, save those in a box that scrolls.
_CUT_OFF = """
() => [...document.querySelectorAll('main *')]
  .filter((one) => one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 0
    && getComputedStyle(one).display !== 'inline' && !one.closest('svg, .unseen, .scroll'))
  .map((one) => `${one.tagName}.${one.className}: ${one.textContent.trim().slice(0, 40)}`)
"""


def assert_fits(page: Any, size: tuple[int, int]) -> None:
    """A page is no wider than its screen, cuts no text off, and has one title."""
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0], size
    assert page.evaluate(_CUT_OFF) == [], size
    assert page.locator("h1").count() == 1


def assert_readable(page: Any, least_inks: int = 3) -> None:
    """Every visible text stands out from what it is drawn on; there are so many pairs of ink and ground at least."""
    pairs = page.evaluate(_INKS)
    assert len(pairs) >= least_inks
    faint = {pair: text for pair, text in pairs if contrast(*map(_rgb, pair.split(" on "))) < _LEAST_CONTRAST}
    assert faint == {}


def assert_headings_in_order(page: Any) -> None:
    """No level of headings is left out on the way down."""
    levels = page.evaluate("[...document.querySelectorAll('h1, h2, h3')].map((one) => Number(one.tagName[1]))")
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))


def _rgb(text: str) -> tuple[int, int, int]:
    red, green, blue = (int(part) for part in text[text.index("(") + 1 : text.index(")")].split(",")[:3])
    return red, green, blue
