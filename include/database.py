"""DuckDB for one step's work, with bounded memory and nothing printed."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from include import files
from include.settings import Settings
from include.sql import literal

Config = dict[str, str | bool | int | float | list[str]]
# What is kept for minutes is not worth finding out how small it can be made: half of a table's cost was that.
_SLOW_COMPRESSION = "fsst,zstd,dict_fsst,dictionary,chimp,patas,alp,alprd,roaring"


@contextmanager
def bounded_database(
    memory_mb: int, scratch: Path, file: Path | None = None, **more: str | int
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database (in memory, or in `file`) that takes at most `memory_mb` and spills the rest into `scratch`.

    Its times are UTC. `more` are further settings of DuckDB.
    """
    config: Config = {"memory_limit": f"{memory_mb}MB", "temp_directory": str(scratch / "spill"), **more}
    with duckdb.connect(str(file or ":memory:"), config=config) as con:
        con.execute("set enable_progress_bar = false; set timezone = 'UTC'")
        yield con


@contextmanager
def working_database(settings: Settings, prefix: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in a private scratch folder of the data home, gone at the end of the block.

    It lies on disk, so that a large delivery is not held in memory (METRICS_MEMORY_MB).
    """
    with tempfile.TemporaryDirectory(dir=files.private_folder(settings.home / "work"), prefix=f"{prefix}-") as folder:
        scratch = Path(folder)
        more = {"threads": settings.threads} if settings.threads else {}
        with bounded_database(settings.memory_mb, scratch, scratch / f"{prefix}.duckdb", **more) as con:
            con.execute("set preserve_insertion_order = false")
            con.execute(f"set disabled_compression_methods = {literal(_SLOW_COMPRESSION)}")
            yield con
