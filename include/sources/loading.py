"""Read source YAMLs; every error names file, line and key."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from zoneinfo import available_timezones

import duckdb

from include.contracts import load_contracts
from include.sources.cell_sql import NUMBERS
from include.sources.file_reader import MELTED_NAMES, landed_name
from include.sources.questionnaires import answered_questions, other_codes
from include.sources.schema import (
    ALL_COLUMNS,
    GROUPS,
    ColumnMapping,
    EntityMapping,
    Feed,
    Installation,
    Question,
    Questionnaire,
    Source,
    ValueMap,
    condition_parts,
)
from include.sql import error_text, literal
from include.yaml_file import YamlFileError, line_of, model_of, text_of

INSTALLATION_FILE = "installation.yml"
# A feed's name is a folder's name and part of its batches' ids.
_FEED_NAME = re.compile(r"\w[\w\-]*")


# The runbook's page of a delivery that lacks what its feed maps.
LACKING = "SM301"


class SourceConfigError(YamlFileError):
    """A source YAML can't be used; the text names file, line and key."""

    default_code = "SM102"


@dataclass(frozen=True)
class LoadedSource:
    """A source, the file it was read from, and where its keys stand in it."""

    path: Path
    source: Source
    mapping_hash: str
    text: str

    def line_of(self, *key: str | int) -> int | None:
        """Line of a key, such as ("feeds", "tickets", "entities", "ticket", "columns", "status")."""
        return line_of(self.text, key)


def load_sources(folder: Path) -> list[LoadedSource]:
    """All sources of an installation, by name.

    Raises:
        SourceConfigError: a file can't be used, or two files name the same source.
    """
    loaded, errors = load_source_results(folder)
    if errors:
        raise errors[0]
    return loaded


def load_source_results(folder: Path) -> tuple[list[LoadedSource], list[SourceConfigError]]:
    """The sources that can be used, and what is wrong with each other file: one bad YAML stops only itself."""
    if not folder.is_dir():
        raise SourceConfigError(folder, None, "METRICS_SOURCES", "no such folder")
    loaded: dict[str, LoadedSource] = {}
    errors: list[SourceConfigError] = []
    for path in sorted([*folder.glob("*.yml"), *folder.glob("*.yaml")]):
        if path.name == INSTALLATION_FILE:
            continue
        try:
            one = load_source(path)
            if one.source.name in loaded:
                other = loaded[one.source.name].path.name
                raise SourceConfigError(path, one.line_of("source"), "source", f"{one.source.name} is in {other} too")
            loaded[one.source.name] = one
        except SourceConfigError as error:
            errors.append(error)
    if not loaded and not errors:
        raise SourceConfigError(folder, None, "METRICS_SOURCES", "holds no source YAML")
    return [loaded[name] for name in sorted(loaded)], errors


def load_source(path: Path) -> LoadedSource:
    """Read one source YAML and hold it against the contracts.

    Raises:
        SourceConfigError: it is no YAML, has unknown or missing keys, or maps what no contract knows.
    """
    return _loaded(path, text_of(path, SourceConfigError))


@lru_cache(maxsize=256)
def _loaded(path: Path, text: str) -> LoadedSource:
    """A night asks for every source dozens of times, and a questionnaire may have hundreds of lines."""
    loaded = LoadedSource(
        path, model_of(path, text, Source, SourceConfigError), hashlib.sha256(text.encode()).hexdigest(), text
    )
    _check(loaded)
    return loaded


def load_installation(folder: Path) -> Installation:
    """What the installation says of all sources together; the defaults where there is no file."""
    path = folder / INSTALLATION_FILE
    if not path.exists():
        return Installation()
    return model_of(path, text_of(path, SourceConfigError), Installation, SourceConfigError)


def customer_key_spaces(folder: Path, sources: Sequence[LoadedSource]) -> list[str]:
    """Key spaces of customers, the most trusted first: as the installation orders them, then by group and name."""
    ordered = list(load_installation(folder).key_spaces)
    for one in sorted(sources, key=lambda s: (GROUPS.index(s.source.group), s.source.name)):
        for feed in one.source.feeds.values():
            for entity in ("customer", "customer_identity"):
                if entity in feed.entities:
                    ordered.append(key_space_of(one.source, feed.entities[entity], "customer_id"))
    return list(dict.fromkeys(ordered))


def key_space_of(source: Source, mapping: EntityMapping, column: str) -> str:
    """The key space of an id column: as the YAML says, else the source's own."""
    return mapping.key_spaces.get(column, source.name)


def feed_entities(feed: Feed) -> list[str]:
    """The entities that a feed delivers, parents first as the YAML lists them."""
    return ["survey", "survey_question"] if feed.questionnaires else list(feed.entities)


def _check(loaded: LoadedSource) -> None:
    """Hold a source's mappings against the contracts, its questionnaires and its value maps."""
    _Check(loaded).run()


class _Check:
    """What no schema can see: names that must exist elsewhere."""

    def __init__(self, loaded: LoadedSource) -> None:
        self.loaded = loaded
        self.source = loaded.source

    def fail(self, problem: str, *key: str | int) -> None:
        loaded = self.loaded
        raise SourceConfigError(loaded.path, loaded.line_of(*key), ".".join(map(str, key)), problem)

    def run(self) -> None:
        self.zone(self.source.time_zone, "time_zone")
        self.placeholders(self.source.folder, {"home", "real_data"}, "folder")
        for survey_id, questionnaire in self.source.questionnaires.items():
            self.questionnaire(survey_id, questionnaire)
        for feed_name, feed in self.source.feeds.items():
            if not _FEED_NAME.fullmatch(feed_name):
                self.fail("a feed's name has letters, digits, _ and - only", "feeds", feed_name)
            for pattern in feed.files:
                self.placeholders(pattern, {"night"}, "feeds", feed_name, "files")
                if Path(pattern).is_absolute():
                    self.fail(f"{pattern} is absolute; it is relative to `folder`", "feeds", feed_name, "files")
            self.zone(feed.time_zone, "feeds", feed_name, "time_zone")
            for encoding in feed.encoding:
                self.encoding(encoding, "feeds", feed_name, "encoding")
            for entity, mapping in feed.entities.items():
                self.entity(entity, mapping, feed, ("feeds", feed_name, "entities", entity))

    def zone(self, zone: str | None, *key: str | int) -> None:
        if zone is not None and zone not in _time_zones():
            self.fail(f"unknown time zone {zone}", *key)

    def placeholders(self, text: str, known: set[str], *key: str | int) -> None:
        unknown = set(re.findall(r"\{(.*?)\}", text)) - known
        if unknown:
            self.fail(f"unknown {{{unknown.pop()}}}; known is {', '.join(f'{{{one}}}' for one in sorted(known))}", *key)

    def formats(self, formats: Sequence[str], *key: str | int) -> None:
        for one in formats:
            if problem := _unusable_format(one):
                self.fail(f"{one}: {problem}", *key)

    def encoding(self, encoding: str, *key: str | int) -> None:
        try:
            "a".encode(encoding)  # not `lookup`, which finds base64 too
        except LookupError:
            self.fail(f"unknown encoding {encoding}", *key)

    def values(self, values: str | ValueMap | None, *key: str | int) -> None:
        if isinstance(values, str) and values not in self.source.value_maps:
            self.fail(f"no value map {values}", *key)

    def questionnaire(self, survey_id: str, questionnaire: Questionnaire) -> None:
        ids = [one.id for question in questionnaire.questions for one in answered_questions(question)]
        first: dict[str, Question] = {}  # that has a scale, of each block
        for number, question in enumerate(questionnaire.questions):
            place = ("questionnaires", survey_id, "questions", number)
            self.values(question.values, *place, "values")
            self.other(question, *place, "other")
            if question.contradicted_by and question.scale is None:
                self.fail("`contradicted_by` speaks of the top answer: it needs a `scale`", *place, "contradicted_by")
            if question.block and question.scale:
                same = first.setdefault(question.block, question)
                if question.scale != same.scale:
                    # Runs of answers, their spread and their distance compare the items of a block as they are given.
                    told = f"{_range(question)}, that of {same.id} {_range(same)}"
                    self.fail(f"the items of a block have one scale; here it is {told}", *place, "block")
            for one in answered_questions(question):
                if ids.count(one.id) > 1:
                    self.fail(f"question {one.id} stands twice", *place, "id")
            conditions = filter(None, [question.shown_if, question.contradicted_by])
            looked_at = [condition_parts(condition)[0] for condition in conditions]
            for name in filter(None, [question.opposite_of, *looked_at]):
                if name not in ids:
                    self.fail(f"no question {name}", *place)

    def other(self, question: Question, *key: str | int) -> None:
        """An answer is a number, so what means 'other' is one, too."""
        if question.multiple or (isinstance(question.values, str) and question.values not in self.source.value_maps):
            return
        for text, code in zip(question.other, other_codes(self.source, question), strict=True):
            if not re.fullmatch(r"-?\d+", code):
                self.fail(f"{text} is no whole number; `values` has to give it one", *key)

    def entity(self, entity: str, mapping: EntityMapping, feed: Feed, place: tuple[str, ...]) -> None:
        contract = load_contracts().get(entity)
        if contract is None:
            self.fail(f"no such entity; known are {', '.join(load_contracts())}", *place)
            return
        columns = contract.mapped_columns()
        for name, column in mapping.columns.items():
            if name not in columns:
                self.fail(f"{entity} has no column {name}", *place, "columns", name)
            self.values(column.values, *place, "columns", name, "values")
            self.zone(column.time_zone, *place, "columns", name, "time_zone")
            self.formats(column.formats, *place, "columns", name, "formats")
            self.number(column, columns[name].type, *place, "columns", name)
            self.key_of(column, columns[name].type, feed, *place, "columns", name)
        for name in mapping.key_spaces:
            if name not in columns or columns[name].type != "id":
                self.fail(f"{entity} has no id column {name}", *place, "key_spaces", name)
        if mapping.questionnaire and mapping.questionnaire not in self.source.questionnaires:
            self.fail(f"no questionnaire {mapping.questionnaire}", *place, "questionnaire")
        if mapping.questionnaire and mapping.only:
            self.fail("a questionnaire's answers are taken from every record", *place, "only")
        melted = MELTED_NAMES if mapping.questionnaire else ()
        for name, contract_column in columns.items():
            if contract_column.required and name not in mapping.columns and name not in melted:
                self.fail(f"required column {name} is not mapped", *place, "columns")

    def number(self, column: ColumnMapping, kind: str, *key: str | int) -> None:
        for part in ("decimal_mark", "factor"):
            if getattr(column, part) is not None and kind not in NUMBERS:
                self.fail(f"the column is no number but {kind}", *key, part)
        if (column.decimal_mark or self.source.decimal_mark) in "".join(column.strip) and kind in NUMBERS:
            self.fail(f"removes the decimal mark {column.decimal_mark or self.source.decimal_mark}", *key, "strip")

    def key_of(self, column: ColumnMapping, kind: str, feed: Feed, *key: str | int) -> None:
        if not column.key_of:
            return
        if kind != "id":
            self.fail(f"only an id can be made from cells; the column is {kind}", *key, "key_of")
        personal = _personal_columns(feed) | {landed_name(one): "as the source says" for one in self.source.personal}
        for spellings in column.key_of:
            named = set(personal) if spellings == (ALL_COLUMNS,) else set(map(landed_name, spellings)) & set(personal)
            for name in sorted(named):
                problem = f"{name} is personal ({personal[name]}), and who knows the way could guess it from the key"
                self.fail(problem, *key, "key_of")


def _range(question: Question) -> str:
    """The scale of a question in words, if it has one."""
    return "{:g}-{:g}".format(*question.scale) if question.scale else "none"


def _personal_columns(feed: Feed) -> dict[str, str]:
    """The source columns of a feed that map to hashed columns, and to which."""
    return {
        landed_name(one): f"{entity}.{name}"
        for entity, mapping in feed.entities.items()
        for name, spec in mapping.columns.items()
        if entity in load_contracts()
        and name in load_contracts()[entity].columns
        and load_contracts()[entity].columns[name].is_hashed
        for spellings in spec.source_columns
        for one in spellings
    }


@cache
def _time_zones() -> set[str]:
    """The zones that Python and DuckDB both know."""
    return available_timezones() - {"Factory", "localtime"}


@cache
def _unusable_format(text: str) -> str | None:
    """What DuckDB says of a time format that it can't use, or null."""
    with duckdb.connect() as con:
        try:
            # A value handed over apart would make DuckDB import pandas, in every process that loads sources.
            con.execute(f"select try_strptime('', {literal(text)})")
        except duckdb.Error as error:
            return error_text(error)
    return None
