"""`make failed-rows`: every row that did not count, with every reason, as a file that people open in a spreadsheet.

Masked by default; `RAW=1` gives the rows as they came. Rows go from Parquet to the file inside DuckDB (XLSX: pandas).
"""

from __future__ import annotations

import getpass
import json
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
import typer
from rich.console import Console
from rich.markup import escape

from include import files
from include.commands import run_command
from include.database import bounded_database
from include.errors import MetricsError
from include.gate.ledger import Gate, check_undamaged, holding, read_ledger
from include.gate.rules import load_rules
from include.gate.settled_files import STOPPED_RULE
from include.reporting.audit.words import night_label
from include.row_file import SHEET_ROWS, FileFormat, write_row_file
from include.settings import Settings, load_settings, parse_instant
from include.sql import in_list, literal
from include.warehouse.night_records import begun_nights

_TEXTS = ("source", "feed", "batch_id", "entity", "business_key", "rules", "reasons_en", "reasons_zh", "row")

app = typer.Typer(add_completion=False)


class FailedRowsError(MetricsError):
    """The failed rows can't be written as asked; nothing was written."""

    default_code = "SM602"


@dataclass(frozen=True)
class Wanted:
    """Which rows: of a night (a local date or timestamp), a source, a rule; null takes all."""

    night: str | None = None
    source: str | None = None
    rule: str | None = None


def write_failed_rows(
    settings: Settings, wanted: Wanted, target: Path, file_format: FileFormat, *, raw: bool = False
) -> int:
    """Write the rows; how many they are.

    One line per row, with the rules it fails and the reasons in both languages. Of a night those that this night
    judged; without a night those that stand as of now. A row that was held and has found its place since is `released`.

    Args:
        settings: of the installation.
        wanted: which rows.
        target: a file that is not there yet.
        file_format: `csv` (UTF-8) or `xlsx`.
        raw: the rows as they came, personal data and all, in a file that only its owner can read; noted in
            `logs/failed_rows.jsonl`.

    Raises:
        FailedRowsError: the night, source or rule is not known, the file is there, or a sheet can't hold the rows.
        DamagedFileError: a file of the data home is not what was written.
    """
    if target.exists():
        raise FailedRowsError(f"{target} is there already, and nothing is overwritten; name another file")
    gates = _gates(settings, wanted)
    if raw:
        _note(settings, wanted, target)
    with (
        tempfile.TemporaryDirectory() as scratch,
        bounded_database(settings.memory_mb, Path(scratch)) as con,
    ):
        con.execute(f"create table failed as {_rows_sql(con, settings, gates, wanted, raw)}")
        rows = int(con.execute("select count(*) from failed").fetchall()[0][0])
        if file_format == "xlsx" and rows > SHEET_ROWS:
            raise FailedRowsError(f"{rows:,} rows do not fit into a sheet ({SHEET_ROWS:,}); use FORMAT=csv")
        with files.writing(target) as temporary:
            temporary.touch(0o600 if raw else 0o644)
            write_row_file(con, "failed", temporary, file_format, _TEXTS, "failed rows")
    return rows


def _gates(settings: Settings, wanted: Wanted) -> list[Gate]:
    """The gates whose rows are asked for, and those that moved held rows of theirs since.

    Raises:
        FailedRowsError: the night, source or rule is not known.
    """
    begun = begun_nights(settings.home)
    if not begun:
        raise FailedRowsError(f"{settings.home} has no night yet; run one first (make run)")
    gates = read_ledger(settings.home, begun[-1])
    sources = sorted({gate.source for gate in gates})
    if wanted.source and wanted.source not in sources:
        raise FailedRowsError(f"no source {wanted.source} has delivered; there are {', '.join(sources)}")
    known = {check.rule_id for gate in gates for check in gate.checks} | {STOPPED_RULE}
    known |= {rule.id for rules in load_rules().by_entity.values() for rule in rules}
    if wanted.rule and wanted.rule not in known:
        raise FailedRowsError(f"no rule {wanted.rule}; the auditors' pages name all ({len(known)}) by their ids")
    if wanted.night is None:
        held = holding(gates)
    else:
        night = parse_instant(wanted.night, ZoneInfo(settings.timezone))
        if night not in begun:
            labels = ", ".join(night_label(one, settings.timezone) for one in begun[-10:])
            raise FailedRowsError(f"no night {wanted.night} was run; the last ones are {labels}")
        own = [gate for gate in holding([gate for gate in gates if gate.night == night]) if gate.kind == "full"]
        batches = {gate.batch_id for gate in own}
        held = [*own, *(gate for gate in gates if gate.kind == "moved" and gate.batch_id in batches)]
    return [gate for gate in held if wanted.source in (None, gate.source)]


def _rows_sql(
    con: duckdb.DuckDBPyConnection, settings: Settings, gates: Sequence[Gate], wanted: Wanted, raw: bool
) -> str:
    """SQL of the rows: one per failed row, in the order of nights, sources and rows."""
    quarantine = [
        (str(settings.home / count.quarantine.path), night_label(gate.night, settings.timezone))
        for gate in gates
        if gate.kind == "full"
        for count in gate.entities.values()
        if count.quarantine
    ]
    check_undamaged(
        settings.home, (count.quarantine for gate in gates for count in gate.entities.values() if count.quarantine)
    )
    if not quarantine:
        return f"select null::varchar as night, {', '.join(f'null::varchar as {name}' for name in _TEXTS)} where false"
    con.register("file", pa.table(dict(zip(("path", "night"), map(list, zip(*quarantine, strict=True)), strict=True))))
    moved = [
        str(settings.home / count.clean.path)
        for gate in gates
        if gate.kind == "moved"
        for count in gate.entities.values()
        if count.clean
    ]
    shown = "raw_row" if raw else "raw_row_masked"
    having = f"having bool_or(q.rule_id = {literal(wanted.rule)})" if wanted.rule else ""
    return f"""
        with moved as ({_moved_sql(moved)})
        select
            f.night, q.source, q.feed, q.batch_id, q.entity, q.row_number,
            any_value(q.business_key) as business_key,
            case
                when any_value(q.status) = 'held' and bool_or(m.row_id is not null) then 'released'
                else any_value(q.status)
            end as status,
            string_agg(q.rule_id, ', ' order by q.rule_id) as rules,
            string_agg(q.reason_en, ' | ' order by q.rule_id) as reasons_en,
            string_agg(q.reason_zh, ' | ' order by q.rule_id) as reasons_zh,
            any_value(q.{shown}) as row
        from read_parquet([{in_list([path for path, _ in quarantine])}], union_by_name = true, filename = true) as q
        join file as f on f.path = q.filename
        left join moved as m on m.batch_id = q.batch_id and m.entity = q.entity and m.row_id = q.row_id
        group by f.night, q.source, q.feed, q.batch_id, q.entity, q.row_number, q.row_id
        {having}
        order by f.night, q.source, q.feed, q.batch_id, q.entity, q.row_number, q.row_id
    """


def _moved_sql(paths: Iterable[str]) -> str:
    parts = [
        f"select batch_id, {literal(Path(path).parent.name)} as entity, row_id from read_parquet({literal(path)})"
        for path in paths
    ]
    return (
        " union all ".join(parts)
        or "select null::varchar as batch_id, null::varchar as entity, 0 as row_id where false"
    )


def _note(settings: Settings, wanted: Wanted, target: Path) -> None:
    """Write down that somebody takes rows with personal data."""
    told = {"at": time.time(), "who": getpass.getuser(), "to": str(target), **wanted.__dict__}
    files.append_line(settings.home / "logs" / "failed_rows.jsonl", json.dumps(told, ensure_ascii=False))


@app.command()
def export(
    out: Annotated[Path, typer.Option(help="the file to write")],
    night: Annotated[str, typer.Option(help="a local date, or a timestamp; default: what stands now")] = "",
    source: Annotated[str, typer.Option(help="a source; default: all")] = "",
    rule: Annotated[str, typer.Option(help="a rule's id; default: all")] = "",
    file_format: Annotated[str, typer.Option("--format", help="csv or xlsx; default: as the file is named")] = "",
    raw: Annotated[str, typer.Option(help="1: the rows as they came, with personal data")] = "",
) -> None:
    """Write all rows that did not count, with all reasons."""
    target = out.expanduser().absolute()
    chosen = (file_format or target.suffix.removeprefix(".") or "csv").lower()
    if chosen not in ("csv", "xlsx"):
        raise FailedRowsError(f"FORMAT {chosen} is neither csv nor xlsx")
    wanted = Wanted(night or None, source or None, rule or None)
    rows = write_failed_rows(
        load_settings(), wanted, target, "xlsx" if chosen == "xlsx" else "csv", raw=raw in ("1", "true", "yes")
    )
    Console(highlight=False).print(f"[green]✓[/] {rows:,} rows: {escape(str(target))}", soft_wrap=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with the given arguments or those of the process. Returns the exit code."""
    return run_command(app, arguments)


if __name__ == "__main__":
    sys.exit(main())
