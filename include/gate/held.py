"""Rows that wait for a parent: judged again every night, and moved to clean by a further gate when it has arrived."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from include.gate.judging import ROW_SPACE
from include.gate.ledger import DataFile, EntityCount, Gate, check_undamaged, commit
from include.gate.references import References
from include.gate.settled_files import SettledFiles
from include.sql import in_list, literal


@dataclass(frozen=True)
class _Held:
    """The held rows of one batch and entity."""

    gate: Gate
    entity: str
    file: DataFile
    moved: tuple[DataFile, ...]  # what has moved to clean since

    def rows(self, written: SettledFiles) -> str:
        """SQL of the rows that still wait."""
        sql = f"select * from read_parquet({literal(str(written.home / self.file.path))})"
        if not self.moved:
            return sql
        paths = in_list([str(written.home / file.path) for file in self.moved])
        return f"{sql} where row_id not in (select row_id from read_parquet([{paths}]))"


def settle_held(
    references: References, written: SettledFiles, last: dict[str, Gate], as_of: datetime
) -> tuple[int, int]:
    """Judge the held rows of earlier nights; those whose parent has arrived move to clean.

    Args:
        references: the parents of tonight.
        written: what writes files.
        last: the last gate of each batch, before tonight's candidates.
        as_of: tonight.

    Returns:
        rows that moved, and rows that are still held.
    """
    numbered = dict(enumerate(_held_files(references.holding), start=1))
    check_undamaged(written.home, (file for held in numbered.values() for file in (held.file, *held.moved)))
    for entity in sorted({held.entity for held in numbered.values()}):
        parts = [
            f"select *, {number} as batch_no from ({held.rows(written)})"
            for number, held in numbered.items()
            if held.entity == entity
        ]
        references.judge(entity, " union all by name ".join(parts), are_held=True)
    moved = 0
    for batch_id in dict.fromkeys(held.gate.batch_id for held in numbered.values()):
        mine = {number: held for number, held in numbered.items() if held.gate.batch_id == batch_id}
        moved += _move(written, mine, last[batch_id], as_of)
    still_held = written.one("select count(distinct row_id) from failure where verdict = 'unusable'")
    return moved, still_held


def _held_files(gates: Sequence[Gate]) -> list[_Held]:
    return [
        _Held(
            gate,
            entity,
            count.held,
            tuple(
                moved
                for later in gates
                if later.batch_id == gate.batch_id and later.kind == "moved" and entity in later.entities
                if (moved := later.entities[entity].clean)
            ),
        )
        for gate in gates
        if gate.status == "gated"
        for entity, count in gate.entities.items()
        if count.held
    ]


def _move(written: SettledFiles, held: dict[int, _Held], last: Gate, as_of: datetime) -> int:
    """Write the `moved` gate of one batch, if any of its held rows has found its parent; how many have."""
    gate_no = last.gate_no + 1
    entities = {
        name: count.model_copy(update={"clean": None, "quarantine": None, "held": None})
        for name, count in last.entities.items()
    }
    total = 0
    for number, one in held.items():
        clean = written.clean(
            f"""select r.* replace ({gate_no}::integer as gate_no) from ({one.rows(written)}) r
                where row_id not in (select row_id % {ROW_SPACE} from failure
                                     where verdict = 'unusable' and batch_no = {number})
                order by row_id""",
            one.entity,
            f"{last.batch_id}.{gate_no}",
        )
        if clean is not None:
            total += clean.rows
            path = literal(str(written.home / clean.path))
            not_counted = written.one(f"select count(*) from read_parquet({path}) where not is_counted")
            entities[one.entity] = _after_move(entities[one.entity], clean, not_counted)
    if total:
        gate = {"gate_no": gate_no, "kind": "moved", "night": as_of, "entities": entities, "checks": []}
        commit(written.home, last.model_copy(update=gate))
    return total


def _after_move(before: EntityCount, clean: DataFile, not_counted: int) -> EntityCount:
    return before.model_copy(
        update={
            "rows_clean": before.rows_clean + clean.rows,
            "rows_quarantined": before.rows_quarantined - clean.rows,
            "rows_not_counted": before.rows_not_counted + not_counted,
            "clean": clean,
        }
    )
