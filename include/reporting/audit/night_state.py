"""What became of a night: was it published, what was missing, which step failed, what had changed since the last."""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from include import files
from include.gate.batch_rules import ENTITY as BATCH
from include.gate.batch_rules import BatchRule
from include.gate.ledger import AccountingError
from include.gate.rules import Rule
from include.gate.versions import NightVersions, read_versions, rules_text, versions_folder
from include.progress import failures, progress_file, read_events
from include.reporting.audit.ledger_facts import LedgerNight
from include.settings import night_id
from include.warehouse.holding import UnjudgedBatch
from include.warehouse.night_records import night_folder, unproven_sources
from include.warehouse.publish import history_folder

# Lines of a mapping's difference that a page shows.
_DIFFERENCE_LINES = 40
_STEPS_OF_PAGES = ("reports", "audit")


@dataclass(frozen=True)
class NightState:
    """`outcome`: published, incomplete (published without some sources), built, failed or unfinished.

    `built` is a night whose warehouse was built and of whose publication nothing is kept any more.
    """

    outcome: str
    missing: tuple[str, ...]
    failed_steps: tuple[tuple[str, str], ...]  # step and what it said
    broken_sources: tuple[tuple[str, str], ...]  # YAML that could not be used, and why


@dataclass(frozen=True)
class RuleWords:
    """A rule as a night had it; thresholds by name, and what it looks at as a hash: nobody here reads SQL."""

    rule_id: str
    entity: str
    verdict: str
    requirement: str
    en: str
    zh: str
    settings: tuple[tuple[str, float], ...]
    stop_above: float | None
    stop_from: int
    looks_at: str


@dataclass(frozen=True)
class RuleChange:
    """A rule that is not what it was; `before` is null for a new one, `after` for one that went."""

    rule_id: str
    before: RuleWords | None
    after: RuleWords | None


@dataclass(frozen=True)
class FileChange:
    """A source YAML or file of the configuration that is not what it was; `lines` begin with + or -."""

    name: str
    kind: str  # new, gone, changed
    added: int
    removed: int
    lines: tuple[str, ...]
    is_cut: bool


@dataclass(frozen=True)
class Changes:
    """What had changed since the night before; null is told apart: there is nothing to compare with."""

    rules: tuple[RuleChange, ...] = ()
    mappings: tuple[FileChange, ...] = ()
    configuration: tuple[FileChange, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.rules or self.mappings or self.configuration)


def read_state(
    home: Path, night: LedgerNight, unjudged: tuple[UnjudgedBatch, ...], served: datetime | None, known: bool
) -> NightState:
    """What became of a night.

    Args:
        home: the data home.
        night: its ledger.
        unjudged: what landed for it and no gate judged.
        served: the night that is served.
        known: an earlier page has proof that it was published.
    """
    events, _ = read_events(progress_file(home, night.night))
    failed = tuple(
        (f"{one.step} {one.subject}".strip(), str(one.detail.get("message", "")))
        for one in failures(events)
        if one.step not in _STEPS_OF_PAGES
    )
    folder = night_folder(home, night.night)
    plan: dict[str, Any] = files.read_json(folder / "plan.json") if (folder / "plan.json").exists() else {}
    unproven = set(unproven_sources(home, night.night)) if plan else set()
    missing = unproven | {one.source for one in night.deliveries if one.is_troubled} | {one.source for one in unjudged}
    if known or served == night.night or (history_folder(home) / night_id(night.night)).exists():
        outcome = "incomplete" if missing else "published"
    elif failed:
        outcome = "failed"
    else:
        outcome = "built" if (folder / "built.json").exists() else "unfinished"
    return NightState(outcome, tuple(sorted(missing)), failed, tuple(sorted(plan.get("broken", {}).items())))


def rules_of(home: Path, night: datetime) -> dict[str, RuleWords]:
    """The rules that held on a night, by id; none where they were not kept."""
    noted = read_versions(home, night)
    return _rules(home, noted[-1].rules) if noted else {}


def changes_between(home: Path, before: datetime | None, night: datetime) -> Changes | None:
    """What had changed since the night before; null where one of the two has kept nothing."""
    noted = read_versions(home, night)
    earlier = read_versions(home, before) if before else []
    if not noted or not earlier:
        return None
    old, new = earlier[-1], noted[-1]
    return Changes(
        rules=_rule_changes(home, old, new),
        mappings=_file_changes(versions_folder(home) / "mappings", old.mappings, new.mappings),
        configuration=_file_changes(versions_folder(home) / "configuration", old.configuration, new.configuration),
    )


def _rule_changes(home: Path, old: NightVersions, new: NightVersions) -> tuple[RuleChange, ...]:
    if old.rules == new.rules:
        return ()
    before, after = _rules(home, old.rules), _rules(home, new.rules)
    changed = [rule for rule in sorted({*before, *after}) if before.get(rule) != after.get(rule)]
    return tuple(RuleChange(rule, before.get(rule), after.get(rule)) for rule in changed)


@lru_cache(maxsize=64)
def _rules(home: Path, digest: str) -> dict[str, RuleWords]:
    """Rules by their kept text, as an older version of the project may have written it."""
    found = {}
    for entity, rules in json.loads(rules_text(home, digest)).items():
        kind = BatchRule if entity == BATCH else Rule
        for kept in rules:
            rule = kind.model_construct(**{"settings": {}, "requirement": "", **kept})
            found[rule.id] = RuleWords(
                rule.id, entity, rule.verdict, rule.requirement, rule.words("en"), rule.words("zh"),
                tuple(sorted(rule.settings.items())), kept.get("stop_above"),
                kept.get("stop_from", 1), _looks_at(kept),
            )  # fmt: skip
    return found


def _looks_at(kept: Mapping[str, Any]) -> str:
    parts = ("sql", "expectation", "holds", "signs", "figure", "except")
    text = json.dumps([kept.get(part) for part in parts], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _file_changes(folder: Path, before: Mapping[str, str], after: Mapping[str, str]) -> tuple[FileChange, ...]:
    names = [name for name in sorted({*before, *after}) if before.get(name) != after.get(name)]
    return tuple(_file_change(folder, name, before.get(name), after.get(name)) for name in names)


def _file_change(folder: Path, name: str, before: str | None, after: str | None) -> FileChange:
    old, new = (_lines(folder, digest) for digest in (before, after))
    lines = [
        line
        for line in difflib.unified_diff(old, new, lineterm="", n=0)
        if line.startswith(("+", "-")) and not line.startswith(("+++", "---"))
    ]
    return FileChange(
        name=name,
        kind="new" if before is None else "gone" if after is None else "changed",
        added=sum(line.startswith("+") for line in lines),
        removed=sum(line.startswith("-") for line in lines),
        # Of a whole file that is new or gone its name says enough.
        lines=tuple(lines[:_DIFFERENCE_LINES]) if before and after else (),
        is_cut=bool(before and after) and len(lines) > _DIFFERENCE_LINES,
    )


def _lines(folder: Path, digest: str | None) -> list[str]:
    path = folder / f"{digest}.yml"
    return path.read_text(encoding="utf-8").splitlines() if digest and path.exists() else []


def check_balanced(night: LedgerNight) -> None:
    """Make sure that no page shows sums that don't hold.

    Raises:
        AccountingError: rows of the night are in no place, or in two.
    """
    for (source, entity), flow in night.flows.items():
        if not flow.is_balanced:
            raise AccountingError(f"{night_id(night.night)} {source} {entity}: {flow} does not add up")
