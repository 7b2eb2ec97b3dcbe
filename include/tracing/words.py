"""What `make trace` prints, in both languages (`words.yml`)."""

from __future__ import annotations

from pathlib import Path

from include.reporting.phrases import Phrases
from include.warehouse.night_summary import Language

_PHRASES = Phrases(Path(__file__).with_name("words.yml"))


def say(language: Language, name: str, /, **about: object) -> str:
    """A phrase in a language, with what it is about filled in."""
    return _PHRASES.say(language, name, **about)
