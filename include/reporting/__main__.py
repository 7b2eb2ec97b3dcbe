"""`make report`: write the pages of the served night, and the auditors' pages of all nights, without a run."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.markup import escape

from include.errors import MetricsError
from include.reporting.audit import write_audit_pages
from include.reporting.writing import write_reports
from include.settings import load_settings
from include.tracing.trace_pages import write_trace_pages
from include.warehouse.run_lock import run_lock


def main() -> int:
    """Write the pages and say where they are. Returns the exit code."""
    console = Console(highlight=False)
    try:
        settings = load_settings()
        with run_lock(settings.home):
            # Before the metrics: there is something to audit where nothing was published yet.
            audit = write_audit_pages(settings)
            console.print(f"[green]✓[/] {audit.pages} pages for auditors, {audit.unchanged} unchanged")
            console.print(f"  {escape(audit.path)}", soft_wrap=True)
            traced = write_trace_pages(settings)
            if traced.problem:
                console.print(f"[yellow]![/] no pages of rows: {escape(traced.problem)}", soft_wrap=True)
            summary = write_reports(settings, traced=traced.metrics)
    except (MetricsError, OSError) as error:
        console.print(f"[red]✗[/] {escape(str(error))}", soft_wrap=True)
        return 1
    console.print(f"[green]✓[/] {summary.pages} pages, {summary.size / 1000:,.0f} kB")
    console.print(f"  {escape(summary.path)}", soft_wrap=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
