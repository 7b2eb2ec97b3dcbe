"""What the pages say, in both languages: the phrases of `words.yml`, and names for codes of the warehouse."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Literal

from include.reporting.phrases import Phrases
from include.warehouse.night_summary import Language

Kind = Literal["segment", "dimension", "purpose", "unit", "direction", "grain", "owner", "reason", "interval"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")
_PHRASES = Phrases(Path(__file__).with_name("words.yml"))


def word(language: Language, name: str, /, **about: object) -> str:
    """A phrase in a language, with what it is about filled in."""
    return _PHRASES.say(language, name, **about)


def named(language: Language, kind: Kind, code: str) -> str:
    """A code of the warehouse in words; one that has none (an installation's own) is shown as it is, spaced."""
    return _PHRASES.named(language, kind, code)


def member_named(language: Language, segment: str, member: str) -> str:
    """A member of a segment in words; one that has none (a name, an installation's own code) as it is, spaced."""
    return _PHRASES.named(language, segment if _PHRASES.is_named(segment, member) else "member", member)


def is_named(kind: Kind, code: str) -> bool:
    """Whether a code has words of its own."""
    return _PHRASES.is_named(kind, code)


def period(language: Language, grain: str, start: date) -> str:
    """A period as people call it: June 2026, 2026年6月, week of 2026-06-22, Q2 2026, year 2026."""
    if grain == "month":
        month = word(language, "months").split()[start.month - 1]
        return word(language, "month_of", month=month, year=start.year)
    if grain == "quarter":
        return word(language, "quarter_of", quarter=(start.month + 2) // 3, year=start.year)
    if grain == "year":
        return word(language, "year_of", year=start.year)
    return word(language, "week_of" if grain == "week" else "day_of", day=start.isoformat())
