"""Why older numbers moved, kept per night in `nights/<night>/movement.json`: a warehouse is kept for days only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from include import files
from include.gate.ledger import Gate
from include.settings import Settings, night_id, parse_night_id
from include.tracing.movement import MovedRow, NightMovement, PeriodMovement, Step, movement_between
from include.warehouse.build_file import WAREHOUSE
from include.warehouse.night_records import night_folder
from include.warehouse.night_summary import HEADLINES
from include.warehouse.publish import history_folder, serve_file

# Another number where this package tells something else of the same warehouses.
_VERSION = 2


@dataclass(frozen=True)
class KeptMovement:
    """A night's movement, or why there is none: `problem` is `first` or `unreadable`."""

    made_from: tuple[str, ...]
    problem: str | None
    movement: NightMovement | None


def movement_file(home: Path, night: datetime) -> Path:
    """Where a night's movement is kept."""
    return night_folder(home, night) / "movement.json"


def keep_movement(settings: Settings, served: datetime, gates: Sequence[Gate]) -> None:
    """Compare the served night with the latest kept one before it, unless that was done already."""
    home = settings.home
    before = _night_before(home, served)
    made_from = (str(_VERSION), *(_print_of(home, night) for night in (before, served) if night))
    kept = read_movement(home, served)
    if kept and kept.made_from == made_from and all(made_from):
        return
    found = KeptMovement(made_from, "first", None)
    if before:
        older = history_folder(home) / night_id(before) / WAREHOUSE
        wanted = [metric for metrics in HEADLINES.values() for metric in metrics]
        try:
            found = KeptMovement(made_from, None, movement_between(settings, older, serve_file(home), gates, wanted))
        except duckdb.Error:
            # An older version of the project built one of them, or it is damaged: the rest is told all the same.
            found = KeptMovement(made_from, "unreadable", None)
    if found != kept:
        files.write_json(movement_file(home, served), asdict(found))


def read_movement(home: Path, night: datetime) -> KeptMovement | None:
    """A night's movement as it was kept; none where it was not."""
    path = movement_file(home, night)
    if not path.exists():
        return None
    content: dict[str, Any] = files.read_json(path)
    movement = content["movement"]
    told = None
    if movement:
        told = NightMovement(**{**movement, "periods": tuple(_period(one) for one in movement["periods"])})
    return KeptMovement(tuple(content["made_from"]), content["problem"], told)


def _period(content: dict[str, Any]) -> PeriodMovement:
    steps = tuple(Step(**one) for one in content["steps"])
    rows = tuple(
        MovedRow(**{**one, **{side: tuple(one[side]) if one[side] else None for side in ("before", "after")}})
        for one in content["rows"]
    )
    return PeriodMovement(**{**content, "steps": steps, "rows": rows})


def _night_before(home: Path, served: datetime) -> datetime | None:
    """The latest night before the served one whose warehouse is kept."""
    folder = history_folder(home)
    if not folder.exists():
        return None
    nights = [parse_night_id(path.name) for path in folder.iterdir() if (path / WAREHOUSE).exists()]
    return max((night for night in nights if night < served), default=None)


def _print_of(home: Path, night: datetime) -> str:
    """What the record of a published night says that its warehouse is; empty where there is no record."""
    path = history_folder(home) / night_id(night) / "record.json"
    return str(files.read_json(path).get("sha256", "")) if path.exists() else ""
