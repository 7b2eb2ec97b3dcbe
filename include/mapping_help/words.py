"""What the preview and the proposal say, in both languages: the phrases of `words.yml`."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal

import yaml

Language = Literal["en", "zh"]
_FILE = Path(__file__).with_name("words.yml")


def word(language: Language, name: str, **about: object) -> str:
    """A phrase in a language, with what it is about filled in."""
    return _phrases()[name][language].format(**about)


@cache
def _phrases() -> dict[str, dict[Language, str]]:
    phrases: dict[str, dict[Language, str]] = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    return phrases
