"""Land what a feed delivered: recognise what is known, write the rest once."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from include import files
from include.failpoints import failpoint
from include.landing.batches import (
    BATCH_FILE,
    Batch,
    LandedFile,
    batch_id_of,
    batch_order_of,
    feed_folder,
    order_prefix,
)
from include.landing.deliveries import Delivery, find_deliveries
from include.landing.identical import IdenticalDelivery, record_identical
from include.landing.known import KnownBatch, known_batch, read_known, remember
from include.landing.raw_rows import QUESTIONNAIRES_FILE, ROWS_FILE, original_name, write_rows
from include.settings import Settings
from include.sources.file_reader import ReadLimits, UnreadableFileError
from include.sources.loading import LoadedSource, load_source_results
from include.sources.questionnaires import questionnaire_rows
from include.sources.schema import Feed
from include.sql import raise_machine_fault


@dataclass
class LandingResult:
    """What landing one feed did."""

    batches: list[str] = field(default_factory=list)
    identical: int = 0
    records: int = 0
    unreadable: list[str] = field(default_factory=list)


def land_feed(settings: Settings, as_of: datetime, source: str, feed: str) -> LandingResult:
    """Land every delivery of a feed up to `as_of` that is not landed yet.

    The same content again (of any earlier batch for an incremental feed, of the latest for a snapshot) is recorded
    under `ledger/identical/` and not landed; a delivery of a night that has landed is passed over without reading it.
    A file that can't be read is landed as it is, without rows.

    Raises:
        KeyError: no such source or feed.
    """
    loaded = next(s for s in load_source_results(settings.sources)[0] if s.source.name == source)
    known = read_known(settings.home, source, feed, as_of)
    landing = _Landing(settings, as_of, loaded, feed, known)
    if landing.feed.questionnaires:
        landing.land_questionnaires()
    else:
        for delivery in find_deliveries(settings, loaded, landing.feed, as_of):
            landing.land_delivery(delivery)
    if landing.result.batches:
        remember(settings.home, source, feed, landing.known)
    return landing.result


class _Landing:
    """Landing of one feed in one night."""

    def __init__(self, settings: Settings, as_of: datetime, loaded: LoadedSource, feed: str, known: list[KnownBatch]):
        self.settings = settings
        self.as_of = as_of
        self.loaded = loaded
        self.feed_name = feed
        self.feed: Feed = loaded.source.feeds[feed]
        self.known = known
        self.stamps = {(batch.delivered_for, batch.files) for batch in known}
        self.result = LandingResult()

    def land_delivery(self, delivery: Delivery) -> None:
        if delivery.delivered_for and self._is_landed_unchanged(delivery):
            return
        with self._scratch() as scratch:
            # A file may grow meanwhile: all that follows is about one copy.
            paths = [Path(scratch) / str(number) / path.name for number, path in enumerate(delivery.paths)]
            received = [_receive(path, copy) for path, copy in zip(delivery.paths, paths, strict=True)]
            digest = hashlib.sha256("\n".join(sorted(one.sha256 for one in received)).encode()).hexdigest()
            if not self._is_known(delivery.delivered_for, digest):
                self._write(delivery.delivered_for, digest, received, paths, Path(scratch))

    def land_questionnaires(self) -> None:
        rows = questionnaire_rows(self.loaded.source)
        content = json.dumps(rows, ensure_ascii=False, sort_keys=True).encode()
        digest = hashlib.sha256(content).hexdigest()
        if self._is_known(None, digest):
            return
        with self._scratch() as scratch:
            path = Path(scratch) / QUESTIONNAIRES_FILE
            path.write_bytes(content)
            self._write(None, digest, [_landed_file(path, path.stat())], [path], Path(scratch))

    def _scratch(self) -> tempfile.TemporaryDirectory[str]:
        """A folder in the data home: what stands in it is as personal as what lands."""
        folder = files.private_folder(self.settings.home / "work")
        return tempfile.TemporaryDirectory(dir=folder, prefix="landing-")

    def _is_landed_unchanged(self, delivery: Delivery) -> bool:
        """Whether a batch of that night has these files, by name, size and time of change."""
        return (delivery.delivered_for, delivery.stamps) in self.stamps

    def _is_known(self, delivered_for: datetime | None, digest: str) -> bool:
        """Whether this content is landed already; if by another delivery, that is recorded once."""
        same_label = [b for b in self.known if b.delivered_for == delivered_for and b.content_hash == digest]
        if delivered_for and same_label:
            return True
        candidates = self.known
        if self.feed.delivery == "snapshot":
            prefix = order_prefix(self.as_of, delivered_for)
            candidates = [b for b in self.known if b.batch_order[: len(prefix)] <= prefix][-1:]
        twin = next((b for b in candidates if b.content_hash == digest), None)
        if twin is None:
            return False
        if twin.night != self.as_of or delivered_for:
            self._record_identical(delivered_for, digest, twin)
        return True

    def _record_identical(self, delivered_for: datetime | None, digest: str, twin: KnownBatch) -> None:
        source = self.loaded.source.name
        one = IdenticalDelivery(
            name=batch_id_of(source, self.feed_name, delivered_for or self.as_of, digest),
            source=source,
            feed=self.feed_name,
            night=self.as_of,
            content_hash=digest,
            identical_to=twin.batch_id,
            received_at=datetime.now(UTC).replace(microsecond=0),
            records=twin.records,
        )
        self.result.identical += record_identical(self.settings.home, one)

    def _write(
        self,
        delivered_for: datetime | None,
        digest: str,
        received: list[LandedFile],
        paths: Sequence[Path],
        scratch: Path,
    ) -> None:
        """Write the batch: originals, raw Parquet, and `batch.json`, whole or not at all."""
        source = self.loaded.source
        batch_id = batch_id_of(source.name, self.feed_name, delivered_for or self.as_of, digest)
        files.private_folder(self.settings.home / "landing")
        folder = feed_folder(self.settings.home, source.name, self.feed_name) / batch_id
        if folder.exists():
            return
        prefix = order_prefix(self.as_of, delivered_for)
        sequence = sum(one.batch_order.startswith(prefix) for one in self.known)
        failpoint("landing:before_write")
        with files.writing_folder(folder) as temporary:
            for number, path in enumerate(paths):
                _compress(path, temporary / original_name(path.name, number, len(paths)))
            message, rows_file = None, None
            notes: list[str] = []
            try:
                rows_file, received = write_rows(
                    paths, received, self.feed, temporary / ROWS_FILE, scratch, ReadLimits.of(self.settings), notes
                )
                message = "; ".join(notes) or None
            except UnreadableFileError as error:
                raise_machine_fault(error)
                message = f"{source.name}.{self.feed_name}: {error}"
                self.result.unreadable.append(message)
            batch = Batch(
                batch_id=batch_id,
                source=source.name,
                feed=self.feed_name,
                group=source.group,
                delivery=self.feed.delivery,
                night=self.as_of,
                delivered_for=delivered_for,
                batch_order=batch_order_of(self.as_of, delivered_for, sequence, digest),
                received_at=datetime.now(UTC).replace(microsecond=0),
                content_hash=digest,
                files=received,
                rows=rows_file,
                status="landed" if rows_file else "unreadable",
                message=message,
                mapping_hash=self.loaded.mapping_hash,
            )
            failpoint("landing:before_commit")
            files.write_json(temporary / BATCH_FILE, batch.model_dump(mode="json"))
        self.known.append(known_batch(batch))
        self.stamps.add((self.known[-1].delivered_for, self.known[-1].files))
        self.known.sort(key=lambda b: b.batch_order)
        self.result.batches.append(batch_id)
        self.result.records += rows_file.records if rows_file else 0


def _receive(path: Path, copy: Path) -> LandedFile:
    """Copy a delivered file, and say what it was before: if it changes meanwhile, it is another one next time."""
    status = path.stat()
    copy.parent.mkdir()
    shutil.copyfile(path, copy)
    return _landed_file(copy, status)


def _landed_file(path: Path, status: os.stat_result) -> LandedFile:
    return LandedFile(name=path.name, size=status.st_size, mtime_ns=status.st_mtime_ns, sha256=files.sha256_of(path))


def _compress(path: Path, target: Path) -> None:
    # No file name and no time in the header: the same bytes give the same bytes.
    with (
        path.open("rb") as source,
        target.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0, compresslevel=1) as out,
    ):
        shutil.copyfileobj(source, out, 1 << 20)
