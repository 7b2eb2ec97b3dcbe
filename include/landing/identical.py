"""Deliveries that brought what was there already: recorded under `ledger/identical/<night>/`, and not landed."""

from __future__ import annotations

from collections.abc import Container
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from include import files
from include.settings import night_id, parse_night_id


class IdenticalDelivery(BaseModel):
    """One of them; `name` stands for the id of the batch that it did not become."""

    model_config = ConfigDict(frozen=True)

    name: str
    source: str
    feed: str
    night: datetime
    content_hash: str
    identical_to: str
    received_at: datetime
    records: int | None


def record_identical(home: Path, one: IdenticalDelivery) -> bool:
    """Record a delivery, unless one of its name is on record; says whether it did."""
    folder = home / "ledger" / "identical"
    if any(folder.glob(f"*/{one.name}.json")):
        return False
    files.write_json(folder / night_id(one.night) / f"{one.name}.json", one.model_dump(mode="json", exclude={"name"}))
    return True


def read_identical(
    home: Path, until: datetime, *, since: datetime | None = None, sources: Container[str] | None = None
) -> list[IdenticalDelivery]:
    """The deliveries on record of the nights from `since` to `until`, of some sources or of all, by night and name."""
    found = []
    for folder in sorted((home / "ledger" / "identical").glob("*")):
        night = parse_night_id(folder.name)
        if night > until or (since and night < since):
            continue
        for path in sorted(folder.glob("[!.]*.json")):
            if sources is None or path.name.partition(".")[0] in sources:
                found.append(IdenticalDelivery(name=path.stem, **files.read_json(path)))
    return found
