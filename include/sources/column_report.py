"""Which columns of a file nothing maps, and which mapped ones it lacks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from include.contracts import load_contracts
from include.sources.file_reader import landed_name
from include.sources.loading import LoadedSource


@dataclass(frozen=True)
class ColumnReport:
    """How a file's columns and those that its feed maps agree; `lacking` names columns of entities and questions."""

    unmapped: list[str]
    lacking: list[str]
    lacks_personal: bool
    found: int


def compare_columns(loaded: LoadedSource, feed_name: str, raw_columns: Sequence[str]) -> ColumnReport:
    """Which of a file's columns nothing maps (they stay in the raw rows), and which mapped ones it lacks."""
    feed = loaded.source.feeds[feed_name]
    here = set(raw_columns)
    spellings: dict[str, set[str]] = {}
    personal: set[str] = set()
    also_used: set[str] = set()
    for entity, mapping in feed.entities.items():
        for name, spec in mapping.columns.items():
            for number, column in enumerate(spec.source_columns, start=1):
                part = f"{entity}.{name}" + (f"[{number}]" if len(spec.source_columns) > 1 else "")
                spellings[part] = {landed_name(one) for one in column}
                if load_contracts()[entity].columns[name].is_hashed:
                    personal.add(part)
        also_used.update(map(landed_name, mapping.only))
        if mapping.questionnaire:
            for question in loaded.source.questionnaires[mapping.questionnaire].questions:
                spellings[question.id] = {landed_name(one) for one in question.all_headers}
    lacking = [name for name, names in spellings.items() if not names & here]
    used = also_used.union(*spellings.values())
    unmapped = [] if feed.questionnaires else [name for name in raw_columns if name not in used]
    return ColumnReport(unmapped, lacking, bool(personal & set(lacking)), len(spellings) - len(lacking))


def column_report(loaded: LoadedSource, feed_name: str, raw_columns: Sequence[str]) -> str | None:
    """What `compare_columns` finds, in words.

    While a personal column is lacking, it may stand under any other name, or the file has no header: then the columns
    that nothing maps are only counted.
    """
    report = compare_columns(loaded, feed_name, raw_columns)
    unmapped = report.unmapped
    if report.lacks_personal and unmapped:
        unmapped = [f"{len(unmapped)}, not named here"]
    parts = [
        f"{words}: {', '.join(names)}"
        for words, names in [
            ("columns that nothing maps", unmapped),
            ("mapped columns that the file lacks", report.lacking),
        ]
        if names
    ]
    return "; ".join(parts) or None
