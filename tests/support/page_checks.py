"""What holds of every page, whoever it is for: it is well formed, and its words say the same in both languages."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from string import Formatter

_VOID = {"meta", "link", "br", "img", "input", "hr"}


def assert_well_formed(text: str) -> None:
    """Every element is closed, the last one opened first."""
    parser = _Balanced()
    parser.feed(text)
    assert parser.opened == []


def assert_says_the_same(phrase: dict[str, str]) -> None:
    """A phrase is there in both languages, about the same things."""
    assert set(phrase) == {"en", "zh"}
    fields = [{field for _, field, _, _ in Formatter().parse(text) if field} for text in phrase.values()]
    assert fields[0] == fields[1]


def dead_links(page: Path) -> list[str]:
    """The links of a page that lead to no file, or to no element of it."""
    text = page.read_text(encoding="utf-8")
    return [
        link
        for link in dict.fromkeys(re.findall(r'href="([^"]+)"', text))
        if not link.startswith("data:") and not _is_there(page, text, link)
    ]


def _is_there(page: Path, text: str, link: str) -> bool:
    file, _, anchor = link.partition("#")
    target = page.parent / file if file else page
    if not target.is_file():
        return False
    return not anchor or f'id="{anchor}"' in (target.read_text(encoding="utf-8") if file else text)


class _Balanced(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.opened: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _VOID:
            self.opened.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.opened.pop() == tag, self.getpos()
