"""Where a delivered record stands: the file as it came, its sheet, and the line or row in it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from include import files
from include.landing.batches import Batch, feed_folder, read_batch
from include.landing.raw_rows import ROWS_FILE, unpack_original
from include.settings import Settings
from include.sources.file_reader import FILE, ROW_NUMBER, ReadLimits, UnreadableFileError
from include.sources.loading import LoadedSource, load_source_results
from include.sources.readers.archives import contents_of
from include.sources.readers.confined import run_confined
from include.sources.readers.text import MAX_LINE_BYTES, Text, read_text
from include.sql import in_list, literal

_COLUMNS = "batch_id varchar, row_number bigint, file varchar, sheet varchar, line bigint, record bigint"


@dataclass(frozen=True)
class _Start:
    """Where the records of a file begin: what to add to a record's number for its line (row of a sheet).

    `before` is null where no number does it for all records: blank rows, other formats. `text` is a CSV in which cells
    hold line ends, `dropped` the lines of the received file before it, `header` whether its first record is one.
    """

    sheet: str | None = None
    before: int | None = None
    text: Path | None = None
    dropped: int = 0
    header: bool = False


def add_places(con: duckdb.DuckDBPyConnection, settings: Settings, table: str, largest: int | None = None) -> None:
    """Make the temporary table `place`: file, sheet, line and number of the record (from 1) of each landed record.

    A batch whose landing is gone or damaged has none; a line is null where only the record's number is certain.

    Args:
        con: a connection with `table`.
        settings: of the installation.
        table: SQL with `source`, `feed`, `batch_id` and `row_number`.
        largest: bytes of a file as received above which it is not read again for its lines; null reads every one.
    """
    con.execute(f"create or replace temp table place ({_COLUMNS})")
    batches = con.execute(f"select distinct source, feed, batch_id from ({table}) order by all").fetchall()
    folders = {batch_id: feed_folder(settings.home, source, feed) / batch_id for source, feed, batch_id in batches}
    rows = {str(folder / ROWS_FILE): batch_id for batch_id, folder in folders.items() if (folder / ROWS_FILE).exists()}
    if not rows:
        return
    con.register("landed", pa.table({"path": list(rows), "batch_id": list(rows.values())}))
    con.execute(
        f"""create or replace temp table landed_record as
            select l.batch_id, r.{ROW_NUMBER} as row_number, r.{FILE} as file,
                   r.{ROW_NUMBER} - min(r.{ROW_NUMBER}) over (partition by l.batch_id, r.{FILE}) + 1 as record
            from read_parquet([{in_list(list(rows))}], union_by_name = true, filename = true) as r
            join landed as l on l.path = r.filename
            qualify (l.batch_id, r.{ROW_NUMBER}) in (select (batch_id, row_number) from ({table}))"""
    )
    con.execute("create or replace temp table line_of (batch_id varchar, file varchar, record bigint, line bigint)")
    starts = _starts(con, settings, {batch_id: folders[batch_id] for batch_id in rows.values()}, largest)
    con.register("start", starts)
    con.execute(
        """insert into place
           select r.batch_id, r.row_number, r.file, s.sheet, coalesce(r.record + s.before, l.line), r.record
           from landed_record as r
           left join start as s on s.batch_id = r.batch_id and s.file = r.file
           left join line_of as l on l.batch_id = r.batch_id and l.file = r.file and l.record = r.record"""
    )


def _add_lines(con: duckdb.DuckDBPyConnection, batch_id: str, file: str, start: _Start) -> None:
    """The first line of each wanted record of a CSV whose cells hold line ends: a record begins outside quotes."""
    con.execute(
        f"""insert into line_of
            with text as (
                select row_number() over () as line, coalesce(text, '') as text
                from read_csv(
                    {literal(str(start.text))}, columns = {{'text': 'VARCHAR'}}, header = false, delim = '\x01',
                    quote = '', escape = '', auto_detect = false, null_padding = false, parallel = false,
                    max_line_size = {MAX_LINE_BYTES}, buffer_size = {2 * MAX_LINE_BYTES}
                )
            ),
            quoted as (
                select line, text, coalesce(sum(length(text) - length(replace(text, '"', ''))) over (
                    order by line rows between unbounded preceding and 1 preceding
                ), 0) as quotes
                from text
            ),
            begun as (
                select line + {start.dropped} as line, row_number() over (order by line) - {int(start.header)} as record
                from quoted where quotes % 2 = 0 and text <> ''
            )
            select {literal(batch_id)}, {literal(file)}, record, line from begun
            where record in (select record from landed_record where batch_id = {literal(batch_id)}
                             and file = {literal(file)})"""
    )


def _starts(
    con: duckdb.DuckDBPyConnection, settings: Settings, folders: dict[str, Path], largest: int | None
) -> pa.Table:
    """Where the records of every file that is asked for begin."""
    wanted: dict[str, set[str]] = {}
    for batch_id, file in con.execute("select distinct batch_id, file from landed_record").fetchall():
        wanted.setdefault(batch_id, set()).add(file)
    loaded = {one.source.name: one for one in load_source_results(settings.sources)[0]}
    found: list[tuple[str, str, _Start]] = []
    with tempfile.TemporaryDirectory() as scratch:
        for batch_id, names in sorted(wanted.items()):
            for name, start in _starts_of(folders[batch_id], names, loaded, scratch, largest):
                found.append((batch_id, name, start))
                if start.text:
                    _add_lines(con, batch_id, name, start)
    return pa.table(
        {
            "batch_id": pa.array([one for one, _, _ in found], pa.string()),
            "file": pa.array([one for _, one, _ in found], pa.string()),
            "sheet": pa.array([one.sheet for _, _, one in found], pa.string()),
            "before": pa.array([one.before for _, _, one in found], pa.int64()),
        }
    )


def _starts_of(
    folder: Path, names: set[str], loaded: dict[str, LoadedSource], scratch: str, largest: int | None
) -> Iterable[tuple[str, _Start]]:
    """Of a batch; none where its originals are gone, or its feed is not declared any more."""
    try:
        batch = read_batch(folder)
        source = loaded.get(batch.source)
        if source is None or batch.feed not in source.source.feeds:
            return []
        if largest is not None and sum(one.size for one in batch.files) > largest:
            return []
        return _of_originals(batch, folder, names, source, Path(tempfile.mkdtemp(dir=scratch)))
    except (files.DamagedFileError, UnreadableFileError, OSError):
        return []


def _of_originals(
    batch: Batch, folder: Path, names: set[str], loaded: LoadedSource, scratch: Path
) -> list[tuple[str, _Start]]:
    feed = loaded.source.feeds[batch.feed]
    if feed.questionnaires:
        return []
    limits = ReadLimits(memory_mb=512)
    found = []
    for number in range(len(batch.files)):
        path = unpack_original(folder, batch, number, scratch / str(number))
        for content in contents_of(path, feed, path.parent, limits, []):
            if content.name not in names:
                continue
            text = content.path.with_suffix(".text")
            if content.kind == "csv":
                read = read_text(
                    content.name, content.path, feed.encoding, text, skip_lines=feed.skip_rows,
                    delimiter=feed.delimiter or ("\t" if content.suffix == ".tsv" else ","),
                )  # fmt: skip
                found.append((content.name, _start_of_text(read, has_header=not feed.header)))
            elif content.kind in ("xlsx", "xls"):
                told = run_confined(
                    "write_cells", content.name, content.path, text, limits,
                    sheet=feed.sheet, skip_rows=feed.skip_rows, header=list(feed.header),
                )  # fmt: skip
                before = told["first_row"] - bool(feed.header)
                is_row_by_row = told["last_row"] == before + told["records"]
                found.append((content.name, _Start(told["sheet"], before if is_row_by_row else None)))
    return found


def _start_of_text(read: Text, *, has_header: bool) -> _Start:
    if read.line_ends is None:
        return _Start()  # quotes that are not where they belong: what is a record is a matter of judgement
    if read.line_ends == read.lines and not read.blank_lines:
        return _Start(before=read.line(has_header))
    return _Start(text=read.path, dropped=read.line(0), header=has_header)


def place_sql(alias: str, words: Mapping[str, str]) -> str:
    """SQL of a place in one text: `tickets.csv, line 17`; `words` are those for sheet, row, line and record."""
    return f"""
        {alias}.file || coalesce(', ' || {literal(words["sheet"])} || ' ' || {alias}.sheet, '') || ', ' || case
            when {alias}.line is null then {literal(words["record"])} || ' ' || {alias}.record
            when {alias}.sheet is not null then {literal(words["row"])} || ' ' || {alias}.line
            else {literal(words["line"])} || ' ' || {alias}.line
        end
    """
