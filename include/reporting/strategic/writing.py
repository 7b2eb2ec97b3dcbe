"""Write the model card into the data home, whole or not at all."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from include import files
from include.reporting.rendering import page_environment, page_words
from include.reporting.strategic.card_facts import CardFacts, read_card_facts
from include.reporting.strategic.card_page import card_page, say
from include.reporting.words import LANGUAGES
from include.warehouse.night_summary import Language

_HERE = Path(__file__).parent
_PAGE = "model_card"


def card_file(home: Path, language: Language) -> Path:
    """The model card of a data home."""
    return home / "reports" / "strategic" / f"{_PAGE}.{language}.html"


def write_model_card(home: Path) -> dict[Path, int]:
    """Write it in every language; none where an older version built what is served. Returns files and sizes (bytes).

    Raises:
        duckdb.Error: the served warehouse can't be read.
        OSError: the disk is full.
    """
    facts = read_card_facts(home)
    written = {}
    for language in LANGUAGES if facts else ():
        assert facts is not None  # noqa: S101 - there are no languages otherwise
        content = _rendered(facts, language).encode()
        files.write_bytes(card_file(home, language), content)
        written[card_file(home, language)] = len(content)
    return written


def _rendered(facts: CardFacts, language: Language) -> str:
    template = page_environment(_HERE / "templates").get_template(f"{_PAGE}.html.j2")
    return template.render(**card_page(facts, language), **page_words(_PAGE, language), say=partial(say, language))
