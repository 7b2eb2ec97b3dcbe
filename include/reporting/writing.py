"""Write the pages into the data home: whole or not at all, and never at the cost of what is served."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import duckdb

from include import files
from include.errors import MetricsError
from include.reporting.dictionary_page import dictionary_page
from include.reporting.metrics_page import metrics_page
from include.reporting.rendering import page_environment, page_words
from include.reporting.served_facts import ServedFacts, read_served_facts
from include.reporting.strategic import write_model_card
from include.reporting.words import LANGUAGES
from include.settings import Settings, night_text
from include.warehouse.night_summary import Language
from include.warehouse.publish import serve_file, served_as_of

_ENVIRONMENT = page_environment()
_PAGES = {"index": metrics_page, "dictionary": dictionary_page}


class ReportError(MetricsError):
    """The pages can't be written; what is served stays served, and the pages of the last night stay as they are."""

    default_code = "SM601"


@dataclass(frozen=True)
class ReportSummary:
    """What was written: the metrics page in the installation's language, and how much in all (bytes)."""

    path: str
    pages: int
    size: int


def metrics_page_file(home: Path, language: Language) -> Path:
    """The metrics page of a data home."""
    return home / "reports" / "metrics" / f"index.{language}.html"


def write_reports(
    settings: Settings, as_of: datetime | None = None, traced: frozenset[str] = frozenset()
) -> ReportSummary:
    """Write the pages of the served night; whoever calls holds the data home's lock.

    Args:
        settings: of the installation.
        as_of: the night that has to be the served one; null takes what is served.
        traced: the metrics with a page of their rows (`include.tracing`), to which the cards lead.

    Raises:
        ReportError: nothing, or another night, is served, or the warehouse lacks what the pages show.
        OSError: the disk is full.
    """
    served = served_as_of(settings.home)
    if served is None:
        raise ReportError(f"there is no warehouse yet to report on ({serve_file(settings.home)}); run a night first")
    if as_of is not None and served != as_of:
        raise ReportError(f"night {night_text(served)} is served, not {night_text(as_of)}; publish that night first")
    try:
        cards = write_model_card(settings.home)
    except duckdb.Error as error:
        raise _unreadable(settings.home, error) from error
    pages = rendered_pages(settings.home, traced, has_model_card=bool(cards))
    folder = metrics_page_file(settings.home, settings.language).parent
    for name, content in pages.items():
        files.write_bytes(folder / name, content)
    return ReportSummary(
        path=str(metrics_page_file(settings.home, settings.language)),
        pages=len(pages) + len(cards),
        size=sum(len(content) for content in pages.values()) + sum(cards.values()),
    )


def rendered_pages(
    home: Path, traced: frozenset[str] = frozenset(), *, has_model_card: bool = False
) -> dict[str, bytes]:
    """Every page by its file name; cards of the metrics `traced` lead to the page of their rows.

    Raises:
        ReportError: the served warehouse can't be read, or lacks what the pages show.
    """
    try:
        facts = replace(read_served_facts(home), traced=traced, has_model_card=has_model_card)
    except (duckdb.Error, KeyError) as error:
        raise _unreadable(home, error) from error
    return {
        f"{page}.{language}.html": _rendered(page, facts, language).encode()
        for page in _PAGES
        for language in LANGUAGES
    }


def _unreadable(home: Path, error: Exception) -> ReportError:
    problem = str(error).splitlines()[0]
    return ReportError(
        f"{serve_file(home)} lacks what the pages show ({problem}); if an older version of the project built it, "
        "run a night with this one"
    )


def _rendered(page: str, facts: ServedFacts, language: Language) -> str:
    view = _PAGES[page](facts, language)
    return _ENVIRONMENT.get_template(f"{page}.html.j2").render(**view, **page_words(page, language))
