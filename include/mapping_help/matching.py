"""Which entity a file's records are, and which columns fill which of the entity's: by header, then by content."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache

from include.contracts import Column, load_contracts
from include.mapping_help.column_profile import ColumnProfile
from include.mapping_help.synonyms import (
    boolean_of,
    code_of,
    is_word,
    known_words,
    load_synonyms,
    normal,
    spellings,
    without_brackets,
)
from include.sources.cell_sql import NUMBERS

# Entities that a source YAML fills by `questionnaires`, or beside another one; never guessed from headers.
_NOT_GUESSED = ("survey", "survey_question", "survey_answer")
_FUZZY = 0.86
_FUZZY_SURENESS = 0.6
_SURE = 0.9
_MOST = 0.5
_MAX_CODES = 60
_FEW_CODES = 12
_NATIVE_BOOLEANS = {"true", "t", "yes", "y", "1", "是", "false", "f", "no", "n", "0", "否"}


@dataclass(frozen=True)
class ColumnGuess:
    """How a source column fills a contract's column. `doubts` are names of messages with what they are about."""

    column: str
    header: str
    sureness: float
    values: dict[str, str] = field(default_factory=dict)
    unknown_values: dict[str, int] = field(default_factory=dict)
    formats: tuple[str, ...] = ()
    strip: tuple[str, ...] = ()
    decimal_mark: str | None = None
    factor: Decimal | None = None
    missing: tuple[str, ...] = ()
    doubts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class EntityGuess:
    """What a file would be as an entity."""

    entity: str
    score: float
    columns: dict[str, ColumnGuess]
    lacking: tuple[str, ...]  # required columns that no header means
    key_is_unique: bool
    doubts: tuple[tuple[str, str], ...] = ()


def guess_entities(profiles: Mapping[str, ColumnProfile], file_name: str) -> list[EntityGuess]:
    """Every entity as which the file can be seen, the likeliest first."""
    found = [guess_entity(name, profiles, file_name) for name in load_contracts() if name not in _NOT_GUESSED]
    return sorted(found, key=lambda one: (-one.score, one.entity))


def guess_entity(entity: str, profiles: Mapping[str, ColumnProfile], file_name: str) -> EntityGuess:
    """The best use of a file's columns for one entity: every column of either side is used at most once."""
    contract = load_contracts()[entity]
    columns = contract.mapped_columns()
    candidates = []
    for header, profile in profiles.items():
        for name, sureness in header_matches(entity, header).items():
            guess = _filled(entity, name, columns[name], profile, sureness)
            if guess:
                candidates.append(guess)
    order = list(profiles)
    taken: dict[str, ColumnGuess] = {}
    used: set[str] = set()
    for guess in sorted(candidates, key=lambda one: (-one.sureness, order.index(one.header))):
        if guess.column not in taken and guess.header not in used:
            taken[guess.column] = guess
            used.add(guess.header)
    unused = {header: profile for header, profile in profiles.items() if header not in used}
    for name, column in columns.items():
        if name not in taken and (column.required or name in contract.key):
            guess = _by_content(entity, name, column, unused, is_key=contract.key == (name,))
            if guess:
                taken[name] = guess
                del unused[guess.header]
    ordered = {name: taken[name] for name in columns if name in taken}
    lacking = tuple(name for name, column in columns.items() if column.required and name not in taken)
    keys = [name for name in contract.key if name in taken]
    is_unique = len(contract.key) > 1 or any(profiles[taken[name].header].is_unique for name in keys)
    score = sum(guess.sureness * _weight(name) for name, guess in ordered.items()) - len(lacking)
    score += 1.5 * is_unique * bool(keys) + 2 * _is_named(entity, file_name)
    return EntityGuess(entity, score, ordered, lacking, is_unique, tuple(_open_doubts(entity, profiles)))


def _by_content(
    entity: str, name: str, column: Column, unused: Mapping[str, ColumnProfile], *, is_key: bool
) -> ColumnGuess | None:
    """What fills a required column that no header means: the only column of known codes, of times, or of unique ids."""
    if column.values:
        codes = [_as_code(_only(name, one, "by_codes"), f"{entity}.{name}", column, one) for one in unused.values()]
        found = [one for one in codes if one and len(one.unknown_values) * 5 <= unused[one.header].distinct]
        found = [one for one in found if unused[one.header].distinct > 1]
    elif column.type in ("timestamp", "date"):
        times = [_as_time(_only(name, one, "only_time"), one) for one in unused.values() if one.is_time]
        found = [one for one in times if one]
    elif is_key:
        found = [_only(name, one, "by_uniqueness") for one in unused.values() if _may_be_key(one)]
    else:
        return None
    return found[0] if len(found) == 1 else None


def _only(name: str, profile: ColumnProfile, doubt: str) -> ColumnGuess:
    return ColumnGuess(name, profile.name, _FUZZY_SURENESS, doubts=((doubt, profile.name),))


def _may_be_key(profile: ColumnProfile) -> bool:
    """Whether a column tells every record apart, and is no time, amount, address or text that happens to do so."""
    is_id = re.search(r"(id|no|number|key|code|编号|号|编码|序号)$", normal(profile.name)) is not None
    return is_id and profile.is_unique and profile.total > 1 and not profile.is_time and not profile.emails


@cache
def header_matches(entity: str, header: str) -> dict[str, float]:
    """The columns of an entity that a header may mean, and how surely (0 to 1)."""
    whole, core = normal(header), normal(without_brackets(header))
    words_of = spellings(entity)
    found = {name: max(words.get(whole, 0.0), words.get(core, 0.0)) for name, words in words_of.items()}
    if not any(found.values()) and core not in known_words():
        found = {name: _FUZZY_SURENESS * _resembles(core, words) for name, words in words_of.items()}
    return {name: sureness for name, sureness in found.items() if sureness}


def _resembles(header: str, words: Mapping[str, float]) -> bool:
    """Whether a header ends with one of some words, or is one of them but for a letter or two."""
    for word, sureness in words.items():
        is_chinese = not word.isascii()
        if sureness < _SURE or len(word) < (3 if is_chinese else 5):
            continue
        if header.endswith(word) and len(word) >= (3 if is_chinese else 6):
            return True
        # Cheap tests first: this is done for every word of every entity.
        if abs(len(word) - len(header)) <= 2 and len(set(word) ^ set(header)) <= 3:
            likeness = difflib.SequenceMatcher(None, header, word).ratio()
            if likeness >= _FUZZY and len(word) >= (4 if is_chinese else 5):
                return True
    return False


@cache
def _weight(column: str) -> float:
    """A column that many entities have tells little about which one it is."""
    holders = sum(column in contract.columns for contract in load_contracts().values())
    return 1.0 / float(holders) ** 0.5


def _is_named(entity: str, file_name: str) -> bool:
    """Whether a file is called by the entity; the longest word of all entities that it holds decides."""
    words = re.sub(r"[\d_\-.\s]+", " ", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", file_name)).strip().lower()
    longest: dict[str, int] = {}
    for name in load_contracts():
        for word in (load_contracts()[name].name["zh"], *load_synonyms().entities.get(name, ())):
            is_there = re.search(rf"\b{re.escape(word)}\b", words) if word.isascii() else word in words
            if is_there:
                longest[name] = max(longest.get(name, 0), len(word) * (1 if word.isascii() else 2))
    return longest.get(entity, 0) == max(longest.values(), default=-1)


def _open_doubts(entity: str, profiles: Mapping[str, ColumnProfile]) -> list[tuple[str, str]]:
    """Headers that surely mean a column of the entity, but whose content can't be read as its type."""
    columns = load_contracts()[entity].mapped_columns()
    return [
        ("unreadable_as", f"{header} → {name} ({columns[name].type})")
        for header, profile in profiles.items()
        for name, sureness in header_matches(entity, header).items()
        if sureness >= _SURE and not _filled(entity, name, columns[name], profile, sureness)
    ]


# --- does the content fit ---


def _filled(entity: str, name: str, column: Column, profile: ColumnProfile, sureness: float) -> ColumnGuess | None:
    """The guess that a source column fills a contract's, or null if its content can't."""
    doubts: list[tuple[str, str]] = []
    if sureness <= _FUZZY_SURENESS:
        doubts.append(("header_resembles", profile.name))
    if not profile.total:
        return ColumnGuess(name, profile.name, sureness * 0.5, doubts=(*doubts, ("empty_column", "")))
    if profile.doubtful_numbers and column.type in NUMBERS:
        doubts.append(("doubtful_numbers", ", ".join(profile.doubtful_numbers)))
    base = ColumnGuess(name, profile.name, sureness, missing=profile.number_sentinels, doubts=tuple(doubts))
    if column.type in ("timestamp", "date"):
        return _as_time(base, profile)
    if column.type in NUMBERS:
        return _as_number(base, name, column, profile)
    if column.type == "boolean":
        return _as_boolean(base, profile)
    if column.values or code_of(name):
        return _as_code(base, f"{entity}.{name}", column, profile)
    if column.type == "code" and profile.is_unique and profile.total > _MAX_CODES and name != "serial_number":
        return None
    if column.personal == "email" and profile.emails < _SURE * profile.total / 2:
        return None
    return base


def _changed(guess: ColumnGuess, *doubts: tuple[str, str], **changes: object) -> ColumnGuess:
    return ColumnGuess(**{**guess.__dict__, **changes, "doubts": (*guess.doubts, *doubts)})


def _wanted_share(guess: ColumnGuess) -> float:
    """The share of values that must be of the column's type: less where the header leaves no doubt."""
    return _MOST if guess.sureness >= _SURE else _SURE


def _as_time(guess: ColumnGuess, profile: ColumnProfile) -> ColumnGuess | None:
    dates = profile.dates
    if dates.is_epoch:
        return None
    if dates.share < _wanted_share(guess):
        return None
    doubts: list[tuple[str, str]] = []
    if dates.either:
        doubts.append(("either_format", " / ".join(", ".join(way) for way in dates.either)))
    if dates.read < dates.total:
        doubts.append(("some_unreadable", f"{dates.total - dates.read} / {dates.total}"))
    return _changed(guess, *doubts, formats=dates.formats)


def _as_number(guess: ColumnGuess, name: str, column: Column, profile: ColumnProfile) -> ColumnGuess | None:
    numbers = profile.numbers
    if numbers.is_open:
        return _changed(guess, ("thousands_or_decimals", next(iter(profile.listed))))
    is_number = numbers.read >= _wanted_share(guess) * profile.total
    if not is_number or (profile.is_time and not profile.is_whole):
        return None
    factor = _factor(name, guess.header, numbers.strip)
    doubts: list[tuple[str, str]] = []
    if factor is not None and factor < 1:
        doubts.append(("unit_too_small", guess.header))
        factor = None
    is_whole = numbers.whole >= _SURE * numbers.read
    if column.type == "integer" and factor is None and not is_whole:
        return None
    if numbers.read < profile.total:
        doubts.append(("some_unreadable", f"{profile.total - numbers.read} / {profile.total}"))
    return _changed(guess, *doubts, strip=numbers.strip, decimal_mark=numbers.decimal_mark, factor=factor)


def _factor(name: str, header: str, strip: tuple[str, ...]) -> Decimal | None:
    """What turns the unit that header or cells state into that of the column's name; null if it is the same."""
    wanted = {"minutes": 60, "seconds": 1}.get(name.rpartition("_")[2])
    if wanted is None:
        return None
    units = load_synonyms().units
    words = [*strip, *re.findall(r"[^\W\d_]+", header.lower())]
    stated = next((units[word] for word in words if word in units), None)
    if stated is None:
        stated = next((units[unit] for unit in ("小时", "分钟", "秒") if unit in header), None)
    return None if stated is None or stated == wanted else Decimal(stated) / Decimal(wanted)


def _as_boolean(guess: ColumnGuess, profile: ColumnProfile) -> ColumnGuess | None:
    known = {text: boolean_of().get(normal(text) or text) for text in profile.listed}
    if not profile.is_all_listed or sum(one is not None for one in known.values()) < len(known):
        return None
    values = {text: value for text, value in known.items() if value and text.lower() not in _NATIVE_BOOLEANS}
    return _changed(guess, values=values)


def _as_code(guess: ColumnGuess, place: str, column: Column, profile: ColumnProfile) -> ColumnGuess | None:
    yes_no = load_synonyms().codes_of_yes_no.get(place)
    if yes_no and is_word(guess.header, yes_no.headers) and profile.distinct <= 2:
        words = boolean_of()
        by_value = {"true": yes_no.true, "false": yes_no.false}
        if all(normal(text) in words for text in profile.listed):
            return _changed(guess, values={text: by_value[words[normal(text)]] for text in sorted(profile.listed)})
    codes = code_of(place) or code_of(place.partition(".")[2])
    mapped = {text: codes[normal(text)] for text in profile.listed if normal(text) in codes}
    unknown = {text: rows for text, rows in profile.listed.items() if text not in mapped}
    if column.values:
        if not mapped and (profile.distinct > _FEW_CODES or guess.sureness < _SURE):
            return None
        sureness = guess.sureness * (1 if len(mapped) * 2 >= len(profile.listed) else 0.7)
        values = {text: code for text, code in mapped.items() if text not in column.values}
        return _changed(guess, sureness=sureness, values=values, unknown_values=unknown)
    # Any code is allowed here: a map of some values only would leave two languages in one column.
    if unknown or all(text == code for text, code in mapped.items()):
        return guess
    return _changed(guess, values=mapped)
