"""Room on the data home's disk: asked for before a night begins and before it is published."""

from __future__ import annotations

import shutil
from pathlib import Path

from include import files
from include.errors import MetricsError
from include.warehouse.build_file import build_file

SPARE_BYTES = 64 << 20


class DiskFullError(MetricsError):
    """The data home's disk has too little room; nothing was changed."""

    default_code = "SM406"


def make_room_for_night(home: Path) -> None:
    """Remove what killed runs left, and make sure that a night has room; whoever calls holds the run lock alone.

    The build file may be rewritten whole, and is copied to be kept.

    Raises:
        DiskFullError: it has not.
    """
    files.sweep(home)
    path = build_file(home)
    check_room(home, 2 * path.stat().st_size if path.exists() else 0, "a night")


def check_room(home: Path, size: int, what: str) -> None:
    """Make sure that `size` bytes fit, and some to spare.

    Raises:
        DiskFullError: they do not.
    """
    home.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(home).free
    if free < size + SPARE_BYTES:
        needed = (size + SPARE_BYTES) >> 20
        raise DiskFullError(
            f"{home} has {free >> 20} MiB free; {what} needs {needed} MiB. "
            "Free some (old nights lie under warehouse/history) and run the night again"
        )
