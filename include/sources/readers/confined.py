"""Parse what only a library that holds it whole can parse, in a process of its own with hard limits.

A spreadsheet of a few kilobytes can ask for terabytes: the child dies of it, and the night goes on.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Literal

from include.settings import PROJECT_ROOT
from include.sources.readers.unreadable import DAMAGED, FORMAT, LIMIT, ReadLimits, UnreadableFileError

_WORKER = Path(__file__).with_name("confined_worker.py")
_SECONDS = 1800
_CODES = {"format": FORMAT, "damaged": DAMAGED, "limit": LIMIT}


def run_confined(
    task: Literal["list_records", "write_cells"],
    name: str,
    source: Path,
    target: Path,
    limits: ReadLimits,
    **options: Any,
) -> dict[str, Any]:
    """Let a child write what it finds in `source` to `target`; what it says of it.

    Raises:
        UnreadableFileError: it found a fault, or needs more memory, disk or time than it may have.
    """
    order = {
        "task": task,
        "source": str(source),
        "target": str(target),
        "memory_mb": limits.memory_mb,
        "max_bytes": limits.max_bytes,
        "seconds": _SECONDS,
        "parent": os.getpid(),
        **options,
    }
    environment = {**os.environ, "PYTHONPATH": str(PROJECT_ROOT)}
    command = [sys.executable, "-P", str(_WORKER), json.dumps(order)]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, env=environment, timeout=2 * _SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise UnreadableFileError(f"{name}: not read within {2 * _SECONDS // 60} minutes", LIMIT) from error
    # An error of Python's own, not of memory; without its text, which may quote a cell.
    kind = (done.stderr.strip().splitlines() or [""])[-1].partition(":")[0]
    if done.returncode == 1 and kind != "MemoryError":
        raise UnreadableFileError(f"{name}: damaged in a way that nobody foresaw ({kind})", DAMAGED)
    if done.returncode:
        raise UnreadableFileError(
            f"{name}: takes more than {limits.memory_mb} MB of memory, or {_SECONDS // 60} minutes, to read. "
            "Ask for CSV or JSON Lines, or raise METRICS_MEMORY_MB",
            LIMIT,
        )
    answer: dict[str, Any] = json.loads(done.stdout)
    if "fault" in answer:
        raise UnreadableFileError(f"{name}: {answer['problem']}", _CODES[answer["fault"]])
    return answer
