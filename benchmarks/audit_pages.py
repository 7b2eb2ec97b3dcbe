"""The auditors' pages of a year: one real night of the sample company, and copies of what its nights brought."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from include import files
from include.settings import SAMPLE_SOURCES, Settings, night_id, parse_night_id

NIGHTS = 365
SCALE = "0.1"
# Its first night brings all history; the nights after it bring what a day brings.
_NIGHTS_OF_A_DAY = 3


def prepare(home: Path, nights: int = NIGHTS) -> None:
    """Run the nightly on the sample company, then let nights before it have brought what its last nights did."""
    environment = os.environ | {"METRICS_HOME": str(home), "METRICS_SAMPLE_SCALE": SCALE}
    command = [sys.executable, "-m", "service_metrics.run_nightly"]
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    last = max(path.name for path in (home / "nights").iterdir() if path.is_dir())
    gates: dict[str, list[Path]] = {}
    for path in sorted((home / "ledger").glob("*.*.*.*/*.json")):
        gates.setdefault(path.parent.name.split(".")[2], []).append(path)
    given = sorted(gates)[-_NIGHTS_OF_A_DAY:]
    for number in range(1, nights):
        night = night_id(parse_night_id(last) - timedelta(days=number))
        for folder in (f"nights/{last}", f"versions/nights/{last}.json"):
            _link(home / folder, home / folder.replace(last, night))
        if night < min(gates):
            for gate in gates[given[number % _NIGHTS_OF_A_DAY]]:
                _repeat(home, gate, night)


def _repeat(home: Path, gate: Path, night: str) -> None:
    """The same gate of the same rows, in another night."""
    before = gate.parent.name
    batch = before.replace(before.split(".")[2], night)
    record = _renamed(files.read_json(gate), before, batch)
    record["night"] = parse_night_id(night).strftime("%Y-%m-%dT%H:%M:%SZ")
    record["batch_order"] = ".".join([night, night, record["batch_order"].split(".", 2)[2]])
    for entity in record["entities"].values():
        for kind in ("clean", "quarantine", "held"):
            if entity.get(kind):
                path = entity[kind]["path"]
                _link(home / path.replace(batch, before), home / path)
    files.write_json(home / "ledger" / batch / gate.name, record)


def _renamed(value: Any, before: str, after: str) -> Any:
    """A record, with another batch id wherever the batch is named."""
    if isinstance(value, dict):
        return {name: _renamed(one, before, after) for name, one in value.items()}
    if isinstance(value, list):
        return [_renamed(one, before, after) for one in value]
    return value.replace(before, after) if isinstance(value, str) else value


def _link(source: Path, target: Path) -> None:
    """The same file, or folder of files, under another name."""
    if source.is_dir():
        for path in source.rglob("*.json"):
            _link(path, target / path.relative_to(source))
    elif not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        os.link(source, target)


def write(home: Path) -> Callable[[], object]:
    """All pages, none of which is there."""
    from include.reporting.audit import writing  # noqa: PLC0415 - a side of the benchmark imports what it needs

    files.remove(writing.audit_folder(home))
    settings = Settings(home=home, sources=SAMPLE_SOURCES, hash_key="not needed", timezone="Asia/Shanghai")
    return lambda: writing.write_audit_pages(settings)


def largest_page(home: Path) -> int:
    """Bytes of the largest page."""
    return max(path.stat().st_size for path in (home / "reports" / "audit").rglob("*.html"))
