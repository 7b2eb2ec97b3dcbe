"""Names of raw columns: the source's own, and those that stand beside them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from include.sources.readers.unreadable import HEADER, LIMIT, UnreadableFileError
from include.sources.schema import Feed

ROW_NUMBER = "_row_number"
FILE = "_file"
UNPARSABLE = "_unparsable"
# What melting a questionnaire puts beside the raw columns: ordinal and cell, then what `survey_answer` gets from them.
QUESTION_ORDINAL = "_question_ordinal"
CELL = "_cell"
MELTED_NAMES = {name: f"_{name}" for name in ("question_id", "answer_value", "answer_text", "is_not_applicable")}
_OURS = {ROW_NUMBER, FILE, UNPARSABLE, QUESTION_ORDINAL, CELL, *MELTED_NAMES.values()}
# DuckDB holds a few thousand rows of every column at once: more take a gigabyte.
MAX_COLUMNS = 3_000


def landed_name(header: str) -> str:
    """The name of a source column in raw Parquet: its own, with `_` after it if it is one of ours."""
    return f"{header}_" if header.lower() in _OURS else header


def mapped_headers(feed: Feed) -> list[str]:
    """Every spelling of a source column that a feed's mapping names, in its order."""
    names: dict[str, None] = {}
    for mapping in feed.entities.values():
        for spec in mapping.columns.values():
            names.update(dict.fromkeys(name for column in spec.source_columns for name in column))
        names.update(dict.fromkeys(mapping.only))
    return list(names)


def first_spellings(feed: Feed) -> list[str]:
    """Raw columns of a file that has no record to show its own: the first spelling of each column that is mapped."""
    names: dict[str, str] = {}
    for mapping in feed.entities.values():
        for spec in mapping.columns.values():
            for column in spec.source_columns:
                names.setdefault(column[0].lower(), landed_name(column[0]))
    return list(names.values())


def raw_columns(header: Sequence[str], place: str, feed: Feed) -> list[str]:
    """The raw columns of a header.

    `place` says where it stands, for messages. A column without a name is called by its number.

    Raises:
        UnreadableFileError: two columns have the same name (upper and lower case are one), or there are too many.
    """
    if len(header) > MAX_COLUMNS:
        raise UnreadableFileError(f"{place}: {len(header)} columns; at most {MAX_COLUMNS} are read", LIMIT)
    trimmed = [name.strip() for name in header]
    taken = {name.lower() for name in trimmed}
    names = [landed_name(name) or _free_name(number, taken) for number, name in enumerate(trimmed, start=1)]
    first: dict[str, int] = {}
    for number, name in enumerate(names, start=1):
        if first.setdefault(name.lower(), number) != number:
            raise UnreadableFileError(
                f"{place}: columns {first[name.lower()]} and {number} have the same name{_known(name, feed)}. "
                "Each column needs a name of its own",
                HEADER,
            )
    return names


def united(columns_of_files: Iterable[Sequence[str]]) -> list[str]:
    """Columns of several files; DuckDB tells no case apart, so `ID` and `id` of two files are one column."""
    names: dict[str, str] = {}
    for columns in columns_of_files:
        for name in columns:
            names.setdefault(name.lower(), name)
    return list(names.values())


def _known(name: str, feed: Feed) -> str:
    """The name in words if the mapping names it: in a file without a header the names are somebody's data."""
    known = {landed_name(one).lower() for one in mapped_headers(feed)}
    return f" ({name})" if name.lower() in known else ""


def _free_name(number: int, taken: set[str]) -> str:
    name = f"column_{number}"
    while name in taken:
        name += "_"
    return name
