"""Files written by hand, read as a feed declares them."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from include.sources.file_reader import RawFiles, ReadLimits, read_to_parquet
from include.sources.schema import Feed

MAPPED = {"ticket": {"columns": {"ticket_id": ["工单编号", "id"], "status": ["状态", "status"]}}}


@dataclass
class Reading:
    """What became of a delivery: what reading it says, and the raw rows (number, file, unparsable text, cells)."""

    read: RawFiles
    rows: list[tuple[Any, ...]]

    @property
    def cells(self) -> list[tuple[Any, ...]]:
        """Unparsable text and cells of each record."""
        return [row[2:] for row in self.rows]


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Reading]:
    """Read files, given as name and content, as a feed with some options declares them."""

    def reading(files: dict[str, bytes | str], limits: ReadLimits | None = None, **feed: Any) -> Reading:
        declared = Feed.model_validate({"delivery": "incremental", "files": "*", "entities": MAPPED, **feed})
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        paths = []
        for number, (name, content) in enumerate(files.items()):
            path = folder / str(number) / name
            path.parent.mkdir(parents=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
            paths.append(path)
        target = folder / "rows.parquet"
        read = read_to_parquet(paths, declared, target, folder, limits or ReadLimits())
        rows = duckdb.connect().execute(f"select * from '{target}' order by _row_number").fetchall()
        assert [row[0] for row in rows] == list(range(1, len(rows) + 1)), "numbers without gaps"
        assert len(rows) == read.records
        return Reading(read, rows)

    return reading


@pytest.fixture
def zipped() -> Callable[[dict[str, bytes | str]], bytes]:
    """A zip of members, given as name and content."""

    def packed(members: dict[str, bytes | str]) -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        return buffer.getvalue()

    return packed


@pytest.fixture
def gzipped() -> Callable[[str], bytes]:
    """A text as gzip."""
    return lambda text: gzip.compress(text.encode())
