"""`make failed-rows`: every row that did not count, with every reason, as a file that people open in a spreadsheet.

Where a rule is asked for that marks rows, those that it marked, though they count: their raw rows come from landing.
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
from include.contracts import load_contracts
from include.database import bounded_database
from include.errors import MetricsError
from include.gate.judging import key_sql
from include.gate.ledger import DataFile, Gate, check_undamaged, holding, read_ledger
from include.gate.masking import HIDDEN, masked_text
from include.gate.rules import load_rules
from include.gate.settled_files import STOPPED_RULE
from include.landing.batches import feed_folder, read_batch
from include.reporting.audit.words import night_label
from include.row_file import SHEET_ROWS, FileFormat, write_row_file
from include.settings import Settings, load_settings, parse_instant
from include.sources.file_reader import ROW_NUMBER
from include.sources.loading import LoadedSource, load_source_results
from include.sources.raw_rows import masked_row_json, raw_row_json
from include.sql import in_list, literal
from include.warehouse.night_records import begun_nights

_COLUMNS = {
    "night": "varchar", "source": "varchar", "feed": "varchar", "batch_id": "varchar", "entity": "varchar",
    "row_number": "bigint", "business_key": "varchar", "status": "varchar", "rules": "varchar",
    "reasons_en": "varchar", "reasons_zh": "varchar", "row": "varchar",
}  # fmt: skip
_TEXTS = [name for name, kind in _COLUMNS.items() if kind == "varchar" and name not in ("night", "status")]

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
    judged; without a night those that stand as of now. A row that was held and has found its place since is `released`;
    one that the rule asked for has marked is `flag`.

    Args:
        settings: of the installation.
        wanted: which rows.
        target: a file that is not there yet.
        file_format: `csv` (UTF-8) or `xlsx`.
        raw: the rows as they came, personal data and all, in a file that only its owner can read; noted in
            `logs/failed_rows.jsonl`.

    Raises:
        FailedRowsError: the night, source or rule is not known, the rule names no rows, the source of marked rows is
            configured no more, the file is there, or a sheet can't hold the rows.
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
        if wanted.rule and "flag" in _verdicts(gates, wanted.rule):
            _add_marked(con, settings, gates, wanted.rule, raw)
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
    if wanted.rule and _verdicts(gates, wanted.rule) and _verdicts(gates, wanted.rule) <= {"note", "stop"}:
        raise FailedRowsError(f"{wanted.rule} names no rows; the auditors' pages tell what it found")
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
        return f"select {', '.join(f'null::{kind} as {name}' for name, kind in _COLUMNS.items())} where false"
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


def _verdicts(gates: Sequence[Gate], rule_id: str) -> set[str]:
    """What a rule says of rows, today and as the gates have it."""
    told = {check.verdict for gate in gates for check in gate.checks if check.rule_id == rule_id}
    rules = load_rules()
    told |= {rule.verdict for found in rules.by_entity.values() for rule in found if rule.id == rule_id}
    return told | {rule.verdict for rule in rules.of_batches if rule.id == rule_id}


def _add_marked(
    con: duckdb.DuckDBPyConnection, settings: Settings, gates: Sequence[Gate], rule_id: str, raw: bool
) -> None:
    """Add the rows of clean that a rule has marked, delivery by delivery."""
    words = [
        (rule.id, rule.words("en"), rule.words("zh")) for found in load_rules().by_entity.values() for rule in found
    ]
    con.execute("create table word (rule_id varchar, en varchar, zh varchar)")
    con.executemany("insert into word values (?, ?, ?)", words)
    nights = {gate.batch_id: night_label(gate.night, settings.timezone) for gate in gates if gate.kind == "full"}
    # Only masks need to know what is personal.
    loaded = {} if raw else {one.source.name: one for one in load_source_results(settings.sources)[0]}
    clean = [
        (gate, entity, count.clean)
        for gate in sorted(gates, key=lambda gate: (nights[gate.batch_id], gate.source, gate.feed, gate.batch_id))
        for entity, count in sorted(gate.entities.items())
        if count.clean
    ]
    check_undamaged(settings.home, (file for _, _, file in clean))
    for gate, entity, file in clean:
        marked = f"""select row_number, row_id, {key_sql(load_contracts()[entity])} as business_key, flag_rules
                     from read_parquet({literal(str(settings.home / file.path))})
                     where list_contains(string_split(flag_rules, ','), {literal(rule_id)})"""
        if not con.execute(f"{marked} limit 1").fetchall():
            continue
        con.execute(
            f"""insert into failed by name
                with marked as ({marked}),
                raw as ({_raw_rows_sql(settings, gate, loaded.get(gate.source), raw)}),
                rule as (select row_id, unnest(string_split(flag_rules, ',')) as rule_id from marked),
                told as (
                    select r.row_id, string_agg(r.rule_id, ', ' order by r.rule_id) as rules,
                           string_agg(coalesce(w.en, r.rule_id), ' | ' order by r.rule_id) as reasons_en,
                           string_agg(coalesce(w.zh, r.rule_id), ' | ' order by r.rule_id) as reasons_zh
                    from rule as r left join word as w using (rule_id) group by r.row_id
                )
                select {literal(nights[gate.batch_id])} as night, {literal(gate.source)} as source,
                       {literal(gate.feed)} as feed, {literal(gate.batch_id)} as batch_id, {literal(entity)} as entity,
                       m.row_number, m.business_key, 'flag' as status, t.rules, t.reasons_en, t.reasons_zh, raw.row
                from marked as m join told as t using (row_id) join raw using (row_number)
                order by m.row_number, m.row_id"""
        )


def _raw_rows_sql(settings: Settings, gate: Gate, loaded: LoadedSource | None, raw: bool) -> str:
    """SQL of a delivery's rows as JSON, masked as its source says today, by `row_number`.

    Raises:
        FailedRowsError: nothing says any more what in them is personal.
    """
    batch = read_batch(feed_folder(settings.home, gate.source, gate.feed) / gate.batch_id)
    if batch.rows is None:
        raise FailedRowsError(f"{gate.batch_id} has no rows that can be read")
    path = batch.folder(settings.home) / batch.rows.path
    landed = DataFile(
        path=path.relative_to(settings.home).as_posix(), sha256=batch.rows.sha256, rows=batch.rows.records
    )
    check_undamaged(settings.home, [landed])
    if raw:
        shown = raw_row_json(batch.rows.columns)
    elif loaded and gate.feed in loaded.source.feeds:
        shown = masked_row_json(loaded, gate.feed, batch.rows.columns, masked_text, HIDDEN)
    else:
        raise FailedRowsError(f"{gate.source}.{gate.feed} is configured no more: nothing says what of it is personal")
    return f"select {ROW_NUMBER} as row_number, {shown} as row from read_parquet({literal(str(path))})"


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
    """Write all rows that did not count, or that a rule has marked, with all reasons."""
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
