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
from include.reporting.amounts import amount
from include.reporting.words import named, period, word
from include.row_file import SHEET_ROWS, write_row_file
from include.settings import Settings, load_settings
from include.sql import literal
from include.tracing.asked import TraceError, asked_cell
from include.tracing.cell_trace import TEXTS, Published, Trace, published, trace_cell
from include.tracing.cells import TOTAL, Cell
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
        with tempfile.TemporaryDirectory() as scratch, _served(settings, Path(scratch)) as con:
            cell = asked_cell(con, metric, period, segment)
            _print(con, settings, cell, int(limit or _SHOWN), target)
    except duckdb.Error as error:
        raise TraceError(str(error).splitlines()[0]) from error


def _served(settings: Settings, scratch: Path) -> duckdb.DuckDBPyConnection:
    # Settings come after opening: DuckDB opens a file once per process, and not with other ones.
    con = duckdb.connect(str(serve_file(settings.home)), read_only=True)
    # What does not fit into memory must not go beside what is served.
    con.execute(f"set memory_limit = '{settings.memory_mb}MB'; set temp_directory = {literal(str(scratch / 'spill'))}")
    con.execute("set enable_progress_bar = false; set timezone = 'UTC'")
    return con


def _print(con: duckdb.DuckDBPyConnection, settings: Settings, cell: Cell, limit: int, target: Path | None) -> None:
    language = settings.language
    console = Console(highlight=False)
    found = published(con, cell)
    if found is None:  # `asked_cell` has looked, so the warehouse was swapped since
        raise TraceError("another night was published meanwhile; ask again")
    words = {name: say(language, name) for name in ("sheet", "row", "line", "record")}
    result = trace_cell(con, settings, cell, words, None if target else limit)
    _print_cell(console, con, cell, found, language)
    _print_batches(console, result, language)
    _print_rows(console, con, result, language, limit)
    _print_left_out(console, result, language)
    for table in result.sum_facts:
        console.print(f"[dim]{escape(say(language, 'sum_fact', table=table))}[/]", soft_wrap=True)
    if target:
        _write(con, target, result)
        said = say(language, "written", rows=f"{result.rows:,}", path=target)
        console.print(f"[green]✓[/] {escape(said)}", soft_wrap=True)


def _print_cell(
    console: Console, con: duckdb.DuckDBPyConnection, cell: Cell, found: Published, language: Language
) -> None:
    name, unit, formula, source, currency, night = con.execute(
        f"""
        select d.name_{language}, d.unit, d.formula, d.source, s.currency, s.as_of
        from metrics.dim_metric as d cross join audit.warehouse_state as s
        where d.metric = {literal(cell.metric.name)}
        """
    ).fetchall()[0]
    title = say(language, "title", name=name, metric=cell.metric.name, period=_period(cell, language))
    if cell.segment != TOTAL:
        segment = named(language, "segment", cell.segment)
        title += say(language, "of_member", segment=segment, member=named(language, "member", cell.member))
    console.print(f"[bold]{escape(title)}[/]", soft_wrap=True)
    value = found.value
    reason = named(language, "reason", found.null_reason or "no_data")
    facts = [
        (
            "value",
            say(language, "no_value", reason=reason) if value is None else amount(value, unit, language, currency),
        )
    ]
    if found.ci_low is not None and found.ci_high is not None:
        ends = [amount(end, unit, language, currency, beside=value) for end in (found.ci_low, found.ci_high)]
        facts.append(("interval", " – ".join(ends)))
    facts.append(("n", f"{found.n:,}"))
    if found.numerator is not None:
        facts.append(("numerator", f"{found.numerator:,.10g}"))
    if found.denominator is not None:
        facts.append(("denominator", f"{found.denominator:,.10g}"))
    facts += [("formula", formula), ("facts", source)]
    table = Table.grid(padding=(0, 2))
    for label, text in facts:
        table.add_row(f"[dim]{escape(say(language, label))}[/]", escape(str(text)))
    console.print(table)
    console.print(f"[dim]{escape(say(language, 'night', night=f'{night:%Y-%m-%dT%H:%MZ}'))}[/]")


def _period(cell: Cell, language: Language) -> str:
    if cell.grain == "snapshot":
        return word(language, "as_of_day", day=cell.start.isoformat())
    if cell.grain == "year":
        return say(language, "year", year=cell.start.year)
    return period(language, cell.grain, cell.start)


def _print_batches(console: Console, result: Trace, language: Language) -> None:
    table = _table(say(language, "by_batch"), [say(language, "batch")])
    for name in ("rows", "adds_numerator", "adds_denominator"):
        table.add_column(say(language, name), justify="right")
    for one in result.batches:
        batch = one.batch_id or say(language, "no_batch")
        table.add_row(escape(batch), f"{one.rows:,}", _figure(one.adds_numerator), _figure(one.adds_denominator))
    console.print(table)


def _print_rows(
    console: Console, con: duckdb.DuckDBPyConnection, result: Trace, language: Language, limit: int
) -> None:
    rows = con.execute(
        f"""select record, row_date, adds_numerator, adds_denominator, measured, place, also_from
            from traced limit {limit}"""
    ).fetchall()
    name = "every_row" if len(rows) == result.rows else "all_rows"
    title = say(language, name, shown=f"{len(rows):,}", all=f"{result.rows:,}")
    table = _table(title, [say(language, "key"), say(language, "date")])
    has_measured = any(row[4] is not None for row in rows)
    figures = ["measured"] if has_measured else ["adds_numerator", "adds_denominator"]
    for figure in figures:
        table.add_column(say(language, figure), justify="right")
    table.add_column(say(language, "place"), overflow="fold")
    table.add_column(say(language, "also_from"), overflow="fold", max_width=50)
    for record, day, top, bottom, value, place, also in rows:
        told = [_figure(value)] if has_measured else [_figure(top), _figure(bottom)]
        table.add_row(escape(record), str(day or "–"), *told, escape(place or "–"), escape(also or "–"))
    console.print(table)


def _print_left_out(console: Console, result: Trace, language: Language) -> None:
    if not result.left_out:
        console.print(say(language, "nothing_left_out"))
        return
    table = _table(say(language, "left_out"), [say(language, "rule")])
    table.add_column(say(language, "rows"), justify="right")
    for one in result.left_out:
        words = f"{one.words or ''} ({one.rule_id})" if one.rule_id else say(language, "other_rule")
        table.add_row(escape(words), f"{one.rows:,}")
    console.print(table)
    console.print(f"[dim]{say(language, 'several')}[/]")


def _table(title: str, columns: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _figure(value: object) -> str:
    return "–" if value is None else f"{float(str(value)):,.10g}"


def _write(con: duckdb.DuckDBPyConnection, target: Path, result: Trace) -> None:
    is_sheet = target.suffix.lower() == ".xlsx"
    if is_sheet and result.rows > SHEET_ROWS:
        raise TraceError(f"{result.rows:,} rows do not fit into a sheet ({SHEET_ROWS:,}); name a .csv")
    with files.writing(target) as temporary:
        temporary.touch()
        write_row_file(con, "traced", temporary, "xlsx" if is_sheet else "csv", TEXTS, "rows")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with the given arguments or those of the process. Returns the exit code."""
    return run_command(app, arguments)


if __name__ == "__main__":
    sys.exit(main())
