"""Named places at which a test lets a run die as a power cut would, or finds the disk full.

Every file that takes its name in the data home, and every folder that goes, passes such a place (`include.files`);
`PLACES` lists them all, with the few that stand between two files. `python -m include.failpoints` prints them.
"""

from __future__ import annotations

import errno
import os
import signal
from pathlib import Path
from typing import Literal, NamedTuple

VARIABLE = "METRICS_FAILPOINT"
DISK_VARIABLE = "METRICS_DISK_FULL_AFTER"
Moment = Literal["before_rename", "after_rename", "before_remove", "while_removing"]


class Room(NamedTuple):
    """One kind of file or folder of the data home: the end of its path, and whether it is written and removed."""

    name: str
    pattern: str
    is_written: bool = True
    is_removed: bool = False


# The first that fits holds.
ROOMS = (
    Room("batch", "landing/*/*/*/batch.json"),
    Room("raw_rows", "landing/*/*/*/rows.parquet"),
    Room("landing", "landing/*/*/*.*.*.*"),
    Room("known", "landing/*/*/known.json"),
    Room("clean", "clean/*/*.parquet"),
    Room("held", "quarantine/*/*.held.parquet"),
    Room("quarantine", "quarantine/*/*.parquet"),
    Room("context", "ledger/context/*/*.json"),
    Room("identical", "ledger/identical/*/*.json"),
    Room("figures", "ledger/figures/*.json"),
    Room("silent", "ledger/silent/*/*.json"),
    Room("ledger", "ledger/*.*.*.*/*.json"),
    Room("versions", "versions/*/*"),
    Room("decision", "decisions/*.json"),
    Room("owner", "nights/owner.json"),
    Room("plan", "nights/*/plan.json"),
    Room("landed", "nights/*/landed/*.json"),
    Room("landed_before", "nights/*/landed", is_written=False, is_removed=True),
    Room("gated", "nights/*/gated/*.json"),
    Room("gated_before", "nights/*/gated", is_written=False, is_removed=True),
    Room("built", "nights/*/built.json"),
    Room("candidate_record", "work/gate/*/candidate.json"),
    Room("candidate", "work/gate/*.*.*.*", is_removed=True),
    Room("work", "work", is_written=False, is_removed=True),
    Room("inputs", "warehouse/inputs/*.parquet"),
    Room("empty_inputs", "warehouse/inputs/empty/*.parquet"),
    Room("model", "warehouse/models/*.json", is_removed=True),
    Room("build_record", "warehouse/build/record.json", is_removed=True),
    Room("set_aside", "warehouse/build/set_aside", is_written=False, is_removed=True),
    Room("build_file", "warehouse/build/warehouse.duckdb", is_written=False, is_removed=True),
    Room("history_record", "warehouse/history/*/record.json"),
    Room("history", "warehouse/history/*", is_removed=True),
    Room("serve", "warehouse/serve/warehouse.duckdb"),
    Room("report", "reports/*/*.html"),
    Room("movement", "nights/*/movement.json"),
    Room("effect", "nights/*/effect.json"),
    Room("audit_page", "reports/audit/*/*.html"),
    Room("airflow", "airflow/ready.json"),
)
_BETWEEN = (
    "landing:before_write",
    "landing:before_commit",
    "gate:before_candidate",
    "settle:before_commit",
    "build:dbt_node",
    "build:before_record",
    "publish:copied",
    "publish:before_swap",
    "publish:after_swap",
)
PLACES = (
    *(f"{room.name}:{moment}" for room in ROOMS if room.is_written for moment in ("before_rename", "after_rename")),
    *(f"{room.name}:{moment}" for room in ROOMS if room.is_removed for moment in ("before_remove", "while_removing")),
    *_BETWEEN,
)


def failpoint(name: str) -> None:
    """Die here if METRICS_FAILPOINT names this place (`publish:before_swap`); else do nothing.

    `name@n` dies at the n-th passing of the place in this process. The whole process group dies, so a test starts such
    a run in a session of its own.

    Raises:
        ValueError: the place is not listed in `PLACES`.
    """
    if name not in _KNOWN:
        raise ValueError(f"failpoint {name} is not listed")
    wanted = os.environ.get(VARIABLE)
    if not wanted:
        return
    place, _, count = wanted.partition("@")
    if place != name:
        return
    _passed[name] = _passed.get(name, 0) + 1
    if _passed[name] >= int(count or 1):
        os.killpg(os.getpgrp(), signal.SIGKILL)


def room_of(path: Path) -> Room | None:
    """What a file or folder is in a data home; null if it is none of the nightly's."""
    return next((room for room in ROOMS if path.match(room.pattern)), None)


def passing(path: Path, moment: Moment) -> None:
    """The failpoint of a file or folder: `clean:before_rename`, say."""
    room = room_of(path) if VARIABLE in os.environ else None
    if room is not None:
        failpoint(f"{room.name}:{moment}")


def writing_bytes(path: Path, size: int) -> None:
    """Find the disk full once METRICS_DISK_FULL_AFTER bytes have been written by this process.

    Raises:
        OSError: as a full disk does (ENOSPC).
    """
    limit = os.environ.get(DISK_VARIABLE)
    if not limit:
        return
    _written.append(size)
    if sum(_written) > int(limit):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))


_KNOWN = frozenset(PLACES)
_passed: dict[str, int] = {}
_written: list[int] = []

if __name__ == "__main__":
    print("\n".join(PLACES))
