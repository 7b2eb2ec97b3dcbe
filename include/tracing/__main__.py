"""`make trace`: one number of the metrics page, down to the rows, batches, files and lines that it was made from.

Reads the served warehouse and the landed files; of a delivered row it prints ids and where it stands, never its
content.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import duckdb
import typer
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from include import files
from include.commands import run_command
from include.row_file import SHEET_ROWS, write_row_file
from include.settings import Settings, load_settings
from include.tracing.asked import TraceError, asked_cell
from include.tracing.cell_trace import TEXTS, Trace, trace_cell
from include.tracing.cells import Cell
from include.tracing.served import served
from include.tracing.trace_view import BATCH_FIGURES, TraceView, trace_view
from include.tracing.words import say
from include.warehouse.night_summary import Language
from include.warehouse.publish import serve_file

_SHOWN = 20

app = typer.Typer(add_completion=False)


@app.command()
def trace(
    metric: Annotated[str, typer.Option(help="its name, as in dim_metric")],
    period: Annotated[str, typer.Option(help="2026, 2026-Q2, 2026-06, 2026-W23, 2026-06-16 or snapshot")],
    segment: Annotated[str, typer.Option(help="segment=member, region=华东 say; default: over everything")] = "",
    out: Annotated[str, typer.Option(help="a new .csv or .xlsx for all rows")] = "",
    limit: Annotated[str, typer.Option(help=f"rows to show; default {_SHOWN}")] = "",
) -> None:
    """Follow one number down to the rows that it was made from."""
    settings = load_settings()
    target = Path(out).expanduser().absolute() if out else None
    if target and target.suffix.lower() not in (".csv", ".xlsx"):
        raise TraceError(f"OUT {target.name} ends neither with .csv nor with .xlsx")
    if target and target.exists():
        raise TraceError(f"{target} is there already, and nothing is overwritten; name another file")
    if limit and not limit.isdigit():
        raise TraceError(f"LIMIT {limit} is no number")
    if not serve_file(settings.home).exists():
        raise TraceError(f"{settings.home} has no published night yet; run one first (make run)")
    try:
        with tempfile.TemporaryDirectory() as scratch, served(settings, Path(scratch)) as con:
            cell = asked_cell(con, metric, period, segment)
            _print(con, settings, cell, int(limit or _SHOWN), target)
    except duckdb.Error as error:
        raise TraceError(str(error).splitlines()[0]) from error


def _print(con: duckdb.DuckDBPyConnection, settings: Settings, cell: Cell, limit: int, target: Path | None) -> None:
    language = settings.language
    console = Console(highlight=False)
    result = trace_cell(con, settings, cell, None if target else limit)
    view = trace_view(con, language, cell, result, limit)
    if view is None:  # `asked_cell` has looked, so the warehouse was swapped since
        raise TraceError("another night was published meanwhile; ask again")
    console.print(f"[bold]{escape(view.title)}[/]", soft_wrap=True)
    _print_facts(console, view)
    _print_batches(console, view, language)
    _print_rows(console, view, language)
    _print_left_out(console, view, language)
    for told in view.sum_facts:
        console.print(f"[dim]{escape(told)}[/]", soft_wrap=True)
    if target:
        _write(con, target, result)
        said = say(language, "written", rows=f"{result.rows:,}", path=target)
        console.print(f"[green]✓[/] {escape(said)}", soft_wrap=True)


def _print_facts(console: Console, view: TraceView) -> None:
    table = Table.grid(padding=(0, 2))
    for label, text in view.facts:
        table.add_row(f"[dim]{escape(label)}[/]", escape(text))
    console.print(table)
    console.print(f"[dim]{escape(view.night)}[/]")


def _print_batches(console: Console, view: TraceView, language: Language) -> None:
    table = _table(say(language, "by_batch"), [say(language, "batch")])
    for name in BATCH_FIGURES:
        table.add_column(say(language, name), justify="right")
    for one in view.batches:
        table.add_row(escape(one.batch), *one.figures)
    console.print(table)


def _print_rows(console: Console, view: TraceView, language: Language) -> None:
    table = _table(view.rows_title, [say(language, "key"), say(language, "date")])
    for name in view.figure_names:
        table.add_column(name, justify="right")
    table.add_column(say(language, "place"), overflow="fold")
    table.add_column(say(language, "also_from"), overflow="fold", max_width=50)
    for one in view.rows:
        table.add_row(escape(one.record), one.day, *one.figures, escape(one.place), escape(one.also_from))
    console.print(table)


def _print_left_out(console: Console, view: TraceView, language: Language) -> None:
    if not view.left_out:
        console.print(say(language, "nothing_left_out"))
        return
    table = _table(say(language, "left_out"), [say(language, "rule")])
    table.add_column(say(language, "rows"), justify="right")
    for one in view.left_out:
        table.add_row(escape(f"{one.says} ({one.rule_id})" if one.rule_id else one.says), one.rows)
    console.print(table)
    console.print(f"[dim]{say(language, 'several')}[/]")


def _table(title: str, columns: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _write(con: duckdb.DuckDBPyConnection, target: Path, result: Trace) -> None:
    is_sheet = target.suffix.lower() == ".xlsx"
    if is_sheet and result.rows > SHEET_ROWS:
        raise TraceError(f"{result.rows:,} rows do not fit into a sheet ({SHEET_ROWS:,}); name a .csv")
    with files.writing(target) as temporary:
        temporary.touch()
        write_row_file(con, "told", temporary, "xlsx" if is_sheet else "csv", TEXTS, "rows")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with the given arguments or those of the process. Returns the exit code."""
    return run_command(app, arguments)


if __name__ == "__main__":
    sys.exit(main())
