"""Land what a feed delivered: recognise what is known, write the rest once."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from include import files
from include.failpoints import failpoint
from include.landing.batches import (
    Batch,
    LandedFile,
    RowsFile,
    batch_id_of,
    batch_order_of,
    feed_folder,
    read_batches,
)
from include.landing.deliveries import Delivery, find_deliveries
from include.settings import Settings, night_id, night_text
from include.sources.file_reader import FILE, ROW_NUMBER, UNPARSABLE, UnreadableFileError, read_files
from include.sources.loading import LoadedSource, load_source_results
from include.sources.questionnaires import questionnaire_rows
from include.sources.schema import Feed
from include.sql import quoted


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
    known = read_batches(settings.home, source, feed, as_of)
    landing = _Landing(settings, as_of, loaded, feed, known)
    if landing.feed.questionnaires:
        landing.land_questionnaires()
    else:
        for delivery in find_deliveries(settings, loaded, landing.feed, as_of):
            landing.land_delivery(delivery)
    return landing.result


class _Landing:
    """Landing of one feed in one night."""

    def __init__(self, settings: Settings, as_of: datetime, loaded: LoadedSource, feed: str, known: list[Batch]):
        self.settings = settings
        self.as_of = as_of
        self.loaded = loaded
        self.feed_name = feed
        self.feed: Feed = loaded.source.feeds[feed]
        self.known = known
        self.result = LandingResult()

    def land_delivery(self, delivery: Delivery) -> None:
        if delivery.delivered_for and self._is_landed_unchanged(delivery):
            return
        received = [_received(path) for path in delivery.paths]
        digest = hashlib.sha256("\n".join(sorted(one.sha256 for one in received)).encode()).hexdigest()
        if self._is_known(delivery.delivered_for, digest):
            return
        with tempfile.TemporaryDirectory(prefix="landing-") as scratch:
            self._write(delivery.delivered_for, digest, received, delivery.paths, Path(scratch), None)

    def land_questionnaires(self) -> None:
        rows = questionnaire_rows(self.loaded.source)
        content = json.dumps(rows, ensure_ascii=False, sort_keys=True).encode()
        digest = hashlib.sha256(content).hexdigest()
        if self._is_known(None, digest):
            return
        with tempfile.TemporaryDirectory(prefix="landing-") as scratch:
            path = Path(scratch) / "questionnaires.json"
            path.write_bytes(content)
            self._write(None, digest, [_received(path)], [path], Path(scratch), rows)

    def _is_landed_unchanged(self, delivery: Delivery) -> bool:
        """Whether a batch of that night has these files, by name, size and time of change."""
        here = {(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in delivery.paths}
        return any(
            batch.delivered_for == delivery.delivered_for
            and here == {(one.name, one.size, one.mtime_ns) for one in batch.files}
            for batch in self.known
        )

    def _is_known(self, delivered_for: datetime | None, digest: str) -> bool:
        """Whether this content is landed already; if by another delivery, that is recorded once."""
        same_label = [b for b in self.known if b.delivered_for == delivered_for and b.content_hash == digest]
        if delivered_for and same_label:
            return True
        candidates = self.known
        if self.feed.delivery == "snapshot":
            order = batch_order_of(self.as_of, delivered_for, digest)
            candidates = [b for b in self.known if b.batch_order <= order][-1:]
        twin = next((b for b in candidates if b.content_hash == digest), None)
        if twin is None:
            return False
        if twin.night != self.as_of or delivered_for:
            self._record_identical(delivered_for, digest, twin)
        return True

    def _record_identical(self, delivered_for: datetime | None, digest: str, twin: Batch) -> None:
        label = night_id(delivered_for or self.as_of)
        name = f"{self.loaded.source.name}.{self.feed_name}.{label}.{digest[:12]}.json"
        folder = self.settings.home / "ledger" / "identical"
        if any(folder.glob(f"*/{name}")):
            return
        files.write_json(
            folder / night_id(self.as_of) / name,
            {
                "source": self.loaded.source.name,
                "feed": self.feed_name,
                "night": night_text(self.as_of),
                "content_hash": digest,
                "identical_to": twin.batch_id,
                "received_at": night_text(datetime.now(UTC)),
                "records": twin.rows.records if twin.rows else None,
            },
        )
        self.result.identical += 1

    def _write(
        self,
        delivered_for: datetime | None,
        digest: str,
        received: list[LandedFile],
        paths: Sequence[Path],
        scratch: Path,
        rows: list[dict[str, Any]] | None,
    ) -> None:
        """Write the batch: originals, raw Parquet, and `batch.json`, whole or not at all."""
        source = self.loaded.source
        batch_id = batch_id_of(source.name, self.feed_name, delivered_for or self.as_of, digest)
        files.private_folder(self.settings.home / "landing")
        folder = feed_folder(self.settings.home, source.name, self.feed_name) / batch_id
        if folder.exists():
            return
        failpoint("landing:before_write")
        with files.writing_folder(folder) as temporary:
            for number, path in enumerate(paths):
                _compress(path, temporary / _original_name(path, number, len(paths)))
            message, rows_file = None, None
            try:
                if rows is None:
                    rows_file, received = _raw_parquet(paths, received, self.feed, temporary, scratch)
                else:
                    rows_file = _rows_parquet(rows, temporary)
            except UnreadableFileError as error:
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
                batch_order=batch_order_of(self.as_of, delivered_for, digest),
                received_at=datetime.now(UTC).replace(microsecond=0),
                content_hash=digest,
                files=received,
                rows=rows_file,
                status="landed" if rows_file else "unreadable",
                message=message,
                mapping_hash=self.loaded.mapping_hash,
            )
            failpoint("landing:before_commit")
            files.write_json(temporary / "batch.json", batch.model_dump(mode="json"))
        self.known.append(batch)
        self.known.sort(key=lambda b: b.batch_order)
        self.result.batches.append(batch_id)
        self.result.records += rows_file.records if rows_file else 0


def _received(path: Path) -> LandedFile:
    status = path.stat()
    return LandedFile(name=path.name, size=status.st_size, mtime_ns=status.st_mtime_ns, sha256=files.sha256_of(path))


def _original_name(path: Path, number: int, count: int) -> str:
    return f"original{f'.{number}' if count > 1 else ''}{path.suffix.lower()}.gz"


def _compress(path: Path, target: Path) -> None:
    # No file name and no time in the header: the same bytes give the same bytes.
    with (
        path.open("rb") as source,
        target.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0, compresslevel=6) as out,
    ):
        shutil.copyfileobj(source, out, 1 << 20)


def _raw_parquet(
    paths: Sequence[Path], received: list[LandedFile], feed: Feed, folder: Path, scratch: Path
) -> tuple[RowsFile, list[LandedFile]]:
    con = duckdb.connect()
    try:
        columns, read = read_files(con, paths, feed, scratch)
        target = folder / "rows.parquet"
        names = ", ".join(quoted(name) for name in [ROW_NUMBER, FILE, UNPARSABLE, *columns])
        con.execute(
            f"copy (select {names} from raw order by {ROW_NUMBER}) to $path (format parquet)",
            {"path": str(target)},
        )
    finally:
        con.close()
    files_read = [
        one.model_copy(update={"encoding": encoding, "records": records})
        for one, (encoding, records) in zip(received, read, strict=True)
    ]
    total = sum(records for _, records in read)
    return RowsFile(path=target.name, sha256=files.sha256_of(target), records=total, columns=columns), files_read


def _rows_parquet(rows: list[dict[str, Any]], folder: Path) -> RowsFile:
    """Raw Parquet of rows that the source YAML itself holds."""
    import pyarrow as pa  # noqa: PLC0415 - only questionnaires need it
    import pyarrow.parquet as pq  # noqa: PLC0415

    columns = sorted({name for row in rows for name in row})
    table = {ROW_NUMBER: pa.array(range(1, len(rows) + 1), pa.int64())}
    table[FILE] = pa.array(["questionnaires.json"] * len(rows), pa.string())
    table[UNPARSABLE] = pa.array([None] * len(rows), pa.string())
    for name in columns:
        table[name] = pa.array([row.get(name) for row in rows], pa.string())
    target = folder / "rows.parquet"
    pq.write_table(pa.table(table), target)
    return RowsFile(path=target.name, sha256=files.sha256_of(target), records=len(rows), columns=columns)
