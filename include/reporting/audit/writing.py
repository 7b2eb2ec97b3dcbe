"""Write the auditors' pages: after good nights and failed ones, and of old nights only those that changed.

A page names in its head the print of all that it was made from: gates of the night and of its batches since, the
nights that its lines show, versions, effect, this package. A page whose print is the same is left as it is.
"""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from typing import Any

import duckdb

from include import files
from include.reporting.audit.cleaning_effect import NightEffect, effect_file, keep_effect
from include.reporting.audit.kept_movement import keep_movement, movement_file, read_movement
from include.reporting.audit.night_page import NightTold, night_page
from include.reporting.audit.night_state import changes_between
from include.reporting.audit.overview_pages import index_page, rule_page, source_page
from include.reporting.audit.page_facts import TREND_NIGHTS, AuditFacts, read_audit_facts
from include.reporting.audit.patterns import ENVIRONMENT
from include.reporting.audit.sampled_rows import NightFiles, sampled_rows, undamaged_files
from include.reporting.audit.views import file_name, night_file
from include.reporting.audit.words import entity_name, named, number, say, share
from include.reporting.words import LANGUAGES
from include.settings import Settings
from include.warehouse.night_summary import Language

_HERE = Path(__file__).parent
_TEMPLATES = (_HERE / "templates", _HERE.parent / "templates")
# The print stands in the first lines of a page.
_HEAD = 1000
_MEMORY = "512MB"
# Nights whose rows are read by one query.
_TOGETHER = 60


@dataclass(frozen=True)
class AuditSummary:
    """What was written: the index in the installation's language, pages written and left as they were, bytes."""

    path: str
    pages: int
    unchanged: int
    size: int


def audit_folder(home: Path) -> Path:
    """Where the pages of a data home lie."""
    return home / "reports" / "audit"


def audit_index_file(home: Path, language: Language) -> Path:
    """The index of all nights."""
    return audit_folder(home) / f"index.{language}.html"


def write_audit_pages(settings: Settings, as_of: datetime | None = None) -> AuditSummary:
    """Write the pages of all nights that have begun; whoever calls holds the data home's lock.

    Args:
        settings: of the installation.
        as_of: the last night to tell of; null takes all.

    Raises:
        DamagedFileError: a file of the ledger is not what was written.
        AccountingError: rows of a night are in no place, or in two.
        OSError: the disk is full.
    """
    was_collecting = gc.isenabled()
    # A year of nights stays in use until the end, and pages leave nothing behind that refers to itself.
    gc.disable()
    try:
        return _write_pages(settings, read_audit_facts(settings, as_of))
    finally:
        if was_collecting:
            gc.enable()


def _write_pages(settings: Settings, facts: AuditFacts) -> AuditSummary:
    if facts.served and facts.served in facts.ledger.nights:
        keep_movement(settings, facts.served, facts.ledger.gates)
    written = unchanged = size = 0
    for path, content in _changed_pages(facts):
        if content is None:
            unchanged += 1
            continue
        files.write_bytes(audit_folder(facts.home) / path, content)
        written += 1
        size += len(content)
    return AuditSummary(str(audit_index_file(facts.home, settings.language)), written, unchanged, size)


def _changed_pages(facts: AuditFacts) -> Iterator[tuple[str, bytes | None]]:
    """Every page by its path, null where it is as it has to be; the index last, so that its links lead somewhere."""
    # Of thousands of small files threads only wait for each other, and each is read but once.
    with duckdb.connect(config={"memory_limit": _MEMORY, "threads": 1, "enable_external_file_cache": False}) as con:
        con.execute("set enable_progress_bar = false")
        stale = []
        for night in facts.order:
            effect = keep_effect(facts.home, night, facts.served)
            made_from = _night_print(facts, night)
            changed = [one for one in LANGUAGES if not _is_of(facts, _night_path(night, one), made_from)]
            yield from ((_night_path(night, one), None) for one in LANGUAGES if one not in changed)
            stale += [(night, made_from, changed, effect)] if changed else []
        for start in range(0, len(stale), _TOGETHER):
            yield from _night_pages(facts, con, stale[start : start + _TOGETHER])
    everything = _hash(*(facts.prints[night] for night in facts.order), repr(facts.states), _code())
    over_time = _hash(everything, facts.timezone, *(night.isoformat() for night in facts.order))
    for kind, names, view in (
        ("rule", _rule_ids(facts), rule_page),
        ("source", facts.ledger.sources(), source_page),
    ):
        for name in names:
            for language in LANGUAGES:
                path = f"{kind}/{file_name(name)}.{language}.html"
                made_from = _hash(over_time, name)
                if _is_of(facts, path, made_from):
                    yield path, None
                else:
                    yield path, _rendered(kind, language, view(facts, name, language), name, made_from)
    for language in LANGUAGES:
        content = _rendered("index", language, index_page(facts, language), "index", everything)
        before = audit_index_file(facts.home, language)
        is_same = before.exists() and before.read_bytes() == content
        yield before.name, None if is_same else content


def _night_pages(
    facts: AuditFacts,
    con: duckdb.DuckDBPyConnection,
    stale: list[tuple[datetime, str, list[Language], NightEffect | None]],
) -> Iterator[tuple[str, bytes]]:
    """The pages of some nights, in the languages in which they changed."""
    taken = {night: _files(facts, night) for night, *_ in stale}
    samples = sampled_rows(con, facts.home, list(taken.values()))
    for night, made_from, languages, effect in stale:
        damaged = taken[night].damaged
        # A print that never comes again: once the files are restored the page has to be written anew.
        print_of = f"{made_from}-damaged" if damaged else made_from
        changes = changes_between(facts.home, facts.before(night), night)
        moved = read_movement(facts.home, night)
        told = NightTold(facts, night, samples[night], effect, changes, damaged, moved)
        for language in languages:
            yield (
                _night_path(night, language),
                _rendered("night", language, night_page(told, language), night_file(night, language), print_of),
            )


def _night_path(night: datetime, language: Language) -> str:
    return f"night/{night_file(night, language)}"


def _files(facts: AuditFacts, night: datetime) -> NightFiles:
    found = facts.night(night)
    failing = sum(one.failed > 0 for one in facts.rules[night].values())
    return undamaged_files(facts.home, night, found.quarantine_files, found.flagged_files, failing)


def _night_print(facts: AuditFacts, night: datetime) -> str:
    """A hash of all that a night's page is made from."""
    nights = facts.last(TREND_NIGHTS, night)
    around = (facts.before(night), facts.after(night))
    effect = effect_file(facts.home, night)
    moved = movement_file(facts.home, night)
    versions = [
        facts.home / "versions" / "nights" / f"{night_file(one, 'en').split('.')[0]}.json"
        for one in (facts.before(night), night)
        if one
    ]
    return _hash(
        *(facts.prints[one] for one in nights),
        repr([one and one.isoformat() for one in around]),
        repr(facts.states[night]),
        repr(facts.ledger.unjudged.get(night, ())),
        repr(facts.decisions.get(night, ())),
        # Only the last night says what is served.
        repr(facts.served) if around[1] is None else "",
        *(files.sha256_of(path) if path.exists() else "" for path in (effect, moved, *versions)),
        facts.timezone,
        _code(),
    )


def _rule_ids(facts: AuditFacts) -> list[str]:
    """Every rule that a night had or that was held against rows."""
    return sorted({*facts.rule_words, *(rule for rules in facts.rules.values() for rule in rules)})


def _is_of(facts: AuditFacts, path: str, made_from: str) -> bool:
    """Whether a page is there and was made from what it would be made from now."""
    page = audit_folder(facts.home) / path
    if not page.exists():
        return False
    with page.open("rb") as file:
        return f'content="{made_from}"'.encode() in file.read(_HEAD)


@cache
def _code() -> str:
    """A hash of this package: another version of it writes other pages."""
    paths = [path for folder in (_HERE, *_TEMPLATES) for path in sorted(folder.glob("*")) if path.is_file()]
    return _hash(*(files.sha256_of(path) for path in paths))


def _hash(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _rendered(kind: str, language: Language, view: dict[str, Any], name: str, made_from: str) -> bytes:
    other = LANGUAGES[1 - LANGUAGES.index(language)]
    file = {"index": f"index.{other}.html", "night": name.replace(f".{language}.", f".{other}.")}
    content = ENVIRONMENT.get_template(f"{kind}.html.j2").render(
        **view,
        kind=kind,
        language=language,
        other=other,
        other_file=file.get(kind, f"{file_name(name)}.{other}.html"),
        # The folder `night` is as deep as the other two.
        root="" if kind == "index" else "../",
        made_from=made_from,
        say=partial(say, language),
        named=partial(named, language),
        entity=partial(entity_name, language),
        number=number,
        share=partial(share, language),
        file_name=file_name,
    )  # fmt: skip
    return content.encode()
