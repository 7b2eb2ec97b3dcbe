"""DuckDB for one step's work, with bounded memory and nothing printed."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from include import files
from include.settings import Settings


@contextmanager
def working_database(settings: Settings, prefix: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in a private scratch folder of the data home, gone at the end of the block.

    It lies on disk, so that a large delivery is not held in memory; what DuckDB needs beyond METRICS_MEMORY_MB it
    spills into the same folder.
    """
    with tempfile.TemporaryDirectory(dir=files.private_folder(settings.home / "work"), prefix=f"{prefix}-") as scratch:
        config: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": f"{settings.memory_mb}MB",
            "temp_directory": str(Path(scratch) / "spill"),
        }
        with duckdb.connect(str(Path(scratch) / f"{prefix}.duckdb"), config=config) as con:
            con.execute("set enable_progress_bar = false; set timezone = 'UTC'; set preserve_insertion_order = false")
            yield con
