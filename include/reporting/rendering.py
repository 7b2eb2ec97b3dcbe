"""What turns views into pages: one look, one set of words."""

from __future__ import annotations

from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import escape

from include.reporting.words import word
from include.warehouse.night_summary import Language

_TEMPLATES = Path(__file__).with_name("templates")


@lru_cache(maxsize=4096)
def escaped(text: str) -> str:
    """Text as HTML; names of columns, rules and most codes come again and again."""
    return str(escape(text))


def page_environment(*folders: Path) -> Environment:
    """Templates of these folders, and those that all pages rest on."""
    return Environment(
        loader=FileSystemLoader([*folders, _TEMPLATES]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        # Templates don't change while pages are written.
        auto_reload=False,
    )


def page_words(page: str, language: Language) -> dict[str, Any]:
    """What every page that rests on `base.html.j2` is given; `page` is its file's name before the language."""
    other: Language = "en" if language == "zh" else "zh"
    return {
        "language": language,
        "other": other,
        "page": page,
        "word": partial(word, language),
        "other_word": partial(word, other),
    }
