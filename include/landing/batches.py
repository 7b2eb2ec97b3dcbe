"""A batch: one delivery of one feed, as `landing/<source>/<feed>/<batch_id>/batch.json` records it."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from include import files
from include.settings import night_id, parse_night_id

FORMAT_VERSION = 1
BATCH_FILE = "batch.json"


class LandedFile(BaseModel):
    """One file of a delivery, as it was received."""

    model_config = ConfigDict(frozen=True)

    name: str
    size: int
    mtime_ns: int
    sha256: str
    encoding: str | None = None
    records: int | None = None


class RowsFile(BaseModel):
    """The raw Parquet of a batch."""

    model_config = ConfigDict(frozen=True)

    path: str
    sha256: str
    records: int
    columns: list[str]


class Batch(BaseModel):
    """One delivery of one feed."""

    model_config = ConfigDict(frozen=True)

    format_version: int = FORMAT_VERSION
    batch_id: str
    source: str
    feed: str
    group: str
    delivery: Literal["incremental", "snapshot"]
    night: datetime
    delivered_for: datetime | None
    batch_order: str
    received_at: datetime
    content_hash: str
    files: list[LandedFile]
    rows: RowsFile | None
    status: Literal["landed", "unreadable"]
    message: str | None = Field(None, description="why it is unreadable, or what is to be remarked on what was read")
    mapping_hash: str

    @property
    def night_end(self) -> datetime:
        """The end of the night that the delivery speaks of: nothing in it can be later."""
        return self.delivered_for or self.night

    def folder(self, home: Path) -> Path:
        """Where the batch lies."""
        return feed_folder(home, self.source, self.feed) / self.batch_id


def feed_folder(home: Path, source: str, feed: str) -> Path:
    """Where the batches of a feed lie."""
    return home / "landing" / source / feed


def batch_id_of(source: str, feed: str, night: datetime, content_hash: str) -> str:
    """Source, feed, night and 12 hex digits of the content: the same delivery always has the same id.

    The night is the one that the delivery speaks of, so that nights landed together get the ids that they get one by
    one, and a snapshot that changes back within them is a batch of its own.
    """
    return f"{source}.{feed}.{night_id(night)}.{content_hash[:12]}"


def night_of(batch_id: str) -> datetime:
    """The night (UTC) that a batch's id names."""
    return parse_night_id(batch_id.split(".")[-2])


def batch_order_of(night: datetime, delivered_for: datetime | None, sequence: int, content_hash: str) -> str:
    """Sorts deliveries in the order in which they hold: what they speak of, then when they came.

    `sequence` counts what came for the same in the same night: a corrected file holds over the one that it corrects.
    """
    return f"{order_prefix(night, delivered_for)}.{sequence:03}.{content_hash[:12]}"


def told_night_of(batch_order: str) -> datetime:
    """The night (UTC) that a delivery speaks of, whenever it came and however often it was judged."""
    return parse_night_id(batch_order.split(".", maxsplit=1)[0])


def order_prefix(night: datetime, delivered_for: datetime | None) -> str:
    """The part of `batch_order` that says what a delivery speaks of, and when it came."""
    return f"{night_id(delivered_for or night)}.{night_id(night)}"


def batch_folders(home: Path, source: str, feed: str) -> dict[str, Path]:
    """The folders of a feed's batches, by batch id."""
    folder = feed_folder(home, source, feed)
    if not folder.exists():
        return {}
    with os.scandir(folder) as entries:
        return {one.name: Path(one.path) for one in entries if one.is_dir() and not one.name.startswith(".")}


def read_batch(folder: Path) -> Batch:
    """The batch of a folder.

    Raises:
        DamagedFileError: its record is not what was written.
    """
    return Batch.model_validate(files.read_json(folder / BATCH_FILE))


def read_batches(home: Path, source: str, feed: str, as_of: datetime) -> list[Batch]:
    """The batches of a feed that landed for nights up to `as_of`, in the order in which they hold."""
    found = [read_batch(folder) for folder in batch_folders(home, source, feed).values()]
    return sorted((batch for batch in found if batch.night <= as_of), key=lambda batch: batch.batch_order)
