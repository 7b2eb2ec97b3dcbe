"""The served warehouse, to be followed: what is worked out on the way never goes beside it."""

from __future__ import annotations

from pathlib import Path

import duckdb

from include.settings import Settings
from include.sql import literal
from include.warehouse.publish import serve_file


def served(settings: Settings, scratch: Path) -> duckdb.DuckDBPyConnection:
    """A connection to what is served, read-only; what does not fit into memory goes into the scratch folder."""
    # Settings come after opening: DuckDB opens a file once per process, and not with other ones.
    con = duckdb.connect(str(serve_file(settings.home)), read_only=True)
    con.execute(f"set memory_limit = '{settings.memory_mb}MB'; set temp_directory = {literal(str(scratch / 'spill'))}")
    con.execute("set enable_progress_bar = false; set timezone = 'UTC'")
    return con
