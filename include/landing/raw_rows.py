"""The raw Parquet of a batch, from the files as they were received."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import tempfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from include import files
from include.landing.batches import Batch, LandedFile, RowsFile
from include.sources.file_reader import FILE, ROW_NUMBER, UNPARSABLE, ReadLimits, read_to_parquet
from include.sources.loading import LoadedSource
from include.sources.schema import Feed

ROWS_FILE = "rows.parquet"
QUESTIONNAIRES_FILE = "questionnaires.json"
_ENDING = re.compile(r"\.\w{1,10}")


def original_name(name: str, number: int, count: int) -> str:
    """The name under which a batch keeps a received file: nothing of the file's own but its ending."""
    suffix = Path(name).suffix.lower()
    return f"original{f'.{number}' if count > 1 else ''}{suffix if _ENDING.fullmatch(suffix) else ''}.gz"


def write_rows(
    paths: Sequence[Path],
    received: list[LandedFile],
    feed: Feed,
    target: Path,
    scratch: Path,
    limits: ReadLimits | None = None,
    notes: list[str] | None = None,
) -> tuple[RowsFile, list[LandedFile]]:
    """Write received files as raw Parquet; what is to be remarked on them is added to `notes`.

    Returns:
        the Parquet file, and the received files with their encoding and number of records.

    Raises:
        UnreadableFileError: a file can't be read as its feed declares it.
    """
    if feed.questionnaires:
        return _questionnaire_rows(json.loads(paths[0].read_bytes()), target), received
    read = read_to_parquet(paths, feed, target, scratch, limits)
    if notes is not None:
        notes += read.notes
    files_read = [
        one.model_copy(update={"encoding": encoding, "records": records})
        for one, (encoding, records) in zip(received, read.files, strict=True)
    ]
    rows = RowsFile(path=ROWS_FILE, sha256=files.sha256_of(target), records=read.records, columns=read.columns)
    return rows, files_read


def _questionnaire_rows(rows: list[dict[str, Any]], target: Path) -> RowsFile:
    """Raw Parquet of rows that the source YAML itself holds."""
    import pyarrow as pa  # noqa: PLC0415 - only questionnaires need it
    import pyarrow.parquet as pq  # noqa: PLC0415

    columns = sorted({name for row in rows for name in row})
    table = {ROW_NUMBER: pa.array(range(1, len(rows) + 1), pa.int64())}
    table[FILE] = pa.array([QUESTIONNAIRES_FILE] * len(rows), pa.string())
    table[UNPARSABLE] = pa.array([None] * len(rows), pa.string())
    for name in columns:
        table[name] = pa.array([row.get(name) for row in rows], pa.string())
    pq.write_table(pa.table(table), target)
    return RowsFile(path=ROWS_FILE, sha256=files.sha256_of(target), records=len(rows), columns=columns)


def read_again(home: Path, batch: Batch, loaded: LoadedSource) -> Batch:
    """Write a batch's raw Parquet anew from its originals, as its feed is declared now.

    This heals a batch whose feed was declared with the wrong encoding or delimiter, and one whose Parquet is damaged.

    Raises:
        DamagedFileError: an original is not what was received.
        UnreadableFileError: it still can't be read.
    """
    folder = batch.folder(home)
    with tempfile.TemporaryDirectory(dir=files.private_folder(home / "work"), prefix="landing-") as scratch:
        paths = [
            unpack_original(folder, batch, number, Path(scratch) / str(number)) for number in range(len(batch.files))
        ]
        with files.writing(folder / ROWS_FILE) as target:
            feed = loaded.source.feeds[batch.feed]
            notes: list[str] = []
            rows, received = write_rows(paths, batch.files, feed, target, Path(scratch), notes=notes)
    again = batch.model_copy(
        update={
            "files": received,
            "rows": rows,
            "status": "landed",
            "message": "; ".join(notes) or None,
            "mapping_hash": loaded.mapping_hash,
        }
    )
    files.write_json(folder / "batch.json", again.model_dump(mode="json"))
    return again


def unpack_original(folder: Path, batch: Batch, number: int, scratch: Path) -> Path:
    """One of a batch's files as it was received, under its name, in a scratch folder that is not there yet.

    Raises:
        DamagedFileError: the original is gone, or not what was received.
    """
    one = batch.files[number]
    path = scratch / one.name
    scratch.mkdir()
    _decompress(folder / original_name(one.name, number, len(batch.files)), path)
    if files.sha256_of(path) != one.sha256:
        raise files.DamagedFileError(
            f"{batch.batch_id}: the original of {one.name} is damaged (its SHA-256 differs). Restore it from a backup."
        )
    return path


def _decompress(path: Path, target: Path) -> None:
    try:
        with gzip.open(path) as source, target.open("wb") as out:
            shutil.copyfileobj(source, out, 1 << 20)
    except (gzip.BadGzipFile, zlib.error, EOFError, FileNotFoundError) as error:
        told = "is gone" if isinstance(error, FileNotFoundError) else f"is damaged: {error}"
        raise files.DamagedFileError(f"{path.parent.name}: {path.name} {told}. Restore it from a backup.") from error
