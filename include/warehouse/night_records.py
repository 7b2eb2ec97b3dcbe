"""What a night should bring, and proof of what came: a source is missing until it is proven to be there.

`nights/<night>/plan.json` in the data home is written when the night begins; every feed that landed and every group
that was judged leaves a file beside it. So what was killed, timed out or never began counts as missing by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from include import files
from include.settings import night_id, parse_night_id
from include.sources import LoadedSource, SourceConfigError


def night_folder(home: Path, as_of: datetime) -> Path:
    """Where the records of a night lie."""
    return home / "nights" / night_id(as_of)


def begin_night(
    home: Path, as_of: datetime, sources: Sequence[LoadedSource], broken: Sequence[SourceConfigError]
) -> None:
    """Write down what the night should bring; what an earlier run of the same night proved no longer counts."""
    folder = night_folder(home, as_of)
    files.remove(folder / "landed")
    files.remove(folder / "gated")
    plan = {
        "sources": {one.source.name: {"group": one.source.group, "feeds": sorted(one.source.feeds)} for one in sources},
        # The name inside a file that can't be read is unknown; the file's own name stands for it.
        "broken": {error.path.stem: str(error) for error in broken},
    }
    files.write_json(folder / "plan.json", plan)


def begun_nights(home: Path) -> list[datetime]:
    """The nights (UTC) that have begun, whatever became of them."""
    found = [path.parent.name for path in (home / "nights").glob("*/plan.json")]
    return [parse_night_id(name) for name in sorted(found)]


def planned_feeds(home: Path, as_of: datetime, group: str) -> list[dict[str, str]]:
    """The feeds of a group, as `{"source": …, "feed": …}`."""
    plan = _read_plan(home, as_of)
    return [
        {"source": name, "feed": feed}
        for name, source in sorted(plan["sources"].items())
        if source["group"] == group
        for feed in source["feeds"]
    ]


def planned_sources(home: Path, as_of: datetime) -> set[str]:
    """All sources that the night should bring, those whose YAML can't be used by the name of the file."""
    plan = _read_plan(home, as_of)
    return {*plan["sources"], *plan["broken"]}


def mark_landed(home: Path, as_of: datetime, source: str, feed: str) -> None:
    """Prove that a feed landed (or had nothing to land)."""
    files.write_json(night_folder(home, as_of) / "landed" / f"{source}.{feed}.json", {})


def mark_gated(home: Path, as_of: datetime, group: str) -> None:
    """Prove that a group was judged."""
    files.write_json(night_folder(home, as_of) / "gated" / f"{group}.json", {})


def unproven_sources(home: Path, as_of: datetime) -> list[str]:
    """Sources with a YAML that can't be used, a feed that didn't land, or a group that wasn't judged."""
    folder = night_folder(home, as_of)
    plan = _read_plan(home, as_of)
    missing = set(plan["broken"])
    for name, source in plan["sources"].items():
        landed = all((folder / "landed" / f"{name}.{feed}.json").exists() for feed in source["feeds"])
        if not landed or not (folder / "gated" / f"{source['group']}.json").exists():
            missing.add(name)
    return sorted(missing)


def mark_built(home: Path, as_of: datetime) -> None:
    """Prove that the warehouse was built for a night."""
    files.write_json(night_folder(home, as_of) / "built.json", {})


def run_number(home: Path, as_of: datetime) -> int:
    """Count of distinct nights built up to and with this one; the same night again has the same number."""
    built = {path.parent.name for path in (home / "nights").glob("*/built.json")}
    return len({night for night in built if night <= night_id(as_of)} | {night_id(as_of)})


def _read_plan(home: Path, as_of: datetime) -> dict[str, Any]:
    plan: dict[str, Any] = files.read_json(night_folder(home, as_of) / "plan.json")
    return plan
