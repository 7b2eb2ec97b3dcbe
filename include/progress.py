"""How a night is getting on: steps append events to one file per night, people's terminals read it.

The file only informs; nothing that is computed depends on it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from include import files
from include.errors import MetricsError
from include.settings import night_id


@dataclass(frozen=True)
class Event:
    """One line of the file. `at` is wall-clock seconds since 1970, for display."""

    at: float
    step: str
    subject: str
    kind: Literal["begin", "note", "end", "fail"]
    seconds: float = 0.0
    detail: dict[str, Any] = field(default_factory=dict)


def progress_file(home: Path, as_of: datetime) -> Path:
    """Where the events of a night lie."""
    return home / "logs" / f"{night_id(as_of)}.progress.jsonl"


def append(path: Path, event: Event) -> None:
    """Add one event."""
    files.append_line(path, json.dumps(asdict(event), ensure_ascii=False))


def note(path: Path, step_name: str, done: int, of: int) -> None:
    """Report how far a running step is."""
    append(path, Event(time.time(), step_name, "", "note", detail={"done": done, "of": of}))


@contextmanager
def step(path: Path, name: str, subject: str = "") -> Iterator[dict[str, Any]]:
    """Report a step's begin, and its end or failure with the seconds it took.

    The block may fill the dictionary it is given: counts and messages that the terminal shows.
    """
    begun = time.time()
    append(path, Event(begun, name, subject, "begin"))
    detail: dict[str, Any] = {}
    try:
        yield detail
    except BaseException as error:
        # Errors of ours say all in their text; of any other the kind is half of what there is to know.
        message = str(error) if isinstance(error, MetricsError) else f"{type(error).__name__}: {error}"
        append(path, Event(time.time(), name, subject, "fail", time.time() - begun, {"message": message}))
        raise
    append(path, Event(time.time(), name, subject, "end", time.time() - begun, detail))


def failures(events: Iterable[Event]) -> list[Event]:
    """The steps that failed and did not succeed later."""
    failed: dict[tuple[str, str], Event] = {}
    for event in events:
        key = (event.step, event.subject)
        if event.kind == "fail":
            failed[key] = event
        elif event.kind == "end":
            failed.pop(key, None)
    return list(failed.values())


def read_events(path: Path, offset: int = 0) -> tuple[list[Event], int]:
    """The whole events after `offset` bytes, and the offset to go on from."""
    if not path.exists():
        return [], offset
    with path.open("rb") as file:
        file.seek(offset)
        content = file.read()
    whole = content[: content.rfind(b"\n") + 1]
    events = [_event(line) for line in whole.splitlines()]
    return [event for event in events if event], offset + len(whole)


def _event(line: bytes) -> Event | None:
    """The event of a line; none of one that a killed run tore off."""
    try:
        return Event(**json.loads(line))
    except ValueError:
        return None
