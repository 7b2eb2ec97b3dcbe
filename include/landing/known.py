"""What landing and gate have to know of a feed's earlier batches, in one small file beside them.

Opening every `batch.json` would make each night dearer than the one before. The file is only a copy: a batch that it
lacks (the run died between the two), or all of it, is taken from `batch.json` again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from include import files
from include.landing.batches import Batch, batch_folders, feed_folder, read_batch

KNOWN_FILE = "known.json"


class KnownBatch(BaseModel):
    """A batch as far as the recognition of deliveries needs it; `files` are name, size and time of change (ns)."""

    model_config = ConfigDict(frozen=True)

    batch_id: str
    night: datetime
    delivered_for: datetime | None
    batch_order: str
    content_hash: str
    records: int | None
    files: frozenset[tuple[str, int, int]]


def known_batch(batch: Batch) -> KnownBatch:
    """A batch, as it is remembered."""
    return KnownBatch(
        batch_id=batch.batch_id,
        night=batch.night,
        delivered_for=batch.delivered_for,
        batch_order=batch.batch_order,
        content_hash=batch.content_hash,
        records=batch.rows.records if batch.rows else None,
        files=frozenset((one.name, one.size, one.mtime_ns) for one in batch.files),
    )


def read_known(home: Path, source: str, feed: str, as_of: datetime) -> list[KnownBatch]:
    """The batches of a feed that landed for nights up to `as_of`, in the order in which they hold."""
    folders = batch_folders(home, source, feed)
    remembered = {one.batch_id: one for one in _remembered(feed_folder(home, source, feed) / KNOWN_FILE)}
    found = [remembered.get(name) or known_batch(read_batch(folder)) for name, folder in folders.items()]
    return sorted((one for one in found if one.night <= as_of), key=lambda one: one.batch_order)


def remember(home: Path, source: str, feed: str, known: Sequence[KnownBatch]) -> None:
    """Keep what is known of a feed's batches."""
    # Each as a text of its own: pydantic reads and writes these fast.
    texts = [one.model_dump_json() for one in known]
    files.write_json(feed_folder(home, source, feed) / KNOWN_FILE, {"batches": texts})


def _remembered(path: Path) -> list[KnownBatch]:
    if not path.exists():
        return []
    try:
        return [KnownBatch.model_validate_json(text) for text in files.read_json(path)["batches"]]
    except (files.DamagedFileError, ValidationError, KeyError):
        return []  # it is a copy: all of it stands in the batches
