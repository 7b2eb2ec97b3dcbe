"""The words of foreign exports (`synonyms.yml`, the contracts' own names), compared without case and punctuation."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict

from include.contracts import load_contracts

_FILE = Path(__file__).with_name("synonyms.yml")
_VAGUE = ("id", "no", "number", "编号", "序号", "name", "名称", "type", "类型", "date", "日期", "time", "时间", "state")
_IN_BRACKETS = re.compile(r"[(（\[【][^)）\]】]*[)）\]】]")


class YesNoCodes(BaseModel):
    """Columns under these headers hold a yes or no that stands for a code."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    headers: tuple[str, ...]
    true: str
    false: str


class Synonyms(BaseModel):
    """What `synonyms.yml` says; the file explains each part."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    entities: dict[str, tuple[str, ...]]
    columns: dict[str, tuple[str, ...]]
    columns_of: dict[str, dict[str, tuple[str, ...]]]
    codes: dict[str, dict[str, tuple[str, ...]]]
    codes_of_yes_no: dict[str, YesNoCodes]
    booleans: dict[str, tuple[str, ...]]
    sentinels: tuple[str, ...]
    sentinel_numbers: tuple[str, ...]
    doubtful_numbers: tuple[str, ...]
    answers: dict[str, dict[str, int]]
    not_applicable: tuple[str, ...]
    roles: dict[str, tuple[str, ...]]
    open_questions: tuple[str, ...]
    respondent: tuple[str, ...]
    personal: tuple[str, ...]
    units: dict[str, int]


@cache
def load_synonyms() -> Synonyms:
    """The synonyms of the project."""
    # Every scalar as its text: `no` and `null` are words here.
    return Synonyms.model_validate(yaml.load(_FILE.read_text(encoding="utf-8"), yaml.BaseLoader))


def normal(text: str) -> str:
    """A text as it is compared: half width, lower case, letters and digits only."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text).lower())


def without_brackets(header: str) -> str:
    """A header without what stands in brackets (a unit, `必填`), unless nothing would be left."""
    return _IN_BRACKETS.sub("", header).strip() or header


def is_word(text: str, words: tuple[str, ...]) -> bool:
    """Whether a text is one of some words."""
    return normal(text) in {normal(word) for word in words}


def has_word(text: str, words: tuple[str, ...]) -> bool:
    """Whether a text holds one of some words."""
    plain = normal(text)
    return any(normal(word) in plain for word in words)


@cache
def spellings(entity: str) -> dict[str, dict[str, float]]:
    """Per column of an entity its known spellings (normal form), and how surely each means it (0 to 1)."""
    synonyms = load_synonyms()
    contract = load_contracts()[entity]
    found: dict[str, dict[str, float]] = {}
    for name, column in contract.mapped_columns().items():
        own = synonyms.columns_of.get(entity, {}).get(name, ())
        sure = [name, column.en, without_brackets(column.zh), *own]
        words = {normal(text): 1.0 for text in sure if text}
        for text in synonyms.columns.get(name, ()):
            words.setdefault(normal(text), 0.95)
        for before in (contract.name["zh"], *synonyms.entities.get(entity, ())):
            for text in [name, without_brackets(column.zh), *own]:
                words.setdefault(normal(f"{before} {text}"), 0.9)
        for vague in _VAGUE:
            if words.get(vague):
                words[vague] = 0.7
        found[name] = words
    return found


@cache
def known_words() -> set[str]:
    """Every spelling (normal form) of a column or an entity: what is one of them is no misspelling of another."""
    words = {word for entity in load_contracts() for column in spellings(entity).values() for word in column}
    return words | {normal(word) for entity, more in load_synonyms().entities.items() for word in (entity, *more)}


@cache
def code_of(column: str) -> dict[str, str]:
    """Codes by the words (normal form) of other systems; `column` is `entity.column`, or a column of every entity."""
    codes = load_synonyms().codes.get(column, {})
    return {normal(word): code for code, words in codes.items() for word in (code, *words)}


@cache
def boolean_of() -> dict[str, str]:
    """`true` and `false` by the words (normal form) that mean them."""
    return {normal(word) or word: value for value, words in load_synonyms().booleans.items() for word in words}


@cache
def sentinels() -> set[str]:
    """Texts (in lower case) that mean "no value" in any column."""
    return {text.lower() for text in load_synonyms().sentinels}
