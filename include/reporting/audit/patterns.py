"""What stands on pages ten thousands of times: templates say once how it looks, and Python fills in each.

A template that draws each of them takes more than twice as long.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache, partial
from pathlib import Path

from markupsafe import Markup

from include.reporting.audit.words import named, say
from include.reporting.rendering import page_environment
from include.warehouse.night_summary import Language

ENVIRONMENT = page_environment(Path(__file__).with_name("templates"))


@cache
def pattern(language: Language, name: str) -> str:
    """One of `patterns.html.j2`; what its braces name has to be escaped by whoever fills it in."""
    template = ENVIRONMENT.get_template("patterns.html.j2")
    words = {"language": language, "say": partial(say, language), "named": partial(named, language)}
    # Text of its own: Jinja's kind escapes again what is filled in.
    return "".join(getattr(template.make_module(words), name))


def lines(filled_in: Iterable[str]) -> Markup:
    """One below the other."""
    return Markup("\n".join(filled_in))
