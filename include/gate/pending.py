"""What a gate leaves for settle: candidate files of each delivery under `work/gate/`, not committed yet."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from include import files
from include.gate.decisions import DecidedRows, Standing
from include.gate.ledger import CheckResult, Gate, last_gates
from include.landing.batches import Batch, feed_folder, read_batch
from include.landing.known import read_known
from include.settings import Settings
from include.sources.loading import LoadedSource

# These are judged again when mapping or rules have changed since.
UNSETTLED = ("stopped", "failed", "unreadable")


class CandidateEntity(BaseModel):
    """One entity of a candidate: rows in, and how many of them the gate found fit for clean."""

    model_config = ConfigDict(frozen=True)

    rows_in: int
    key_count: int
    rows: str = Field(description="Parquet of the rows not unusable, in the form and order of clean")
    rows_sha256: str
    failures: str = Field(description="Parquet of row × failed rule")


class Candidate(BaseModel):
    """A judged delivery before its references are."""

    model_config = ConfigDict(frozen=True)

    batch: Batch
    gate_no: int
    status: str
    message: str | None
    rules_hash: str
    mapping_hash: str
    context_hash: str | None
    decisions: tuple[str, ...] = ()
    decided_rows: tuple[DecidedRows, ...] = ()
    waived: str | None = None
    entities: dict[str, CandidateEntity]
    checks: list[CheckResult]

    def gate(self, night: datetime) -> Gate:
        """The gate that this candidate becomes, without its entities."""
        batch = self.batch
        return Gate(
            batch_id=batch.batch_id,
            gate_no=self.gate_no,
            kind="full",
            night=night,
            source=batch.source,
            feed=batch.feed,
            delivery=batch.delivery,
            batch_order=batch.batch_order,
            received_at=batch.received_at,
            content_hash=batch.content_hash,
            records_received=batch.rows.records if batch.rows else None,
            status=self.status,
            message=self.message,
            mapping_hash=self.mapping_hash,
            rules_hash=self.rules_hash,
            context_hash=self.context_hash,
            decisions=list(self.decisions),
            waived=self.waived,
        )


def work_folder(home: Path) -> Path:
    """Where candidates wait; disposable."""
    return files.private_folder(home / "work") / "gate"


def rows_path(home: Path, candidate: Candidate, entity: str, kind: Literal["rows", "failures"] = "rows") -> str:
    """Where a candidate's rows or failures of an entity lie."""
    found = candidate.entities[entity]
    return str(work_folder(home) / candidate.batch.batch_id / (found.rows if kind == "rows" else found.failures))


def read_candidates(home: Path) -> list[Candidate]:
    """All candidates, in the order in which their deliveries hold."""
    kept = [files.read_json(path) for path in work_folder(home).glob("[!.]*/candidate.json")]
    found = [Candidate.model_validate(one) for one in kept if _is_of_this_form(one)]
    return sorted(found, key=lambda one: one.batch.batch_order)


def _is_of_this_form(candidate: dict[str, Any]) -> bool:
    """Whether a candidate is none that a killed run of an older version left; such a delivery is judged anew."""
    return all("rows_sha256" in entity for entity in candidate["entities"].values())


def pending_batches(
    settings: Settings,
    as_of: datetime,
    loaded: list[LoadedSource],
    gates: list[Gate],
    rules_hash: str,
    decided: dict[str, Standing],
) -> tuple[list[tuple[Batch, LoadedSource, int]], list[str]]:
    """The batches that are to be judged.

    They have no gate among `gates`, or failed under other rules or another mapping, or a decision about them has come
    into force (`decided`) that no gate of theirs has followed.

    Returns:
        batch, its source, and the number of its next gate, in the order in which the batches hold; and what is wrong
        with batches whose own record is damaged: they wait until it is restored, and others go on.
    """
    last = last_gates(gates)
    pending = []
    damaged = []
    for one in loaded:
        for feed in one.source.feeds:
            gate_nos = {}
            try:
                landed = read_known(settings.home, one.source.name, feed, as_of)
            except files.DamagedFileError as error:
                damaged.append(f"{one.source.name}.{feed}: {error}")
                continue
            for known in landed:
                gate = last.get(known.batch_id)
                if gate is None:
                    gate_nos[known.batch_id] = 1
                elif _is_to_be_judged_again(gate, (one.mapping_hash, rules_hash), decided.get(known.batch_id)):
                    gate_nos[known.batch_id] = gate.gate_no + 1
            for batch_id, gate_no in gate_nos.items():
                try:
                    batch = read_batch(feed_folder(settings.home, one.source.name, feed) / batch_id)
                except files.DamagedFileError as error:
                    damaged.append(f"{one.source.name}.{feed}: {error}")
                else:
                    pending.append((batch, one, gate_no))
    return sorted(pending, key=lambda item: item[0].batch_order), damaged


def _is_to_be_judged_again(gate: Gate, hashes: tuple[str, str], standing: Standing | None) -> bool:
    """Whether a batch whose last gate is `gate` is due; `hashes` are those of its mapping and of the rules tonight."""
    if standing and standing.is_new_to(gate):
        return True
    return gate.status in UNSETTLED and (gate.mapping_hash, gate.rules_hash) != hashes
