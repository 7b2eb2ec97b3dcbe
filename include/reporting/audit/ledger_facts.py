"""What the ledger says of every night, read once: what came in, where its rows went, which rule said so."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from include.gate.arrivals import Silence, read_silences
from include.gate.ledger import DataFile, EntityCount, Gate, holding, is_unusual, read_ledger
from include.gate.settled_files import STOPPED_RULE
from include.landing.identical import read_identical
from include.warehouse.holding import UnjudgedBatch, unjudged_batches

# Verdicts by how much they take away.
VERDICTS = ("stop", "unusable", "not_counted", "flag", "note")
TROUBLED = ("stopped", "unreadable", "failed")


@dataclass(frozen=True)
class Flow:
    """Where rows of one entity went: `rows_in = counted + not_counted + held + quarantined`.

    `quarantined` are the rows that nothing but a correction brings back, `held` those that wait.
    """

    rows_in: int = 0
    counted: int = 0
    not_counted: int = 0
    held: int = 0
    quarantined: int = 0

    def __add__(self, other: Flow) -> Flow:
        return Flow(
            self.rows_in + other.rows_in,
            self.counted + other.counted,
            self.not_counted + other.not_counted,
            self.held + other.held,
            self.quarantined + other.quarantined,
        )

    @property
    def is_balanced(self) -> bool:
        """Whether every row that came in is in exactly one place."""
        return self.rows_in == self.counted + self.not_counted + self.held + self.quarantined


@dataclass(frozen=True)
class Delivery:
    """One batch as a night judged it; `judged_before` where it is not the batch's first gate."""

    batch_id: str
    source: str
    feed: str
    status: str
    records: int | None
    message: str | None
    judged_before: bool = False

    @property
    def is_troubled(self) -> bool:
        """Whether it was not taken in."""
        return self.status in TROUBLED

    @property
    def is_unusual(self) -> bool:
        """Whether it was taken in and is not what its feed usually brings."""
        return not self.is_troubled and is_unusual(self.message)


class Check(NamedTuple):
    """How many rows of a source and entity a rule found; of a stopped delivery too.

    Of a rule about whole deliveries the counts are of its figures: columns, questions.
    """

    source: str
    entity: str
    rule_id: str
    verdict: str
    failed: int
    checked: int
    stopped: bool = False


@dataclass(frozen=True)
class Moved:
    """Rows of an earlier delivery that had waited, and that a night brought into clean."""

    batch_id: str
    source: str
    entity: str
    rows: int
    night: datetime


@dataclass(frozen=True)
class LedgerNight:
    """One night: what it judged, and what later nights made of that."""

    night: datetime
    deliveries: tuple[Delivery, ...] = ()
    flows: Mapping[tuple[str, str], Flow] = field(default_factory=dict)  # by source and entity
    checks: tuple[Check, ...] = ()
    moved: tuple[Moved, ...] = ()
    # Same content again: source, feed, and the batch that it is identical to.
    identical: tuple[tuple[str, str, str], ...] = ()
    silent: tuple[Silence, ...] = ()  # feeds of which nothing came for too long
    moved_since: tuple[Moved, ...] = ()
    judged_since: tuple[tuple[str, datetime], ...] = ()  # batch, and the night that judged it again
    # Quarantine Parquet that the night wrote, and clean in which a rule flagged rows, with its entity.
    quarantine_files: tuple[tuple[str, DataFile], ...] = ()
    flagged_files: tuple[tuple[str, DataFile], ...] = ()

    @cached_property
    def total(self) -> Flow:
        """All sources and entities together."""
        return sum(self.flows.values(), Flow())

    def of_source(self, source: str) -> Flow:
        """All entities of a source together."""
        return self._by_source.get(source, Flow())

    @cached_property
    def _by_source(self) -> dict[str, Flow]:
        found: dict[str, Flow] = {}
        for (source, _), flow in self.flows.items():
            found[source] = found.get(source, Flow()) + flow
        return found

    @cached_property
    def received(self) -> dict[str, int]:
        """Records received, by source; a record may give rows of several entities."""
        found: dict[str, int] = defaultdict(int)
        for one in self.deliveries:
            found[one.source] += one.records or 0
        return dict(found)

    def rules(self, source: str | None = None) -> dict[str, Check]:
        """Each rule over all sources (or one); the check's `source` is then empty."""
        found: dict[str, Check] = {}
        for one in self.checks:
            if source is not None and one.source != source:
                continue
            before = found.get(one.rule_id)
            failed, checked, stopped = (before.failed, before.checked, before.stopped) if before else (0, 0, False)
            found[one.rule_id] = Check(
                "", one.entity, one.rule_id, one.verdict, failed + one.failed, checked + one.checked,
                stopped or one.stopped,
            )  # fmt: skip
        return found

    def print(self) -> str:
        """A hash of all that is told here: the same print, the same night."""
        return hashlib.sha256(repr(self).encode()).hexdigest()


@dataclass(frozen=True)
class LedgerFacts:
    """All nights in their order, and what landed and no gate could judge, by the night for which it came."""

    nights: dict[datetime, LedgerNight]
    unjudged: dict[datetime, tuple[UnjudgedBatch, ...]]
    gates: list[Gate]

    def sources(self) -> list[str]:
        """Every source that ever delivered."""
        found = {one.source for night in self.nights.values() for one in night.deliveries}
        return sorted(found | {one.source for batches in self.unjudged.values() for one in batches})


def gravity(verdict: str) -> int:
    """The place of a verdict by how much it takes away; one that a newer version of the project knows comes first."""
    return VERDICTS.index(verdict) if verdict in VERDICTS else -1


def read_ledger_facts(home: Path, nights: Iterable[datetime], until: datetime) -> LedgerFacts:
    """Read the ledger up to a night.

    Args:
        home: the data home.
        nights: those that have begun; a night on which nothing came is one of them.
        until: the last night that is read.

    Raises:
        DamagedFileError: a file of the ledger is not what was written.
    """
    gates = read_ledger(home, until)
    by_night: dict[datetime, list[Gate]] = defaultdict(list)
    for gate in gates:
        by_night[gate.night].append(gate)
    identical: dict[datetime, list[tuple[str, str, str]]] = defaultdict(list)
    for same in read_identical(home, until):
        identical[same.night].append((same.source, same.feed, same.identical_to))
    silent: dict[datetime, list[Silence]] = defaultdict(list)
    for feed in read_silences(home, until):
        silent[feed.night].append(feed)
    later = _later(gates)
    every = sorted({*(night for night in nights if night <= until), *by_night, *identical, *silent})
    unjudged: dict[datetime, list[UnjudgedBatch]] = defaultdict(list)
    for batch in unjudged_batches(home, until, {gate.batch_id for gate in gates}):
        unjudged[batch.night].append(batch)
    found = {
        night: replace(
            _night(night, by_night[night], later), identical=tuple(identical[night]), silent=tuple(silent[night])
        )
        for night in every
    }
    return LedgerFacts(found, {night: tuple(batches) for night, batches in unjudged.items()}, gates)


def flow_of(count: EntityCount, status: str, moves: Sequence[EntityCount] = ()) -> Flow:
    """Where an entity's rows went. Of a delivery that was not taken in every row is held, whatever rules say of it.

    What a person discarded waits no more.

    Args:
        count: of the full gate.
        status: of the full gate.
        moves: counts of the gates that moved held rows to clean since, oldest first.
    """
    last = moves[-1] if moves else count
    held = last.rows_quarantined if status in TROUBLED else (count.held.rows if count.held else 0)
    held -= sum(move.clean.rows for move in moves if move.clean)
    return Flow(
        rows_in=last.rows_in,
        counted=last.rows_clean - last.rows_not_counted,
        not_counted=last.rows_not_counted,
        held=held,
        quarantined=last.rows_quarantined - held,
    )


def _night(night: datetime, gates: list[Gate], later: dict[str, list[Gate]]) -> LedgerNight:
    """One night by its own gates: of a batch that it judged several times the last one."""
    held = holding(gates)
    full = [gate for gate in held if gate.kind == "full"]
    flows: dict[tuple[str, str], Flow] = {}
    for gate in full:
        # Rows may find their parent in a second run of the same night: counts are then those of the move.
        moves = [one for one in held if one.kind == "moved" and one.batch_id == gate.batch_id]
        for entity, count in gate.entities.items():
            place = (gate.source, entity)
            after = [one.entities[entity] for one in moves if entity in one.entities]
            flows[place] = flows.get(place, Flow()) + flow_of(count, gate.status, after)
    since = [gate for full_gate in full for gate in later[full_gate.batch_id] if gate.night > night]
    return LedgerNight(
        night=night,
        deliveries=tuple(
            Delivery(
                gate.batch_id,
                gate.source,
                gate.feed,
                gate.status,
                gate.records_received,
                gate.message,
                any(one.night < night and one.gate_no < gate.gate_no for one in later[gate.batch_id]),
            )
            for gate in sorted(full, key=lambda one: (one.source, one.feed, one.batch_order))
        ),
        flows=dict(sorted(flows.items())),
        checks=tuple(check for gate in full for check in _checks(gate)),
        moved=tuple(one for gate in held for one in _moved(gate)),
        moved_since=tuple(one for gate in since for one in _moved(gate)),
        judged_since=tuple((gate.batch_id, gate.night) for gate in since if gate.kind == "full"),
        quarantine_files=tuple(
            (entity, count.quarantine) for gate in full for entity, count in gate.entities.items() if count.quarantine
        ),
        flagged_files=tuple(
            (entity, count.clean)
            for gate in full
            for entity, count in gate.entities.items()
            if count.clean
            and any(one.entity == entity and one.verdict == "flag" and one.failed_count for one in gate.checks)
        ),
    )


def _checks(gate: Gate) -> list[Check]:
    """The rules of a gate, and the stop of the whole delivery as one more."""
    found = [
        Check(gate.source, one.entity, one.rule_id, one.verdict, one.failed_count, one.checked_count, one.stopped)
        for one in gate.checks
    ]
    if gate.status != "gated":
        found += [
            Check(
                gate.source,
                entity,
                STOPPED_RULE,
                "unusable",
                count.rows_quarantined,
                count.rows_in,
                gate.status in TROUBLED,
            )
            for entity, count in gate.entities.items()
        ]
    return found


def _moved(gate: Gate) -> list[Moved]:
    if gate.kind != "moved":
        return []
    return [
        Moved(gate.batch_id, gate.source, entity, count.clean.rows, gate.night)
        for entity, count in gate.entities.items()
        if count.clean
    ]


def _later(gates: Iterable[Gate]) -> dict[str, list[Gate]]:
    """All gates of each batch, oldest first."""
    found: dict[str, list[Gate]] = defaultdict(list)
    for gate in gates:
        found[gate.batch_id].append(gate)
    return found
