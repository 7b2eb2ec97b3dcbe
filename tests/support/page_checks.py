"""What holds of every page, whoever it is for: it is well formed, and its words say the same in both languages."""

from __future__ import annotations

from html.parser import HTMLParser
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
