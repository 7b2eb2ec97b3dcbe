"""Beside the metrics page, a page for each of its headlines: the rows, deliveries, files and lines that it came from.

What `make trace` prints, for everybody who reads pages and runs no commands.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

from include import files
from include.periods import period_text
from include.reporting.audit.views import file_name
from include.reporting.metrics_page import trace_command, trace_page
from include.reporting.rendering import page_environment, page_words
from include.reporting.words import LANGUAGES
from include.settings import Settings
from include.tracing.asked import TraceError, asked_cell
from include.tracing.cell_trace import trace_cell
from include.tracing.served import served
from include.tracing.trace_view import BATCH_FIGURES, TraceView, trace_view
from include.tracing.words import say
from include.warehouse.night_summary import Headline, Language, read_summary
from include.warehouse.publish import serve_file

# Rows on a page; the command gives all of them.
SHOWN = 100
# Every night pays for what is read again; the command reads files of any size.
_LARGEST_FILE = 32 * 2**20
_ENVIRONMENT = page_environment(Path(__file__).with_name("templates"))


@dataclass(frozen=True)
class TracePages:
    """The metrics that have a page, and why there is none for any, if so."""

    metrics: frozenset[str]
    problem: str | None = None


def write_trace_pages(settings: Settings) -> TracePages:
    """Write the pages of the served night's headlines that have a value.

    Where the warehouse or what was landed is damaged, there are none: the metrics page is there without them.

    Raises:
        OSError: the disk is full.
    """
    if not serve_file(settings.home).exists():
        return TracePages(frozenset())
    try:
        headlines = read_summary(settings.home, "en").headlines
        pages = dict(_rendered_pages(settings, headlines))
    except (duckdb.Error, TraceError) as error:
        return TracePages(frozenset(), str(error).splitlines()[0])
    for (metric, language), content in pages.items():
        files.write_bytes(settings.home / "reports" / "metrics" / trace_page(metric, language), content)
    return TracePages(frozenset(metric for metric, _ in pages))


def _rendered_pages(settings: Settings, headlines: list[Headline]) -> Iterator[tuple[tuple[str, Language], bytes]]:
    with tempfile.TemporaryDirectory() as scratch, served(settings, Path(scratch)) as con:
        for one in headlines:
            if one.grain is None or one.period_start is None:
                continue
            cell = asked_cell(con, one.metric, period_text(one.grain, one.period_start))
            result = trace_cell(con, settings, cell, SHOWN, _LARGEST_FILE)
            for language in LANGUAGES:
                view = trace_view(con, language, cell, result, SHOWN)
                if view is not None:
                    yield (one.metric, language), rendered_trace(view, one, language)


def rendered_trace(view: TraceView, one: Headline, language: Language) -> bytes:
    """The page of a trace in one language."""
    content = _ENVIRONMENT.get_template("trace.html.j2").render(
        **page_words(f"trace_{one.metric}", language),
        view=view,
        metric=one.metric,
        command=trace_command(one),
        batch_figures=[say(language, name) for name in BATCH_FIGURES],
        say=lambda name: say(language, name),
        file_name=file_name,
    )
    return content.encode()
