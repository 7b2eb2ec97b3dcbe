"""Render the SQL that maps a batch's raw rows to typed rows of an entity.

A mapped table has, per entity: `record` (number of the record), `local_id` (unique in batch and entity), the contract's
columns typed but not yet hashed, `<id>_space` beside every id column, and what the rules look at:

- `_unparsable`  the text of a line that could not be parsed, else null
- `_untyped`     names of columns whose text could not be read as their type, comma separated, else null
- `_unmapped`    names of columns whose code is neither mapped nor permitted, comma separated, else null
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from include.contracts import Column, load_contracts
from include.sources.file_reader import ROW_NUMBER, UNPARSABLE
from include.sources.loading import LoadedSource, SourceConfigError, key_space_of
from include.sources.questionnaires import ENTITY
from include.sources.schema import ColumnMapping, EntityMapping, Feed, Question, ValueMap
from include.sql import literal, quoted

TYPED = ("integer", "decimal", "number", "boolean", "timestamp", "date")
# A melted record gives up to this many rows.
MELT_FACTOR = 1000
_TRUE = ("true", "t", "yes", "y", "1", "是")
_FALSE = ("false", "f", "no", "n", "0", "否")
_OFFSET = r"(Z|[+-]\d{2}:?\d{2})$"


@dataclass(frozen=True)
class Mapped:
    """The SQL of one entity's mapped rows, and what it could not find."""

    sql: str
    absent_columns: tuple[str, ...]


@dataclass(frozen=True)
class _Cell:
    """SQL of one contract column: its raw text (null = missing) and its typed value."""

    text: str
    value: str


def mapped_rows(loaded: LoadedSource, feed_name: str, entity: str, raw_columns: list[str], time_zone: str) -> Mapped:
    """SQL over a relation `raw` that gives the mapped rows of `entity`.

    Raises:
        SourceConfigError: a required column is in none of its spellings in the file.
    """
    feed = loaded.source.feeds[feed_name]
    mapping = feed.entities.get(entity) or _same_names(loaded, entity, raw_columns)
    zone = feed.time_zone or loaded.source.time_zone or time_zone
    cells, absent = _cells(loaded, feed_name, feed, entity, mapping, raw_columns, zone)
    if mapping.questionnaire:
        cells |= _answer_cells()
        relation = _melted(loaded, feed, mapping.questionnaire, raw_columns)
        local_id = f"{ROW_NUMBER} * {MELT_FACTOR} + question_ordinal"
    else:
        relation = f"(select * from raw where {ENTITY} = {literal(entity)})" if feed.questionnaires else "raw"
        local_id = ROW_NUMBER
    return Mapped(_select(loaded, entity, mapping, cells, relation, local_id), tuple(absent))


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
) -> tuple[dict[str, _Cell], list[str]]:
    contract = load_contracts()[entity]
    cells: dict[str, _Cell] = {}
    absent: list[str] = []
    for name, column in contract.mapped_columns().items():
        spec = mapping.columns.get(name)
        if spec is None:
            continue
        source_column = next((one for one in spec.from_ if one in raw_columns), None)
        if source_column is None and spec.constant is None:
            absent.append(name)
            if column.required:
                key = ("feeds", feed_name, "entities", entity, "columns", name)
                spellings = ", ".join(spec.from_)
                raise SourceConfigError(
                    loaded.path,
                    loaded.line_of(*key),
                    ".".join(key),
                    f"required, but the file has no column {spellings}; it has {', '.join(raw_columns)}",
                )
            continue
        cells[name] = _cell(loaded, feed, spec, column, source_column, zone)
    return cells, absent


def _cell(
    loaded: LoadedSource,
    feed: Feed,
    spec: ColumnMapping,
    column: Column,
    source_column: str | None,
    zone: str,
) -> _Cell:
    if source_column is None:
        text = literal(spec.constant or "")
    else:
        missing = {*loaded.source.missing, *feed.missing, *spec.missing, ""}
        text = _present(f"trim({quoted(source_column)})", missing)
    value = text
    values = loaded.source.value_maps[spec.values] if isinstance(spec.values, str) else spec.values
    if values:
        value = _case(text, values, text if not column.values else _permitted(text, column.values))
    elif column.values:
        value = _permitted(text, column.values)
    for removed in spec.strip:
        value = f"replace({value}, {literal(removed)}, '')"
    return _Cell(text, _typed(value, column.type, spec.formats, spec.time_zone or zone))


def _present(text: str, missing: set[str]) -> str:
    return f"case when {text} in ({', '.join(literal(one) for one in sorted(missing))}) then null else {text} end"


def _case(text: str, values: ValueMap, otherwise: str) -> str:
    pairs = " ".join(
        f"when {literal(raw)} then {'null' if value is None else literal(value)}" for raw, value in values.items()
    )
    return f"case {text} {pairs} else {otherwise} end"


def _permitted(text: str, values: tuple[str, ...]) -> str:
    return f"case when {text} in ({', '.join(literal(one) for one in values)}) then {text} end"


def _typed(text: str, kind: str, formats: tuple[str, ...], zone: str) -> str:
    if kind == "integer":
        number = f"try_cast({text} as decimal(38, 4))"
        return f"case when {number} = floor({number}) then try_cast({number} as bigint) end"
    if kind == "decimal":
        return f"try_cast({text} as decimal(18, 4))"
    if kind == "number":
        return f"try_cast({text} as double)"
    if kind == "boolean":
        true, false = (", ".join(literal(one) for one in words) for words in (_TRUE, _FALSE))
        return f"case when lower({text}) in ({true}) then true when lower({text}) in ({false}) then false end"
    if kind == "timestamp":
        return _coalesce([_instant(text, one, zone) for one in formats] or [_iso_instant(text, zone)])
    if kind == "date":
        if not formats:
            return f"try_cast({text} as date)"
        return _coalesce([f"cast(try_strptime({text}, {literal(one)}) as date)" for one in formats])
    return text


def _coalesce(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"coalesce({', '.join(parts)})"


def _instant(text: str, strptime_format: str, zone: str) -> str:
    parsed = f"try_strptime({text}, {literal(strptime_format)})"
    if "%z" in strptime_format or "%Z" in strptime_format:
        return f"timezone('UTC', {parsed})"
    return f"timezone('UTC', timezone({literal(zone)}, {parsed}))"


def _iso_instant(text: str, zone: str) -> str:
    return (
        f"case when regexp_matches({text}, {literal(_OFFSET)}) then timezone('UTC', try_cast({text} as timestamptz)) "
        f"else timezone('UTC', timezone({literal(zone)}, try_cast({text} as timestamp))) end"
    )


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
    parts.append(f"{UNPARSABLE} as _unparsable")
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


def question_columns(loaded: LoadedSource, survey_id: str, raw_columns: list[str]) -> list[tuple[int, Question, str]]:
    """Ordinal, question and wide column of the questions that a file carries."""
    found = []
    for ordinal, question in enumerate(loaded.source.questionnaires[survey_id].questions, start=1):
        column = next((one for one in question.headers if one in raw_columns), None)
        if column is not None:
            found.append((ordinal, question, column))
    return found


def _melted(loaded: LoadedSource, feed: Feed, survey_id: str, raw_columns: list[str]) -> str:
    """Relation of one row per record and answered question: the raw columns and `question_*`, `answer_*`."""
    questions = question_columns(loaded, survey_id, raw_columns)
    if not questions:
        names = ("question_id_text", "cell", "value_text", "open_text", "na_text")
        empty = ", ".join(f"'' as {name}" for name in names)
        return f"(select *, 0 as question_ordinal, {empty} from raw where false)"
    missing = {*loaded.source.missing, *feed.missing, ""}
    ordinals = ", ".join(str(ordinal) for ordinal, _, _ in questions)
    cells = ", ".join(f"trim({quoted(column)})" for _, _, column in questions)
    ids = _by_ordinal(questions, lambda q: literal(q.id))
    values = _by_ordinal(questions, lambda q: _answer_value(loaded, q))
    texts = _by_ordinal(questions, lambda q: "cell" if q.role == "open" else "null")
    not_applicable = _by_ordinal(
        questions,
        lambda q: f"cell in ({', '.join(map(literal, q.not_applicable))})" if q.not_applicable else "false",
    )
    absent = ", ".join(literal(one) for one in sorted(missing))
    return f"""(
        select *, {ids} as question_id_text, {values} as value_text, {texts} as open_text,
               case when {not_applicable} then 'true' else 'false' end as na_text
        from (
            select *, unnest([{ordinals}]) as question_ordinal, unnest([{cells}]) as cell
            from raw where {UNPARSABLE} is null
        )
        where cell is not null and cell not in ({absent})
    )"""


def _by_ordinal(questions: list[tuple[int, Question, str]], sql_of: Callable[[Question], str]) -> str:
    """One CASE over the question's ordinal; questions with the same SQL share a branch."""
    branches: dict[str, list[int]] = {}
    for ordinal, question, _ in questions:
        branches.setdefault(sql_of(question), []).append(ordinal)
    if len(branches) == 1:
        return next(iter(branches))
    cases = " ".join(f"when question_ordinal in ({', '.join(map(str, n))}) then {sql}" for sql, n in branches.items())
    return f"case {cases} end"


def _answer_value(loaded: LoadedSource, question: Question) -> str:
    if question.role == "open":
        return "null"
    values = loaded.source.value_maps[question.values] if isinstance(question.values, str) else question.values
    number = _case("cell", values, "cell") if values else "cell"
    if not question.not_applicable:
        return number
    return f"case when cell in ({', '.join(map(literal, question.not_applicable))}) then null else {number} end"


def _answer_cells() -> dict[str, _Cell]:
    return {
        "question_id": _Cell("question_id_text", "question_id_text"),
        "answer_value": _Cell("value_text", "try_cast(value_text as decimal(18, 4))"),
        "answer_text": _Cell("open_text", "open_text"),
        "is_not_applicable": _Cell("na_text", "na_text = 'true'"),
    }


def raw_row_json(
    loaded: LoadedSource, feed_name: str, raw_columns: list[str], mask_text: Callable[[str], str], hidden: str
) -> tuple[str, str]:
    """SQL of a raw row as JSON: as received, and masked.

    Columns that map to personal columns are hidden whole; every other text is masked by pattern, save ids, whose
    digits would look like telephone numbers.
    """
    contracts = load_contracts()
    personal: set[str] = set()
    ids: set[str] = set()
    for entity, mapping in loaded.source.feeds[feed_name].entities.items():
        for name, spec in mapping.columns.items():
            column = contracts[entity].columns[name]
            if column.is_hashed:
                personal.update(spec.from_)
            elif column.type == "id":
                ids.update(spec.from_)
    ids -= personal

    def json_of(cell_of: Callable[[str], str]) -> str:
        pairs = ", ".join(f"{literal(name)}, {cell_of(name)}" for name in raw_columns)
        unparsable = cell_of(UNPARSABLE)
        return (
            f"case when {UNPARSABLE} is null then json_object({pairs}) "
            f"else json_object('line', {unparsable}) end::varchar"
        )

    def masked(name: str) -> str:
        if name in personal or (name == UNPARSABLE and personal):
            return f"case when {quoted(name)} is not null then {literal(hidden)} end"
        return quoted(name) if name in ids else mask_text(quoted(name))

    return json_of(quoted), json_of(masked)
