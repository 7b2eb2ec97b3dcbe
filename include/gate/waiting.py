"""What waits for a person: deliveries that were stopped as a whole, and held rows by delivery and rule."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from include.gate.decisions import DISCARDED_RULE, Decision, read_decisions
from include.gate.ledger import DataFile, Gate, check_undamaged, holding, read_ledger
from include.gate.masking import masked_text
from include.gate.pending import UNSETTLED
from include.gate.settled_files import STOPPED_RULE
from include.gate.versions import nights_with_versions
from include.sql import in_list, literal

_SHOWN_KEYS = 3
# Rows about which a person may decide: they wait, or somebody decided about them before.
_OPEN = ("held", "released", "discarded")


@dataclass(frozen=True)
class Waiting:
    """A delivery that waits as a whole (`entity` is null), or its rows that one rule holds.

    `nights` counts the nights since it was judged first; `keys` are some row numbers with
    their business keys, masked.
    """

    batch_id: str
    source: str
    feed: str
    status: str
    entity: str | None
    rule_id: str
    rows: int
    nights: int
    keys: tuple[str, ...] = ()
    message: str | None = None
    decided: tuple[Decision, ...] = ()  # about the delivery, and not in force yet


@dataclass(frozen=True)
class JudgedBatch:
    """A batch as its gates stand: the last full one, and those that moved rows of it since."""

    full: Gate
    moved: tuple[Gate, ...]

    @property
    def last(self) -> Gate:
        """The newest of its gates."""
        return (self.full, *self.moved)[-1]


@dataclass(frozen=True)
class State:
    """What was known by the last night that has begun."""

    night: datetime
    nights: tuple[datetime, ...]
    first_judged: dict[str, datetime]
    batches: dict[str, JudgedBatch]
    decisions: tuple[Decision, ...]


def read_state(home: Path) -> State | None:
    """The state of a data home; null before its first night.

    Raises:
        DamagedFileError: a file of the ledger, or a decision, is not what was written.
    """
    nights = tuple(nights_with_versions(home))
    if not nights:
        return None
    gates = read_ledger(home, nights[-1])
    batches: dict[str, JudgedBatch] = {}
    for gate in holding(gates):
        before = batches.get(gate.batch_id)
        batches[gate.batch_id] = JudgedBatch(before.full, (*before.moved, gate)) if before else JudgedBatch(gate, ())
    first = {gate.batch_id: gate.night for gate in reversed(gates)}
    return State(nights[-1], nights, first, batches, tuple(read_decisions(home)))


def waiting(home: Path) -> list[Waiting]:
    """All that waits, oldest first.

    Raises:
        DamagedFileError: a file of the data home is not what was written.
    """
    state = read_state(home)
    return waiting_in(home, state) if state else []


def waiting_in(home: Path, state: State) -> list[Waiting]:
    """All that waits in a state of the data home, oldest first."""
    found = [one for batch in state.batches.values() for one in _waiting_of(home, state, batch)]
    return sorted(found, key=lambda one: (-one.nights, one.batch_id, one.entity or "", one.rule_id))


def _waiting_of(home: Path, state: State, batch: JudgedBatch) -> Iterator[Waiting]:
    gate = batch.full
    nights = sum(night > state.first_judged[gate.batch_id] for night in state.nights)
    later = tuple(
        one for one in state.decisions if one.batch_id == gate.batch_id and one.decision_id not in gate.decisions
    )
    if gate.status in UNSETTLED:
        rows = sum(count.rows_in for count in gate.entities.values()) or gate.records_received or 0
        yield Waiting(
            gate.batch_id,
            gate.source,
            gate.feed,
            gate.status,
            None,
            STOPPED_RULE,
            rows,
            nights,
            (),
            gate.message,
            later,
        )
    elif any(count.held for count in gate.entities.values()):
        for entity, rule, count, keys in _held_by_rule(home, batch):
            yield Waiting(gate.batch_id, gate.source, gate.feed, "held", entity, rule, count, nights, keys, None, later)


def _held_by_rule(home: Path, batch: JudgedBatch) -> list[tuple[str, str, int, tuple[str, ...]]]:
    """Entity, rule, rows and some keys of the rows that wait."""
    # With the row number, which ROWS takes.
    key = f"concat_ws(' ', '#' || row_number, {masked_text('business_key')})"
    with duckdb.connect() as con:
        found = con.execute(
            f"""select entity, rule_id, count(distinct row_id), list(shown order by row_id)[:{_SHOWN_KEYS}]
                from (select *, {key} as shown from ({open_rows_sql(home, batch)})) where status = 'held' and holds
                group by entity, rule_id order by entity, rule_id"""
        ).fetchall()
    return [(entity, rule, rows, tuple(one for one in keys if one)) for entity, rule, rows, keys in found]


def open_rows_sql(home: Path, batch: JudgedBatch) -> str:
    """SQL of the rows, by rule, about which a person may decide.

    Columns: entity, row_id, row_number, business_key, rule_id, status, and whether the rule keeps the row out.

    Raises:
        DamagedFileError: a file is not what was written.
    """
    quarantine = _files(batch.full, "quarantine")
    moved = [(entity, file) for gate in batch.moved for entity, file in _files(gate, "clean")]
    check_undamaged(home, (file for _, file in (*quarantine, *moved)))
    if not quarantine:
        return (
            "select null::varchar as entity, 0::bigint as row_id, 0::bigint as row_number, null::varchar as "
            "business_key, null::varchar as rule_id, null::varchar as status, false as holds where false"
        )
    gone = (
        " union all ".join(
            f"select {literal(entity)} as entity, row_id from read_parquet({literal(str(home / file.path))})"
            for entity, file in moved
        )
        or "select null::varchar as entity, 0::bigint as row_id where false"
    )
    paths = in_list([str(home / file.path) for _, file in quarantine])
    return f"""
        select entity, row_id, row_number, business_key, rule_id, status,
               verdict = 'unusable' and rule_id <> {literal(DISCARDED_RULE)} as holds
        from read_parquet([{paths}], union_by_name = true)
        where status in ({in_list(_OPEN)}) and (entity, row_id) not in (select (entity, row_id) from ({gone}))"""


def _files(gate: Gate, kind: str) -> Sequence[tuple[str, DataFile]]:
    return [(entity, file) for entity, count in gate.entities.items() if (file := getattr(count, kind))]
