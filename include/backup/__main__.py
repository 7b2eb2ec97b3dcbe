"""`python -m include.backup make FOLDER` and `python -m include.backup restore FOLDER`; see `make help`."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from include.backup.home_copies import CopySummary, Report, back_up, restore
from include.errors import MetricsError
from include.settings import Settings, load_settings, night_text

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, help=__doc__)
Folder = Annotated[Path, typer.Argument(help="folder that holds the back-ups")]


@app.command("make")
def make_command(folder: Folder) -> None:
    """Back the data home up."""
    summary = _run("Backing up", lambda settings, report: back_up(settings, folder, report))
    console = Console()
    _print(console, summary, f"{summary.kept:,} of them unchanged since the last one")
    console.print(
        "  Keep METRICS_HASH_KEY and your source YAMLs elsewhere: they are not in it. It holds personal data."
    )


@app.command("restore")
def restore_command(folder: Folder) -> None:
    """Make a new data home from the last back-up (or the one that is named)."""
    summary = _run("Restoring", lambda settings, report: restore(settings, folder, report))
    console = Console()
    _print(console, summary, "each held against its SHA-256")
    console.print("  Now `make run`: the next night goes on from here.")


def _run(what: str, work: Callable[[Settings, Report], CopySummary]) -> CopySummary:
    console = Console()
    settings = load_settings()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("files"))
    begun = time.monotonic()
    try:
        with Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task(what)
            summary = work(settings, lambda done, of: bar.update(task, completed=done, total=of))
    except (MetricsError, OSError) as error:
        console.print(f"[red]✗[/] {escape(str(error))}", soft_wrap=True)
        raise typer.Exit(1) from error
    console.print(f"[green]✓[/] {what} took {time.monotonic() - begun:.1f} s")
    return summary


def _print(console: Console, summary: CopySummary, remark: str) -> None:
    served = night_text(summary.served) if summary.served else "none yet"
    console.print(f"  {summary.files:,} files, {summary.size / 1e6:,.1f} MB; {remark}")
    console.print(f"  in {escape(str(summary.folder))}; night served: {served}", soft_wrap=True)
    if summary.gone:
        console.print(f"  [yellow]![/] {len(summary.gone)} old files were cleared away meanwhile")


if __name__ == "__main__":
    app()
