"""The raw Parquet of a batch, from the files as they were received."""

from __future__ import annotations

import gzip
import json
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb

from include import files
from include.landing.batches import Batch, LandedFile, RowsFile
from include.sources.file_reader import FILE, ROW_NUMBER, UNPARSABLE, UnreadableFileError, read_files
from include.sources.loading import LoadedSource
from include.sources.schema import Feed
from include.sql import quoted

ROWS_FILE = "rows.parquet"
QUESTIONNAIRES_FILE = "questionnaires.json"


def original_name(name: str, number: int, count: int) -> str:
    """The name under which a batch keeps a received file."""
    return f"original{f'.{number}' if count > 1 else ''}{Path(name).suffix.lower()}.gz"


def write_rows(
    paths: Sequence[Path], received: list[LandedFile], feed: Feed, target: Path, scratch: Path
) -> tuple[RowsFile, list[LandedFile]]:
    """Write received files as raw Parquet.

    Returns:
        the Parquet file, and the received files with their encoding and number of records.

    Raises:
        UnreadableFileError: a file can't be read as its feed declares it.
    """
    if feed.questionnaires:
        return _questionnaire_rows(json.loads(paths[0].read_bytes()), target), received
    with duckdb.connect() as con:
        columns, read = read_files(con, paths, feed, scratch)
        names = ", ".join(quoted(name) for name in [ROW_NUMBER, FILE, UNPARSABLE, *columns])
        con.execute(
            f"copy (select {names} from raw order by {ROW_NUMBER}) to $path (format parquet)",
            {"path": str(target)},
        )
    files_read = [
        one.model_copy(update={"encoding": encoding, "records": records})
        for one, (encoding, records) in zip(received, read, strict=True)
    ]
    total = sum(records for _, records in read)
    return RowsFile(path=ROWS_FILE, sha256=files.sha256_of(target), records=total, columns=columns), files_read


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
        UnreadableFileError: an original is not what was received, or still can't be read.
    """
    folder = batch.folder(home)
    with tempfile.TemporaryDirectory(dir=files.private_folder(home / "work"), prefix="landing-") as scratch:
        paths = []
        for number, one in enumerate(batch.files):
            path = Path(scratch) / str(number) / one.name
            path.parent.mkdir()
            _decompress(folder / original_name(one.name, number, len(batch.files)), path)
            if files.sha256_of(path) != one.sha256:
                raise UnreadableFileError(f"{batch.batch_id}: the original of {one.name} is damaged (SHA-256 differs)")
            paths.append(path)
        with files.writing(folder / ROWS_FILE) as target:
            feed = loaded.source.feeds[batch.feed]
            rows, received = write_rows(paths, batch.files, feed, target, Path(scratch))
    again = batch.model_copy(
        update={
            "files": received,
            "rows": rows,
            "status": "landed",
            "message": None,
            "mapping_hash": loaded.mapping_hash,
        }
    )
    files.write_json(folder / "batch.json", again.model_dump(mode="json"))
    return again


def _decompress(path: Path, target: Path) -> None:
    try:
        with gzip.open(path) as source, target.open("wb") as out:
            shutil.copyfileobj(source, out, 1 << 20)
    except (OSError, EOFError, ValueError) as error:
        raise UnreadableFileError(f"{path.parent.name}: {path.name} is damaged: {error}") from error
