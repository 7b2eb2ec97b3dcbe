"""A raw row as JSON: as received for the people who may see it, masked for the warehouse."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from include.contracts import load_contracts
from include.sources.file_reader import UNPARSABLE, landed_name
from include.sources.loading import LoadedSource
from include.sql import literal, quoted


def raw_row_json(raw_columns: Sequence[str]) -> str:
    """SQL of a raw row as JSON, as received; a line that could not be parsed is `{"line": …}`."""
    return _json([(literal(name), quoted(name)) for name in raw_columns], UNPARSABLE)


def masked_row_json(
    loaded: LoadedSource, feed_name: str, raw_columns: Sequence[str], mask_text: Callable[[str], str], hidden: str
) -> str:
    """SQL of a raw row as JSON without personal data.

    Columns that map to personal columns, or that the source says are personal, are hidden whole; every other text is
    masked by pattern, save ids, whose digits would look like telephone numbers. While the file lacks a personal column
    that the feed maps, that column may hide under another name (or the file has no header): then all columns that the
    feed does not name are hidden, name and value. So is a line that could not be parsed, if there are personal columns
    at all.
    """
    personal, ids, others = _mapped_columns(loaded, feed_name)
    is_unsure = not all(set(spellings) & set(raw_columns) for spellings in personal)
    personal_names = {name for spellings in personal for name in spellings}
    personal_names.update(map(landed_name, loaded.source.personal))
    pairs = []
    for number, name in enumerate(raw_columns, start=1):
        hide = f"case when {quoted(name)} is not null then {literal(hidden)} end"
        if name in personal_names:
            pairs.append((literal(name), hide))
        elif name in ids:
            pairs.append((literal(name), quoted(name)))
        elif is_unsure and name not in others:
            pairs.append((literal(f"column_{number}"), hide))
        else:
            pairs.append((mask_text(literal(name)), mask_text(quoted(name))))
    return _json(pairs, literal(hidden) if personal or loaded.source.personal else mask_text(UNPARSABLE))


def _mapped_columns(loaded: LoadedSource, feed_name: str) -> tuple[list[list[str]], set[str], set[str]]:
    """Raw columns that a feed's mapping names: spellings of each personal column; ids; all others."""
    contracts = load_contracts()
    personal: list[list[str]] = []
    ids: set[str] = set()
    others: set[str] = set()
    for entity, mapping in loaded.source.feeds[feed_name].entities.items():
        if mapping.questionnaire:
            questions = loaded.source.questionnaires[mapping.questionnaire].questions
            others.update(landed_name(header) for question in questions for header in question.all_headers)
        others.update(map(landed_name, mapping.only))
        for name, spec in mapping.columns.items():
            column = contracts[entity].columns[name]
            for spellings in spec.source_columns:
                names = [landed_name(one) for one in spellings]
                if column.is_hashed:
                    personal.append(names)
                else:
                    # The cells of a key may be anything; an id is one by itself.
                    (ids if column.type == "id" and not spec.key_of else others).update(names)
    return personal, ids, others


def _json(pairs: Sequence[tuple[str, str]], unparsable: str) -> str:
    cells = ", ".join(f"{name}, {value}" for name, value in pairs)
    return (
        f"case when {UNPARSABLE} is null then json_object({cells}) else json_object('line', {unparsable}) end::varchar"
    )
