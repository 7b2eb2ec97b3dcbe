"""Render the SQL that maps a batch's raw rows to typed rows of an entity.

A mapped table has, per entity: `record` (number of the record), `local_id` (unique in batch and entity), the contract's
columns typed but not yet hashed, `<id>_space` beside every id column, and what the rules look at:

- `_unparsable`  the text of a line that could not be parsed, else null
- `_untyped`     names of columns whose text could not be read as their type, comma separated, else null
- `_unmapped`    names of columns whose code is neither mapped nor permitted, comma separated, else null
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from include.contracts import Column, load_contracts
from include.sources.cell_sql import (
    TYPED,
    mapped_text,
    null_texts,
    permitted,
    present,
    trimmed,
    typed,
)
from include.sources.file_reader import MELTED_NAMES, ROW_NUMBER, UNPARSABLE, landed_name
from include.sources.loading import LACKING, LoadedSource, SourceConfigError, key_space_of
from include.sources.melting import found_column, free_name, melted
from include.sources.questionnaires import ENTITY
from include.sources.schema import ALL_COLUMNS, ColumnMapping, EntityMapping, Feed
from include.sql import in_list, literal, quoted

# Half of an MD5, as long as the keys that the warehouse makes of ids.
_KEY_DIGITS = 16


@dataclass(frozen=True)
class _Cell:
    """SQL of one contract column, in two layers: its raw text, and over that text's name what is made of it."""

    raw: str
    text: str  # null = missing
    value: str
    read: str | None = None  # a column of the records that has the value already


def mapped_rows(loaded: LoadedSource, feed_name: str, entity: str, raw_columns: list[str], time_zone: str) -> str:
    """SQL over a relation `raw` that gives the mapped rows of `entity`.

    Raises:
        SourceConfigError: a required column is in none of its spellings in the file.
    """
    feed = loaded.source.feeds[feed_name]
    mapping = feed.entities.get(entity) or _same_names(entity, raw_columns)
    mapper = _Mapper(loaded, feed_name, feed, entity, mapping, raw_columns, time_zone)
    return mapper.select()


def melted_survey(feed: Feed) -> str | None:
    """The questionnaire whose wide columns a feed's records carry beside the response itself, if any."""
    answers = feed.entities.get("survey_answer")
    return answers.questionnaire if answers and "survey_response" in feed.entities else None


def _same_names(entity: str, raw_columns: list[str]) -> EntityMapping:
    """The mapping of rows that carry the contract's own names (questionnaires)."""
    columns = load_contracts()[entity].mapped_columns()
    return EntityMapping(columns={n: ColumnMapping.model_validate([n]) for n in columns if n in raw_columns})


class _Mapper:
    """The mapping of one entity of a delivery."""

    def __init__(
        self,
        loaded: LoadedSource,
        feed_name: str,
        feed: Feed,
        entity: str,
        mapping: EntityMapping,
        raw_columns: list[str],
        time_zone: str,
    ) -> None:
        self.loaded = loaded
        self.source = loaded.source
        self.feed_name = feed_name
        self.feed = feed
        self.entity = entity
        self.mapping = mapping
        self.raw_columns = raw_columns
        self.zone = feed.time_zone or loaded.source.time_zone or time_zone
        self.columns = load_contracts()[entity].mapped_columns()
        self.keys: dict[str, str] = {}  # helper columns with keys made from cells: name, SQL

    def select(self) -> str:
        """The SQL of the mapped rows."""
        untaken = None
        if self.mapping.questionnaire:
            records, kept, cells = self._read_once()
            survey_id = self.mapping.questionnaire
            for name, alias in MELTED_NAMES.items():
                text = _text_of(name)
                value = typed(text, self.columns[name].type, (), "UTC", self.source.decimal_mark)
                cells[name] = _Cell(alias, text, value)
            answers = melted(self.loaded, self.feed_name, self.entity, survey_id, self.raw_columns, records, kept)
            relation, local_id = answers.relation, answers.local_id
        else:
            cells = self._cells(_text_of)
            condition, untaken = self._taken()
            relation, local_id = f"(from {self._keyed('raw')}{condition})", ROW_NUMBER
        # In layers, as DuckDB would compute an expression again wherever it stands.
        texts = [f"{ROW_NUMBER} as record", f"{local_id} as local_id", UNPARSABLE]
        texts += [f"{cell.raw} as {_text_of(name)}" for name, cell in cells.items()]
        texts += [f"{cell.read} as {_read_of(name)}" for name, cell in cells.items() if cell.read]
        texts += [f"{untaken} as _untaken"] if untaken else []
        values = "".join(f", {cell.value} as {_value_of(name)}" for name, cell in cells.items())
        parts = ["record", "local_id"]
        for name, column in self.columns.items():
            value = _value_of(name) if name in cells else "null"
            parts.append(f"{value}::{column.duckdb_type} as {quoted(name)}")
            if column.type == "id":
                space = literal(key_space_of(self.source, self.mapping, name))
                parts.append(f"case when {value} is not null then {space} end as {quoted(name + '_space')}")
        parts.append(UNPARSABLE)
        more = "_untaken" if untaken else None
        parts.append(f"{self._names_where(cells, lambda c: c.type in TYPED, more)} as _untyped")
        parts.append(f"{self._names_where(cells, lambda c: c.type == 'code')} as _unmapped")
        return f"select {', '.join(parts)} from (select *{values} from (select {', '.join(texts)} from {relation}))"

    def _read_once(self) -> tuple[str, list[str], dict[str, _Cell]]:
        """A relation of raw records with what is made of their cells before each becomes many rows.

        Returns:
            The relation, its columns with what was made, and the cells over these.
        """
        inside = self._cells(lambda name: self._free(f"_raw {name}"))
        texts = "".join(f", {cell.raw} as {self._free(f'_raw {name}')}" for name, cell in inside.items())
        values = "".join(f", {cell.value} as {self._free(f'_read {name}')}" for name, cell in inside.items())
        outside = {
            name: _Cell(self._free(f"_raw {name}"), cell.text, _read_of(name), self._free(f"_read {name}"))
            for name, cell in self._cells(_text_of).items()
        }
        kept = [column for cell in outside.values() for column in (cell.raw, cell.read) if column]
        return f"(select *{values} from (select *{texts} from {self._keyed('raw')}))", kept, outside

    def _free(self, name: str) -> str:
        return quoted(free_name(name, self.raw_columns))

    def _names_where(self, cells: dict[str, _Cell], wanted: Callable[[Column], bool], more: str | None = None) -> str:
        """SQL of the names of the columns that have a text but no value, and of what `more` names."""
        tests = {
            literal(name): f"{cells[name].text} is not null and {_value_of(name)} is null"
            for name, column in self.columns.items()
            if name in cells and wanted(column)
        }
        tests |= {more: f"{more} is not null"} if more else {}
        return names_where(tests)

    # --- which records are rows of the entity ---

    def _taken(self) -> tuple[str, str | None]:
        """SQL of the condition on records, and of what `only` column of a record has a text that no entity takes.

        A record that no entity takes is a row of the feed's first one, as unreadable as a line that can't be parsed:
        nothing that was received may vanish.
        """
        if self.feed.questionnaires:
            return f" where {ENTITY} = {literal(self.entity)}", None
        entities = self.feed.entities
        if not all(mapping.only for mapping in entities.values()):
            # Some entity takes all records.
            return (f" where {self._takes(self.entity)} or {UNPARSABLE} is not null" if self.mapping.only else ""), None
        if self.entity != next(iter(entities)):
            return f" where {self._takes(self.entity)} or {UNPARSABLE} is not null", None
        by_nobody = " and ".join(f"not ({self._takes(one)})" for one in entities)
        names = ", ".join(dict.fromkeys(name for mapping in entities.values() for name in mapping.only))
        return (
            f" where {self._takes(self.entity)} or {UNPARSABLE} is not null or ({by_nobody})",
            f"case when {UNPARSABLE} is null and {by_nobody} then {literal(names)} end",
        )

    def _takes(self, entity: str) -> str:
        tests = []
        for header, texts in self.feed.entities[entity].only.items():
            column = found_column([header], self.raw_columns)
            if column is None:
                raise self._error(f"none of the file's {len(self.raw_columns)} columns is {header}", "only", entity)
            tests.append(f"coalesce({trimmed(column)}, '') in ({in_list(list(texts))})")
        return " and ".join(tests) or "true"

    # --- cells ---

    def _cells(self, text_of: Callable[[str], str]) -> dict[str, _Cell]:
        """The mapped columns that the file has; `text_of` names the column that holds the text of one."""
        cells: dict[str, _Cell] = {}
        for name, column in self.columns.items():
            spec = self.mapping.columns.get(name)
            if spec is None:
                continue
            text = self._text(name, spec, column)
            if text is None:
                if column.required:
                    raise self._lacking(name, [one for part in spec.source_columns for one in part])
                continue
            cells[name] = self._cell(text_of(name), spec, column, text)
        return cells

    def _text(self, name: str, spec: ColumnMapping, column: Column) -> str | None:
        """SQL of a column's raw text, null where it is missing; null if the file lacks what it is made from."""
        if spec.constant is not None:
            return literal(spec.constant)
        if spec.key_of:
            return self._key(name, spec)
        missing = {*self.source.missing, *self.feed.missing, *spec.missing, "", *null_texts(self._values(spec))}
        found = [found_column(spellings, self.raw_columns) for spellings in spec.source_columns]
        parts = [present(trimmed(one), missing) for one in found if one is not None]
        if spec.from_ or not parts:
            return parts[0] if parts else None
        if column.type == "id":
            # Half an id would be another one.
            return f"({f' || {literal(spec.separator)} || '.join(parts)})" if len(parts) == len(found) else None
        return f"nullif(concat_ws({literal(spec.separator)}, {', '.join(parts)}), '')"

    def _cell(self, text: str, spec: ColumnMapping, column: Column, raw: str) -> _Cell:
        values = self._values(spec)
        value = permitted(text, column.values) if column.values else text
        if values:
            value = mapped_text(text, values, value)
        for removed in spec.strip:
            value = f"replace({value}, {literal(removed)}, '')"
        mark = spec.decimal_mark or self.source.decimal_mark
        zone = spec.time_zone or self.zone
        if values.get("*", "") is None:
            # What the map doesn't name is no value, and not one that can't be read.
            text = value
        return _Cell(raw, text, typed(value, column.type, spec.formats, zone, mark, spec.factor))

    def _values(self, spec: ColumnMapping) -> dict[str, str | None]:
        """A value map, named or inline."""
        return self.source.value_maps[spec.values] if isinstance(spec.values, str) else spec.values or {}

    # --- keys made from cells ---

    def _key(self, name: str, spec: ColumnMapping) -> str:
        """Name of the helper column with a key made from cells; `_keyed` fills it."""
        cells = []
        for spellings in spec.key_of:
            if spellings == (ALL_COLUMNS,):
                cells += [trimmed(one) for one in sorted(self.raw_columns)]
                continue
            column = found_column(spellings, self.raw_columns)
            if column is None:
                raise self._lacking(name, spellings)  # fewer cells would make other keys
            cells.append(trimmed(column))
        # As JSON, so that ("ab", "c") and ("a", "bc") differ.
        parts = ", ".join(f"coalesce({cell}, '')" for cell in cells)
        digest = f"left(md5(json_array({parts})::varchar), {_KEY_DIGITS})"
        sql = f"case when concat({', '.join(cells)}) <> '' then {digest} end"
        if spec.occurrence:
            sql = f"{sql} || '-' || row_number() over (partition by {parts} order by {ROW_NUMBER})"
        helper = f"_key of {name}"
        while helper in self.raw_columns:
            helper += "_"
        self.keys[helper] = sql
        return quoted(helper)

    def _keyed(self, relation: str) -> str:
        """A relation of raw records with the keys made from their cells."""
        keys = "".join(f", {sql} as {quoted(name)}" for name, sql in self.keys.items())
        return f"(select *{keys} from {relation})" if keys else relation

    # --- errors ---

    def _lacking(self, name: str, spellings: Sequence[str]) -> SourceConfigError:
        # Without the file's own names: where the header is missing they are somebody's data.
        named = ", ".join(_named(self.feed, self.raw_columns)) or "none"
        return self._error(
            f"required, but none of the file's {len(self.raw_columns)} columns is {' or '.join(spellings)}; "
            f"of the names that the feed maps it has {named}",
            "columns",
            self.entity,
            name,
        )

    def _error(self, problem: str, part: str, entity: str, *more: str) -> SourceConfigError:
        key = ("feeds", self.feed_name, "entities", entity, part, *more)
        return SourceConfigError(self.loaded.path, self.loaded.line_of(*key), ".".join(key), problem, LACKING)


def names_where(tests: Mapping[str, str]) -> str:
    """SQL of the texts (SQL, by their test) whose test holds, comma separated; null where there are none.

    Texts are put together only where a test holds: nearly all rows have none.
    """
    if not tests:
        return "cast(null as varchar)"
    found = ", ".join(f"case when {test} then {text} end" for text, test in tests.items())
    return f"case when {' or '.join(f'({test})' for test in tests.values())} then concat_ws(', ', {found}) end"


def _text_of(name: str) -> str:
    """The column that holds the raw text of a contract's column."""
    return quoted(f"text of {name}")


def _read_of(name: str) -> str:
    """The column that holds the typed value that was made before records were melted."""
    return quoted(f"read of {name}")


def _value_of(name: str) -> str:
    """The column that holds the typed value of a contract's column."""
    return quoted(f"value of {name}")


def _named(feed: Feed, raw_columns: Sequence[str]) -> list[str]:
    """The raw columns that the mapping of a feed names."""
    named = {
        landed_name(one)
        for mapping in feed.entities.values()
        for spec in mapping.columns.values()
        for spellings in spec.source_columns
        for one in spellings
    }
    return [name for name in raw_columns if name in named]
