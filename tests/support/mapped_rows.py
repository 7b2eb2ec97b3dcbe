"""Map raw records as the gate does, before any verdict."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from include.landing import land_feed
from include.landing.batches import read_batches
from include.settings import Settings
from include.sources import LoadedSource
from include.sources.file_reader import ROW_NUMBER, UNPARSABLE
from include.sources.loading import load_source
from include.sources.mapping import mapped_rows
from include.sql import literal, quoted


def map_records(
    folder: Path, yaml: str, entity: str, records: list[dict[str, str | None]], feed: str = "feed"
) -> list[dict[str, Any]]:
    """Mapped rows of records written in the test, in order; all records have the columns of the first."""
    path = folder / "source.yml"
    path.write_text(yaml, encoding="utf-8")
    loaded = load_source(path)
    columns = list(records[0])
    with duckdb.connect() as con:
        con.execute("set timezone = 'UTC'")
        types = ", ".join(f"{quoted(name)} varchar" for name in columns)
        con.execute(f"create table raw ({types}, {ROW_NUMBER} bigint, {UNPARSABLE} varchar)")
        marks = ", ".join("?" * (len(columns) + 2))
        for number, record in enumerate(records, start=1):
            con.execute(f"insert into raw values ({marks})", [*record.values(), number, None])
        sql = mapped_rows(loaded, feed, entity, columns, "UTC")
        return _as_dicts(con, f"select * from ({sql}) order by local_id")


def map_delivery(
    con: duckdb.DuckDBPyConnection, settings: Settings, as_of: datetime, loaded: LoadedSource, feed: str
) -> int:
    """Land a feed's files and put its mapped rows into tables `<source>_<feed>_<entity>`; the number of records."""
    land_feed(settings, as_of, loaded.source.name, feed)
    records = 0
    for batch in read_batches(settings.home, loaded.source.name, feed, as_of):
        assert batch.rows is not None, batch.message
        path = batch.folder(settings.home) / batch.rows.path
        con.execute(f"create or replace temp view raw as select * from read_parquet({literal(str(path))})")
        for entity in loaded.source.feeds[feed].entities:
            sql = mapped_rows(loaded, feed, entity, batch.rows.columns, settings.timezone)
            con.execute(f"create table {loaded.source.name}_{feed}_{entity} as {sql}")
        records += batch.rows.records
    return records


def _as_dicts(con: duckdb.DuckDBPyConnection, sql: str) -> list[dict[str, Any]]:
    found = con.execute(sql)
    names = [one[0] for one in found.description or []]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
