"""What a source YAML would make of the files that lie there: mapped, shown, and nothing landed or written."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa

from include.contracts import Column, load_contracts
from include.database import bounded_database
from include.errors import MetricsError
from include.gate.masking import HIDDEN, masked_text
from include.landing.deliveries import find_deliveries
from include.mapping_help.date_formats import DateGuess, guess_dates
from include.settings import Settings, resolve_as_of
from include.sources.cell_sql import TYPED, trimmed
from include.sources.column_report import compare_columns
from include.sources.file_reader import FILE, ROW_NUMBER, UNPARSABLE, ReadLimits, read_to_parquet
from include.sources.loading import LoadedSource, SourceConfigError, feed_entities
from include.sources.mapping import mapped_rows
from include.sources.melting import found_column
from include.sources.questionnaires import questionnaire_rows
from include.sources.readers.archives import KINDS
from include.sources.schema import ColumnMapping, Feed, ValueMap
from include.sql import literal, quoted

SAMPLE_ROWS = 20
_EXAMPLES = 5
_FOREVER = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class OddTexts:
    """Texts of one column or question that can't be read as its type, or that no value map knows.

    `texts` are the commonest, masked, each with its rows; `record` and `line` say where the first stands (`line`: where
    the file is plain text); `formats` would read them, or one of `either`.
    """

    column: str
    kind: str
    rows: int
    texts: tuple[tuple[str, int], ...]
    record: int
    file: str
    line: int | None = None
    formats: tuple[str, ...] = ()
    either: tuple[str, ...] = ()
    is_required: bool = False


@dataclass(frozen=True)
class EntityPreview:
    """Mapped rows of one entity: a sample as text, personal data hidden, and what is wrong with all of them."""

    entity: str
    rows: int
    columns: tuple[str, ...] = ()
    sample: tuple[tuple[str | None, ...], ...] = ()
    empty_columns: tuple[str, ...] = ()
    required_missing: tuple[tuple[str, int], ...] = ()
    unreadable: tuple[OddTexts, ...] = ()
    unknown: tuple[OddTexts, ...] = ()
    unusable: int = 0
    problem: str | None = None


@dataclass(frozen=True)
class FeedPreview:
    """What a feed would land, and what would become of it."""

    source: str
    feed: str
    files: tuple[str, ...] = ()
    deliveries: int = 0
    waiting: int = 0
    records: int = 0
    unparsable: int = 0
    notes: tuple[str, ...] = ()
    unmapped: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()
    entities: tuple[EntityPreview, ...] = field(default=())
    problem: str | None = None
    pattern: str = ""

    @property
    def has_failed(self) -> bool:
        """Whether the feed would bring nothing: unreadable, a mandatory column lacking, or not one usable row."""
        broken = any(one.problem or (one.rows and one.unusable == one.rows) for one in self.entities)
        return bool(self.problem) or broken


def preview_feed(
    settings: Settings, loaded: LoadedSource, feed_name: str, paths: Sequence[Path] | None = None
) -> FeedPreview:
    """Map a feed's last delivery, or the files given."""
    feed = loaded.source.feeds[feed_name]
    start = FeedPreview(loaded.source.name, feed_name, pattern=", ".join(feed.files))
    deliveries, waiting = 0, 0
    if feed.questionnaires:
        return _previewed(settings, loaded, start, [])
    if paths is None:
        every = find_deliveries(settings, loaded, feed, _FOREVER)
        due = len(find_deliveries(settings, loaded, feed, resolve_as_of(settings)))
        if not every:
            return start
        paths = every[max(due - 1, 0)].paths
        deliveries, waiting = len(every), len(every) - due
    named = FeedPreview(
        loaded.source.name,
        feed_name,
        tuple(path.name for path in paths),
        deliveries,
        waiting,
        pattern=", ".join(feed.files),
    )
    return _previewed(settings, loaded, named, paths)


def _previewed(settings: Settings, loaded: LoadedSource, start: FeedPreview, paths: Sequence[Path]) -> FeedPreview:
    feed = loaded.source.feeds[start.feed]
    with raw_database(settings) as (con, scratch):
        try:
            columns, notes = _read(con, loaded, feed, paths, scratch, settings)
        except MetricsError as error:
            return FeedPreview(**{**start.__dict__, "problem": str(error)})
        compared = compare_columns(loaded, start.feed, columns)
        [(records, unparsable)] = con.execute(f"select count(*), count({UNPARSABLE}) from raw").fetchall()
        entities = [
            _Preview(con, settings, loaded, start.feed, entity, columns, paths).preview()
            for entity in feed_entities(feed)
        ]
    return FeedPreview(
        **{
            **start.__dict__,
            "records": records,
            "unparsable": unparsable,
            "notes": tuple(notes),
            "unmapped": tuple(compared.unmapped),
            "lacking": tuple(compared.lacking),
            "entities": tuple(entities),
        }
    )


@contextmanager
def raw_database(settings: Settings) -> Iterator[tuple[duckdb.DuckDBPyConnection, Path]]:
    """A database and a scratch folder outside the data home, gone at the end of the block."""
    with (
        tempfile.TemporaryDirectory(prefix="mapping-") as folder,
        bounded_database(settings.memory_mb, Path(folder)) as con,
    ):
        yield con, Path(folder)


def _read(
    con: duckdb.DuckDBPyConnection,
    loaded: LoadedSource,
    feed: Feed,
    paths: Sequence[Path],
    scratch: Path,
    settings: Settings,
) -> tuple[list[str], list[str]]:
    """Put a delivery's records into the view `raw`; its columns, and what is to be remarked."""
    if feed.questionnaires:
        rows = questionnaire_rows(loaded.source)
        columns = sorted({name for row in rows for name in row})
        table = {name: pa.array([row.get(name) for row in rows], pa.string()) for name in columns}
        table[ROW_NUMBER] = pa.array(range(1, len(rows) + 1), pa.int64())
        table[UNPARSABLE] = table[FILE] = pa.nulls(len(rows), pa.string())
        con.register("raw", pa.table(table))
        return columns, []
    target = scratch / "raw.parquet"
    read = read_to_parquet(paths, feed, target, scratch, ReadLimits.of(settings))
    con.execute(f"create view raw as select * from read_parquet({literal(str(target))})")
    return read.columns, read.notes


class _Preview:
    """The preview of one entity of a delivery whose records stand in `raw`."""

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        settings: Settings,
        loaded: LoadedSource,
        feed_name: str,
        entity: str,
        raw_columns: list[str],
        paths: Sequence[Path],
    ) -> None:
        self.con = con
        self.settings = settings
        self.loaded = loaded
        self.feed_name = feed_name
        self.feed = loaded.source.feeds[feed_name]
        self.entity = entity
        self.mapping = self.feed.entities.get(entity)
        self.raw_columns = raw_columns
        self.paths = paths
        self.columns = load_contracts()[entity].mapped_columns()

    def preview(self) -> EntityPreview:
        zone = self.settings.timezone
        try:
            sql = mapped_rows(self.loaded, self.feed_name, self.entity, self.raw_columns, zone)
        except SourceConfigError as error:
            return EntityPreview(self.entity, 0, problem=str(error))
        self.con.execute(f"create or replace temp table mapped as {sql}")
        required = [name for name, column in self.columns.items() if column.required]
        lacks = " or ".join(f"{quoted(name)} is null" for name in required) or "false"
        unusable = f"{UNPARSABLE} is not null or _untyped is not null or {lacks}"
        rows, *counts = self._row(
            f"select count(*), count(*) filter (where {unusable})"
            + "".join(f", count({quoted(name)})" for name in self.columns)
            + "".join(f", count(*) filter (where {UNPARSABLE} is null and {quoted(name)} is null)" for name in required)
            + " from mapped"
        )
        filled = dict(zip(self.columns, counts[1:], strict=False))
        gaps = dict(zip(required, counts[1 + len(filled) :], strict=True))
        shown = [name for name in self.columns if filled[name]]
        mapped = self.mapping.columns if self.mapping else {}
        return EntityPreview(
            self.entity,
            rows,
            tuple(shown),
            self._sample(shown),
            tuple(name for name in mapped if not filled.get(name)),
            tuple((name, count) for name, count in gaps.items() if count),
            tuple(self._unreadable()),
            tuple(self._unknown()),
            counts[0],
        )

    def _row(self, sql: str) -> tuple[int, ...]:
        [row] = self.con.execute(sql).fetchall()
        return tuple(row)

    def _sample(self, names: Sequence[str]) -> tuple[tuple[str | None, ...], ...]:
        cells = ", ".join(self._shown(name, self.columns[name]) for name in names)
        where = f"where {UNPARSABLE} is null"
        sql = f"select {cells} from mapped {where} order by local_id limit {SAMPLE_ROWS}"
        return tuple(tuple(row) for row in self.con.execute(sql).fetchall()) if names else ()

    def _shown(self, name: str, column: Column) -> str:
        """SQL of a value as a person may see it; times in the installation's zone."""
        value = quoted(name)
        if column.is_hashed:
            return f"case when {value} is not null then {literal(HIDDEN)} end"
        if column.type == "timestamp":
            local = f"timezone({literal(self.settings.timezone)}, timezone('UTC', {value}))"
            return f"strftime({local}, '%Y-%m-%d %H:%M:%S')"
        if column.type == "decimal":
            return f"rtrim(rtrim({value}::varchar, '0'), '.')"
        return f"{value}::varchar" if column.type in ("id", *TYPED) else masked_text(value)

    # --- texts that mean nothing to the mapping ---

    def _unreadable(self) -> Iterator[OddTexts]:
        for name, column in self.columns.items():
            if column.type not in TYPED:
                continue
            if self.mapping and self.mapping.questionnaire and name not in self.mapping.columns:
                yield from self._unreadable_answers(name)
                continue
            spec = self.mapping.columns.get(name) if self.mapping else None
            text = self._text(spec) if spec else None
            if text:
                found = self._odd(name, column.type, text, self._listed("_untyped", name), column)
                if found:
                    yield found
        for name in self.mapping.only if self.mapping else ():
            column_name = found_column([name], self.raw_columns)
            if column_name:
                found = self._odd(name, "only", trimmed(column_name), self._listed("_untyped", name), None)
                if found:
                    yield found

    def _unreadable_answers(self, name: str) -> Iterator[OddTexts]:
        assert self.mapping and self.mapping.questionnaire  # noqa: S101 - the caller looked
        questions = self.loaded.source.questionnaires[self.mapping.questionnaire].questions
        condition = self._listed("_untyped", name)
        for question in questions:
            column = found_column(question.all_headers, self.raw_columns)
            if column is None:
                continue
            own = literal(question.id)
            is_its = f"(question_id = {own} or starts_with(question_id, {own} || '.'))"
            found = self._odd(question.id, "answer", trimmed(column), f"{condition} and {is_its}", None)
            if found:
                yield found

    def _unknown(self) -> Iterator[OddTexts]:
        for name, spec in (self.mapping.columns if self.mapping else {}).items():
            column = self.columns[name]
            values = self._values(spec)
            text = self._text(spec)
            if column.type != "code" or text is None:
                continue
            found = self._odd(name, "code", text, self._listed("_unmapped", name), column)
            if found:
                yield found
            elif values and not column.values and "*" not in values:
                known = ", ".join(literal(one) for one in {*values, *filter(None, values.values())})
                kept = self._odd(name, "kept", text, f"{quoted(name)} not in ({known})", column)
                if kept:
                    yield kept

    def _odd(self, name: str, kind: str, text: str, condition: str, column: Column | None) -> OddTexts | None:
        # The raw cells apart: their columns may be called like those of the entity.
        cells = f"(select {ROW_NUMBER} as record, {FILE} as file, {text} as text from raw)"
        joined = f"((select record from mapped where {condition}) join {cells} using (record))"
        [(rows, record, file)] = self.con.execute(
            f"select count(*), min(record), arg_min(file, record) from {joined}"
        ).fetchall()
        if not rows:
            return None
        shown = literal(HIDDEN) if column and column.is_hashed else masked_text("text")
        texts = self.con.execute(
            f"select {shown}, count(*) from {joined} where text is not null "
            f"group by 1 order by 2 desc, 1 limit {_EXAMPLES}"
        ).fetchall()
        dates = DateGuess(0, 0)
        if column and column.type in ("timestamp", "date"):
            dates = guess_dates(self.con, f"select text from {joined} where text is not null")
        either = tuple(", ".join(way) for way in dates.either)
        line = line_of_record(self.paths, self.feed, file, record)
        is_required = kind == "code" and column is not None and column.required
        return OddTexts(name, kind, rows, tuple(texts), record, file, line, dates.formats, either, is_required)

    def _text(self, spec: ColumnMapping) -> str | None:
        """SQL of the raw text of a column of the YAML, over `raw`; null if the file has none."""
        if spec.constant is not None:
            return literal(spec.constant)
        found = [found_column(spellings, self.raw_columns) for spellings in spec.source_columns]
        parts = [trimmed(one) for one in found if one is not None]
        if spec.key_of or not parts:
            return None
        return parts[0] if spec.from_ else f"concat_ws({literal(spec.separator)}, {', '.join(parts)})"

    def _values(self, spec: ColumnMapping) -> ValueMap:
        return self.loaded.source.value_maps[spec.values] if isinstance(spec.values, str) else spec.values or {}

    def _listed(self, column: str, name: str) -> str:
        return f"list_contains(string_split({column}, ', '), {literal(name)})"


def line_of_record(paths: Sequence[Path], feed: Feed, file: str | None, record: int) -> int | None:
    """The line in which a record of a delivery begins; null unless the delivery is one plain text file."""
    if len(paths) != 1 or feed.format not in (None, "csv", "jsonl"):
        return None
    [path] = paths
    kind = feed.format or KINDS.get(path.suffix.lower())
    if kind not in ("csv", "jsonl") or path.suffix.lower() in (".gz", ".zip"):
        return None
    if kind == "jsonl":
        return record
    for encoding in ("utf-8-sig", *feed.encoding):
        try:
            return _line_in(path, encoding, feed, record + (not feed.header))
        except (UnicodeError, csv.Error):
            continue
    return None


def _line_in(path: Path, encoding: str, feed: Feed, number: int) -> int | None:
    """The line in which the row `number` (from 1, the header included, blank ones not) of a CSV begins."""
    delimiter = feed.delimiter or ("\t" if path.suffix.lower() == ".tsv" else ",")
    with path.open(encoding=encoding, newline="") as text:
        for _ in range(feed.skip_rows):
            text.readline()
        reader = csv.reader(text, delimiter=delimiter)
        before = 0
        for row in reader:
            number -= bool(row)
            if not number:
                return feed.skip_rows + before + 1
            before = reader.line_num
    return None
