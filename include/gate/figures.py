"""Figures of a delivery as a whole, kept beside the ledger, and those that are usual for its feed.

A gate measures its delivery once (`measuring.py`). What is usual is the sum of what the gates of the last nights
measured, so it costs a small file per delivery and reads no row again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import median

from pydantic import BaseModel, ConfigDict, Field

from include import files
from include.gate.ledger import Gate

# A feed with fewer deliveries has no usual figures yet.
ENOUGH_DELIVERIES = 5


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class ColumnFigures(_Frozen):
    """A column, or the answers to one question: rows, how many of them lack it, and how many hold each value."""

    rows: int
    missing: int
    values: dict[str, int] | None = Field(None, description="null: no code and no score, or too many different ones")
    is_score: bool = False

    @property
    def missing_share(self) -> float:
        """Share of the rows that lack a value; 0 without rows."""
        return self.missing / self.rows if self.rows else 0.0


class EntityFigures(_Frozen):
    """The rows of one entity, and its columns that the feed maps."""

    rows: int
    columns: dict[str, ColumnFigures] = Field(default_factory=dict)


class DeliveryFigures(_Frozen):
    """One delivery: records, columns that the mapping found in the file, entities."""

    records: int
    columns_found: int
    entities: dict[str, EntityFigures] = Field(default_factory=dict)


class UsualFigures(_Frozen):
    """What the deliveries of a feed bring: columns found (median), and the rows of all of them together."""

    deliveries: int
    columns_found: float
    entities: dict[str, EntityFigures] = Field(default_factory=dict)


def figures_path(home: Path, batch_id: str, gate_no: int) -> Path:
    """Where the figures of a batch lie that one of its gates measured."""
    return home / "ledger" / "figures" / f"{batch_id}.{gate_no}.json"


def write_figures(home: Path, batch_id: str, gate_no: int, figures: DeliveryFigures) -> None:
    """Keep the figures of a batch; the same gate measures the same ones again."""
    files.write_json(figures_path(home, batch_id, gate_no), figures.model_dump())


def usual_figures(home: Path, gates: Sequence[Gate], factor: float) -> dict[str, UsualFigures]:
    """The usual figures of each feed that has enough deliveries of a usual size.

    Args:
        home: the data home.
        gates: those of one source that hold, of the nights to look back on.
        factor: deliveries with so many times more or fewer records than the feed's median are left out: a first load of
            all history has other shares than the nights after it, and would outweigh them for months.
    """
    by_feed: dict[str, list[DeliveryFigures]] = {}
    for gate in gates:
        if gate.kind == "full" and gate.status == "gated":
            path = figures_path(home, gate.batch_id, gate.gate_no)
            # A gate of an older version of the project measured nothing.
            if path.exists():
                by_feed.setdefault(gate.feed, []).append(DeliveryFigures.model_validate(files.read_json(path)))
    usual = {}
    for feed, found in by_feed.items():
        middle = median(one.records for one in found)
        near = [one for one in found if middle / factor < one.records < middle * factor]
        if len(near) >= ENOUGH_DELIVERIES:
            usual[feed] = _together(near)
    return usual


def _together(deliveries: Sequence[DeliveryFigures]) -> UsualFigures:
    entities: dict[str, list[EntityFigures]] = {}
    for one in deliveries:
        for entity, figures in one.entities.items():
            entities.setdefault(entity, []).append(figures)
    return UsualFigures(
        deliveries=len(deliveries),
        columns_found=median(one.columns_found for one in deliveries),
        entities={
            entity: EntityFigures(rows=sum(one.rows for one in found), columns=_columns_together(found))
            for entity, found in sorted(entities.items())
        },
    )


def _columns_together(found: Iterable[EntityFigures]) -> dict[str, ColumnFigures]:
    """Columns summed over deliveries; values only where every delivery has them."""
    columns: dict[str, list[ColumnFigures]] = {}
    for one in found:
        for name, column in one.columns.items():
            columns.setdefault(name, []).append(column)
    return {
        name: ColumnFigures(
            rows=sum(one.rows for one in parts),
            missing=sum(one.missing for one in parts),
            values=_values_together([one.values for one in parts]),
            is_score=parts[-1].is_score,
        )
        for name, parts in sorted(columns.items())
    }


def _values_together(parts: Sequence[Mapping[str, int] | None]) -> dict[str, int] | None:
    counts: dict[str, int] = {}
    for part in parts:
        if part is None:
            return None
        for value, count in part.items():
            counts[value] = counts.get(value, 0) + count
    return dict(sorted(counts.items()))
