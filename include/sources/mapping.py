"""Render the SQL that maps a batch's raw rows to typed rows of an entity.

A mapped table has, per entity: `record` (number of the record), `local_id` (unique in batch and entity), the contract's
columns typed but not yet hashed, `<id>_space` beside every id column, and what the rules look at:

- `_unparsable`  the text of a line that could not be parsed, else null
- `_untyped`     names of columns whose text could not be read as their type, comma separated, else null
- `_unmapped`    names of columns whose code is neither mapped nor permitted, comma separated, else null
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from include.contracts import Column, load_contracts
from include.sources.file_reader import (
    CELL,
    MELTED_NAMES,
    QUESTION_ORDINAL,
    ROW_NUMBER,
    UNPARSABLE,
    landed_name,
)
from include.sources.loading import LoadedSource, SourceConfigError, key_space_of
from include.sources.questionnaires import ENTITY
from include.sources.schema import ColumnMapping, EntityMapping, Feed, Question, ValueMap
from include.sql import in_list, literal, quoted

TYPED = ("integer", "decimal", "number", "boolean", "timestamp", "date")
_TRUE = ("true", "t", "yes", "y", "1", "是")
_FALSE = ("false", "f", "no", "n", "0", "否")
_OFFSET = r":\d{2}(\.\d+)?\s*([zZ]|UTC|[+-]\d{2}(:?\d{2})?)$"
# What no reader sees: spaces of all kinds, tabs, and the byte order mark of a file pasted into another.
_BLANKS = " \t\r\n\u00a0\u3000\ufeff"
_FULL_WIDTH = ("０１２３４５６７８９．，－＋", "0123456789.,-+")


@dataclass(frozen=True)
class _Cell:
    """SQL of one contract column: its raw text (null = missing) and its typed value."""

    text: str
    value: str


def mapped_rows(loaded: LoadedSource, feed_name: str, entity: str, raw_columns: list[str], time_zone: str) -> str:
    """SQL over a relation `raw` that gives the mapped rows of `entity`.

    Raises:
        SourceConfigError: a required column is in none of its spellings in the file.
    """
    feed = loaded.source.feeds[feed_name]
    mapping = feed.entities.get(entity) or _same_names(loaded, entity, raw_columns)
    zone = feed.time_zone or loaded.source.time_zone or time_zone
    cells = _cells(loaded, feed_name, feed, entity, mapping, raw_columns, zone)
    if mapping.questionnaire:
        cells |= _answer_cells()
        relation = _melted(loaded, feed_name, entity, mapping.questionnaire, raw_columns)
        # A melted record gives up to as many rows as there are questions.
        count = len(loaded.source.questionnaires[mapping.questionnaire].questions)
        local_id = f"{ROW_NUMBER} * {max(1000, 10 ** len(str(count)))} + {QUESTION_ORDINAL}"
    else:
        relation = f"(select * from raw where {ENTITY} = {literal(entity)})" if feed.questionnaires else "raw"
        local_id = ROW_NUMBER
    return _select(loaded, entity, mapping, cells, relation, local_id)


def _same_names(loaded: LoadedSource, entity: str, raw_columns: list[str]) -> EntityMapping:
    """The mapping of rows that carry the contract's own names (questionnaires)."""
    columns = load_contracts()[entity].mapped_columns()
    return EntityMapping(columns={n: ColumnMapping.model_validate([n]) for n in columns if n in raw_columns})


def _cells(
    loaded: LoadedSource,
    feed_name: str,
    feed: Feed,
    entity: str,
    mapping: EntityMapping,
    raw_columns: list[str],
    zone: str,
) -> dict[str, _Cell]:
    contract = load_contracts()[entity]
    cells: dict[str, _Cell] = {}
    for name, column in contract.mapped_columns().items():
        spec = mapping.columns.get(name)
        if spec is None:
            continue
        source_column = found_column(spec.from_, raw_columns)
        if source_column is None and spec.constant is None:
            if column.required:
                key = ("feeds", feed_name, "entities", entity, "columns", name)
                # Without the file's own names: where the header is missing they are somebody's data.
                raise SourceConfigError(
                    loaded.path,
                    loaded.line_of(*key),
                    ".".join(key),
                    f"required, but none of the file's {len(raw_columns)} columns is {' or '.join(spec.from_)}; "
                    f"of the names that the feed maps it has {', '.join(_named(feed, raw_columns)) or 'none'}",
                )
            continue
        cells[name] = _cell(loaded, feed, spec, column, source_column, zone)
    return cells


def found_column(spellings: Sequence[str], raw_columns: Sequence[str]) -> str | None:
    """The raw column of the first spelling that a file has."""
    return next((name for name in map(landed_name, spellings) if name in raw_columns), None)


def _named(feed: Feed, raw_columns: Sequence[str]) -> list[str]:
    """The raw columns that the mapping of a feed names."""
    named = {
        landed_name(one)
        for mapping in feed.entities.values()
        for spec in mapping.columns.values()
        for one in spec.from_
    }
    return [name for name in raw_columns if name in named]


def _cell(
    loaded: LoadedSource,
    feed: Feed,
    spec: ColumnMapping,
    column: Column,
    source_column: str | None,
    zone: str,
) -> _Cell:
    values = _values_of(loaded, spec.values)
    if source_column is None:
        text = literal(spec.constant or "")
    else:
        missing = {*loaded.source.missing, *feed.missing, *spec.missing, ""}
        missing.update(_null_texts(values))
        text = _present(_trimmed(source_column), missing)
    value = text
    if values:
        value = _case(text, values, text if not column.values else _permitted(text, column.values))
    elif column.values:
        value = _permitted(text, column.values)
    for removed in spec.strip:
        value = f"replace({value}, {literal(removed)}, '')"
    return _Cell(text, _typed(value, column.type, spec.formats, spec.time_zone or zone))


def _values_of(loaded: LoadedSource, values: str | ValueMap | None) -> ValueMap:
    """A value map, named or inline."""
    return loaded.source.value_maps[values] if isinstance(values, str) else values or {}


def _null_texts(values: ValueMap) -> list[str]:
    """The raw texts that a value map says are no value."""
    return [raw for raw, value in values.items() if value is None]


def _trimmed(column: str) -> str:
    return f"trim({quoted(column)}, {literal(_BLANKS)})"


def _present(text: str, missing: set[str]) -> str:
    return f"case when {text} in ({in_list(sorted(missing))}) then null else {text} end"


def _case(text: str, values: ValueMap, otherwise: str) -> str:
    pairs = " ".join(f"when {literal(raw)} then {literal(value)}" for raw, value in values.items() if value is not None)
    return f"case {text} {pairs} else {otherwise} end" if pairs else otherwise


def _permitted(text: str, values: tuple[str, ...]) -> str:
    return f"case when {text} in ({in_list(values)}) then {text} end"


def _typed(text: str, kind: str, formats: tuple[str, ...], zone: str) -> str:
    if kind in ("integer", "decimal", "number"):
        text = f"translate({text}, {literal(_FULL_WIDTH[0])}, {literal(_FULL_WIDTH[1])})"
    if kind == "integer":
        number = f"try_cast({text} as decimal(38, 4))"
        return f"case when {number} = floor({number}) then try_cast({number} as bigint) end"
    if kind == "decimal":
        return f"try_cast({text} as decimal(18, 4))"
    if kind == "number":
        return f"case when isfinite(try_cast({text} as double)) then try_cast({text} as double) end"
    if kind == "boolean":
        return (
            f"case when lower({text}) in ({in_list(_TRUE)}) then true "
            f"when lower({text}) in ({in_list(_FALSE)}) then false end"
        )
    if kind == "timestamp":
        return _coalesce([_instant(text, one, zone) for one in formats] or [_iso_instant(text, zone)])
    if kind == "date":
        if not formats:
            # By way of a timestamp: a cast to date ignores what stands behind the date.
            return f"cast({_iso(text, 'timestamp')} as date)"
        return _coalesce([f"cast(try_strptime({text}, {literal(one)}) as date)" for one in formats])
    return text


def _coalesce(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"coalesce({', '.join(parts)})"


def _instant(text: str, strptime_format: str, zone: str) -> str:
    parsed = f"try_strptime({text}, {literal(strptime_format)})"
    if "%z" in strptime_format or "%Z" in strptime_format:
        return f"timezone('UTC', {parsed})"
    return _in_utc(parsed, zone)


def _iso_instant(text: str, zone: str) -> str:
    # DuckDB reads no space before an offset, and no small z.
    offset = f"regexp_replace(upper({text}), '\\s+([+-][0-9:]+)$', '\\1')"
    return (
        f"case when regexp_matches({text}, {literal(_OFFSET)}) then timezone('UTC', {_iso(offset, 'timestamptz')}) "
        f"else {_in_utc(_iso(text, 'timestamp'), zone)} end"
    )


def _iso(text: str, kind: str) -> str:
    """A date or time that begins with its year: DuckDB would read `infinity` and `epoch` too."""
    return f"case when regexp_matches({text}, '^\\d{{4}}\\D') then try_cast({text} as {kind}) end"


def _in_utc(local: str, zone: str) -> str:
    """UTC of a local time; null at the edge of what a timestamp holds."""
    return f"try(timezone('UTC', timezone({literal(zone)}, {local})))"


def _select(
    loaded: LoadedSource,
    entity: str,
    mapping: EntityMapping,
    cells: dict[str, _Cell],
    relation: str,
    local_id: str,
) -> str:
    columns = load_contracts()[entity].mapped_columns()
    parts = [f"{ROW_NUMBER} as record", f"{local_id} as local_id"]
    for name, column in columns.items():
        cell = cells.get(name)
        parts.append(f"{cell.value if cell else 'null'}::{column.duckdb_type} as {quoted(name)}")
        if column.type == "id":
            space = literal(key_space_of(loaded.source, mapping, name))
            parts.append(
                f"case when {cell.value if cell else 'null'} is not null then {space} end as {quoted(name + '_space')}"
            )
    parts.append(UNPARSABLE)
    parts.append(f"{_names_where(columns, cells, lambda c: c.type in TYPED)} as _untyped")
    parts.append(f"{_names_where(columns, cells, lambda c: c.type == 'code')} as _unmapped")
    return f"select {', '.join(parts)} from {relation}"


def _names_where(columns: dict[str, Column], cells: dict[str, _Cell], wanted: Callable[[Column], bool]) -> str:
    """SQL of the names of the columns that have a text but no value."""
    tests = [
        f"case when {cells[name].text} is not null and ({cells[name].value}) is null then {literal(name)} end"
        for name, column in columns.items()
        if name in cells and wanted(column)
    ]
    return f"nullif(concat_ws(', ', {', '.join(tests)}), '')" if tests else "cast(null as varchar)"


# --- questionnaires -------------------------------------------------------------------------------------------------


def melted_survey(feed: Feed) -> str | None:
    """The questionnaire whose wide columns a feed's records carry beside the response itself, if any."""
    answers = feed.entities.get("survey_answer")
    return answers.questionnaire if answers and "survey_response" in feed.entities else None


def column_report(loaded: LoadedSource, feed_name: str, raw_columns: list[str]) -> str | None:
    """Which of a file's columns nothing maps (they stay in the raw rows), and which mapped ones it lacks, in words.

    While a personal column is lacking, it may stand under any other name, or the file has no header: then the columns
    that nothing maps are only counted.
    """
    feed = loaded.source.feeds[feed_name]
    here = set(raw_columns)
    spellings: dict[str, set[str]] = {}
    personal: set[str] = set()
    for entity, mapping in feed.entities.items():
        for name, spec in mapping.columns.items():
            if spec.from_:
                spellings[f"{entity}.{name}"] = {landed_name(one) for one in spec.from_}
                if load_contracts()[entity].columns[name].is_hashed:
                    personal.add(f"{entity}.{name}")
        if mapping.questionnaire:
            for question in loaded.source.questionnaires[mapping.questionnaire].questions:
                spellings[question.id] = {landed_name(one) for one in question.headers}
    lacking = [name for name, names in spellings.items() if not names & here]
    used = set().union(*spellings.values())
    unmapped = [] if feed.questionnaires else [name for name in raw_columns if name not in used]
    if personal & set(lacking) and unmapped:
        unmapped = [f"{len(unmapped)}, not named here"]
    parts = [
        f"{words}: {', '.join(names)}"
        for words, names in [("columns that nothing maps", unmapped), ("mapped columns that the file lacks", lacking)]
        if names
    ]
    return "; ".join(parts) or None


def question_columns(loaded: LoadedSource, survey_id: str, raw_columns: list[str]) -> list[tuple[int, Question, str]]:
    """Ordinal, question and wide column of the questions that a file carries."""
    found = []
    for ordinal, question in enumerate(loaded.source.questionnaires[survey_id].questions, start=1):
        column = found_column(question.headers, raw_columns)
        if column is not None:
            found.append((ordinal, question, column))
    return found


def _melted(loaded: LoadedSource, feed_name: str, entity: str, survey_id: str, raw_columns: list[str]) -> str:
    """Relation of one row per record and answered question: the raw columns and `MELTED_NAMES`.

    A line that could not be parsed is a row too, and so is a record without any answer if no other entity of the feed
    has a row for it; their ordinal is 0 and they name no question.

    Raises:
        SourceConfigError: the file has not one of the questions.
    """
    feed = loaded.source.feeds[feed_name]
    questions = question_columns(loaded, survey_id, raw_columns)
    if not questions:
        key = ("feeds", feed_name, "entities", entity, "questionnaire")
        problem = f"none of the file's {len(raw_columns)} columns is a question of {survey_id}"
        raise SourceConfigError(loaded.path, loaded.line_of(*key), ".".join(key), problem)
    ordinals = ", ".join(str(ordinal) for ordinal, _, _ in questions)
    cells = ", ".join(_trimmed(column) for _, _, column in questions)
    sql_of: dict[str, Callable[[Question], str]] = {
        "question_id": lambda q: literal(q.id),
        "answer_value": lambda q: _answer_value(loaded, q),
        "answer_text": lambda q: CELL if q.role == "open" else "null",
        "is_not_applicable": lambda q: f"({_is_one_of(q.not_applicable)})::varchar",
    }
    answers = ", ".join(f"{_by_ordinal(questions, sql_of[name])} as {alias}" for name, alias in MELTED_NAMES.items())
    missing = {*loaded.source.missing, *feed.missing, ""}
    absent = _by_ordinal(questions, lambda q: _is_one_of([*missing, *_null_texts(_values_of(loaded, q.values))]))
    stands_alone = all(mapping.questionnaire for mapping in feed.entities.values())
    unanswered = f"or {ROW_NUMBER} not in (select {ROW_NUMBER} from melted)" if stands_alone else ""
    return f"""(
        with melted as (
            select *, {answers}
            from (
                select *, unnest([{ordinals}]) as {QUESTION_ORDINAL}, unnest([{cells}]) as {CELL}
                from raw where {UNPARSABLE} is null
            )
            where {CELL} is not null and not ({absent})
        )
        from melted
        union all by name
        select *, 0 as {QUESTION_ORDINAL} from raw where {UNPARSABLE} is not null {unanswered}
    )"""


def _is_one_of(texts: Iterable[str]) -> str:
    found = sorted(set(texts))
    return f"{CELL} in ({in_list(found)})" if found else "false"


def _by_ordinal(questions: list[tuple[int, Question, str]], sql_of: Callable[[Question], str]) -> str:
    """One CASE over the question's ordinal; questions with the same SQL share a branch."""
    branches: dict[str, list[int]] = {}
    for ordinal, question, _ in questions:
        branches.setdefault(sql_of(question), []).append(ordinal)
    if len(branches) == 1:
        return next(iter(branches))
    cases = " ".join(
        f"when {QUESTION_ORDINAL} in ({', '.join(map(str, ordinals))}) then {sql}" for sql, ordinals in branches.items()
    )
    return f"case {cases} end"


def _answer_value(loaded: LoadedSource, question: Question) -> str:
    if question.role == "open":
        return "null"
    values = _values_of(loaded, question.values)
    number = _case(CELL, values, CELL) if values else CELL
    return f"case when {_is_one_of(question.not_applicable)} then null else {number} end"


def _answer_cells() -> dict[str, _Cell]:
    columns = load_contracts()["survey_answer"].columns
    return {name: _Cell(alias, _typed(alias, columns[name].type, (), "UTC")) for name, alias in MELTED_NAMES.items()}
