"""The batches of a night with the gates that hold, as the warehouse sees them."""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from include import files
from include.gate.ledger import DataFile, EntityCount, Gate, holding, read_ledger
from include.landing.batches import Batch, night_of, read_batch


@dataclass(frozen=True)
class HeldBatch:
    """One batch with its holding gates in order: a full one and the moved ones after it."""

    gates: tuple[Gate, ...]

    @property
    def full(self) -> Gate:
        """The gate that says what the batch is."""
        return self.gates[0]

    def totals(self) -> dict[str, EntityCount]:
        """Counts per entity as they stand: a moved gate states the batch's totals after the move."""
        totals: dict[str, EntityCount] = {}
        for gate in self.gates:
            totals |= gate.entities
        return totals

    def files(self) -> Iterator[DataFile]:
        """Every file of the holding gates that the warehouse reads."""
        for gate in self.gates:
            for count in gate.entities.values():
                yield from filter(None, (count.clean, count.quarantine))


@dataclass(frozen=True)
class UnjudgedBatch:
    """A batch without a gate; `batch` is null where its record is damaged, and then only its folder tells of it."""

    batch_id: str
    source: str
    feed: str
    night: datetime
    batch: Batch | None
    message: str | None


def read_held_batches(home: Path, as_of: datetime) -> list[HeldBatch]:
    """The batches that have a gate up to `as_of`, in the order in which they hold."""
    by_batch: dict[str, list[Gate]] = {}
    for gate in holding(read_ledger(home, as_of)):
        by_batch.setdefault(gate.batch_id, []).append(gate)
    return [HeldBatch(tuple(gates)) for gates in by_batch.values()]


def unjudged_batches(home: Path, as_of: datetime, judged: Set[str]) -> list[UnjudgedBatch]:
    """What landed up to `as_of` and has no gate."""
    # The folder is named by the batch, so that only those without a gate are opened.
    paths = (home / "landing").glob("*/*/[!.]*/batch.json")
    found = [_unjudged(path) for path in sorted(paths) if path.parent.name not in judged]
    return [one for one in found if one.night <= as_of]


def _unjudged(path: Path) -> UnjudgedBatch:
    try:
        batch = read_batch(path.parent)
    except files.DamagedFileError as error:
        _, _, source, feed, batch_id, _ = path.parts[-6:]
        return UnjudgedBatch(batch_id, source, feed, night_of(batch_id), None, str(error))
    return UnjudgedBatch(batch.batch_id, batch.source, batch.feed, batch.night, batch, batch.message)
