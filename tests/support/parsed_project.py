"""What dbt has parsed, lent from one data home to the next: parsing costs some six CPU seconds."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from include.settings import PROJECT_ROOT

PARSED = "partial_parse.msgpack"
_KEPT = PROJECT_ROOT / ".pytest_cache" / "dbt"


def lend(target: Path, kind: str) -> None:
    """Put into a target folder of dbt what another run of the kind has parsed, unless it has its own.

    Runs of one kind give dbt the same paths; where anything else has changed dbt sees it and parses that again.
    """
    kept = _kept(kind)
    if kept.exists() and not (target / PARSED).exists():
        target.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(kept, target / PARSED)


def keep(target: Path, kind: str) -> None:
    """Keep what was parsed for the next home; another worker may do the same at this moment."""
    kept = _kept(kind)
    if not (target / PARSED).exists():
        return
    kept.parent.mkdir(parents=True, exist_ok=True)
    temporary = kept.with_name(f".{kept.name}.{os.getpid()}")
    shutil.copyfile(target / PARSED, temporary)
    temporary.replace(kept)


def target_of(home: Path) -> Path:
    """Where dbt keeps what it has parsed for the nights of a data home."""
    return home / "warehouse" / "dbt" / "target"


def _kept(kind: str) -> Path:
    return _KEPT / f"{kind}.msgpack"
