"""The ledger: one JSON per gate of a batch, written last. What it names is committed; nothing else is."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from include import files
from include.errors import MetricsError

FORMAT_VERSION = 1
# How the message of a delivery of unusual size begins; the night's summary looks for it.
VOLUME_REMARK = "volume:"
# And of one whose columns, codes or scores are not as usual, or that comes late.
DRIFT_REMARK = "drift:"
# And of one that was let in although a check would have stopped it.
RELEASED_REMARK = "released"


def is_unusual(message: str | None) -> bool:
    """Whether the message of a delivery that was taken in remarks on its size or its figures."""
    return any(remark in (message or "") for remark in (VOLUME_REMARK, DRIFT_REMARK))


class AccountingError(MetricsError):
    """Rows that came in are neither in clean nor in quarantine, or twice; nothing of the delivery is committed."""

    default_code = "SM305"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class DataFile(_Frozen):
    """A Parquet file of the data home, by its path below it."""

    path: str
    sha256: str
    rows: int


class EntityCount(_Frozen):
    """What a gate did with the rows of one entity; counts are the batch's after this gate, files are this gate's."""

    rows_in: int
    rows_clean: int
    rows_quarantined: int
    rows_not_counted: int
    key_count: int
    clean: DataFile | None = None
    quarantine: DataFile | None = None
    held: DataFile | None = None


class CheckResult(_Frozen):
    """How many rows of a batch failed a rule."""

    entity: str
    rule_id: str
    verdict: str
    failed_count: int
    checked_count: int
    stopped: bool = False


class Gate(_Frozen):
    """One gate of one batch."""

    format_version: int = FORMAT_VERSION
    batch_id: str
    gate_no: int
    kind: Literal["full", "moved"]
    night: datetime
    source: str
    feed: str
    delivery: str
    batch_order: str
    received_at: datetime
    content_hash: str
    records_received: int | None
    status: Literal["gated", "stopped", "unreadable", "failed", "discarded"]
    message: str | None = None
    mapping_hash: str
    rules_hash: str
    context_hash: str | None = None
    decisions: list[str] = Field(default_factory=list, description="what people decided, and this gate followed")
    waived: str | None = Field(None, description="why the delivery would have been stopped, had nobody released it")
    entities: dict[str, EntityCount] = Field(default_factory=dict)
    checks: list[CheckResult] = Field(default_factory=list)


def commit(home: Path, gate: Gate) -> None:
    """Write a gate to the ledger."""
    files.write_json(home / "ledger" / gate.batch_id / f"{gate.gate_no}.json", gate.model_dump(mode="json"))


def check_undamaged(home: Path, data_files: Iterable[DataFile]) -> None:
    """Make sure that files are what the ledger says.

    Raises:
        DamagedFileError: some are damaged or gone; the text names each.
    """
    faults = []
    for file in data_files:
        path = home / file.path
        if not path.exists():
            faults.append(f"{file.path} is gone")
        elif (found := files.sha256_of(path)) != file.sha256:
            faults.append(f"{file.path} is damaged (SHA-256 {found[:12]}…, ledger {file.sha256[:12]}…)")
    if faults:
        raise files.DamagedFileError(f"in {home}: {'; '.join(faults)}. Restore it from a backup.")


def read_ledger(home: Path, as_of: datetime) -> list[Gate]:
    """All gates of nights up to `as_of`, by batch order, batch and number."""
    found = [Gate.model_validate(files.read_json(path)) for path in (home / "ledger").glob("*.*.*.*/[0-9]*.json")]
    return sorted((gate for gate in found if gate.night <= as_of), key=lambda g: (g.batch_order, g.batch_id, g.gate_no))


def read_gates(home: Path, batch_id: str, as_of: datetime) -> list[Gate]:
    """The gates of one batch of nights up to `as_of`, by number."""
    paths = (home / "ledger" / batch_id).glob("[0-9]*.json")
    found = [Gate.model_validate(files.read_json(path)) for path in paths]
    return sorted((gate for gate in found if gate.night <= as_of), key=lambda gate: gate.gate_no)


def holding(gates: Iterable[Gate]) -> list[Gate]:
    """The gates that hold: of each batch its last full one and the moved ones after it."""
    by_batch: dict[str, list[Gate]] = {}
    for gate in gates:
        kept = by_batch.setdefault(gate.batch_id, [])
        if gate.kind == "full":
            kept.clear()
        kept.append(gate)
    return [gate for kept in by_batch.values() for gate in kept]


def last_gates(gates: Iterable[Gate]) -> dict[str, Gate]:
    """The newest gate of each batch."""
    return {gate.batch_id: gate for gate in gates}
