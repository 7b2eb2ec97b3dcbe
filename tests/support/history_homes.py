"""Data homes in which random histories arrive, and what tells their warehouses apart."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import duckdb

from include.sql import in_list, quoted
from include.warehouse.publish import serve_file
from tests.support.faults_night import PUBLISHED, run
from tests.support.histories import Arrival, deliver, fix_context, write_sources

HASH_KEY = "a key for tests"


class HistoryHomes:
    """Homes below one folder, filled one after the other in one place."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.sources = folder / "sources"
        write_sources(self.sources)

    def fill(self, name: str, arrivals: Sequence[Arrival], nights: Sequence[str]) -> Path:
        """Run the nights on which something arrives in a new home, and keep it under a name."""
        self.home.mkdir()
        fix_context(self.home, nights)
        for number in sorted({one.night for one in arrivals}):
            deliver(self.home, arrivals, number)
            self.run(nights[number])
            # Source YAMLs change; what was judged keeps the mapping that held.
            with (self.sources / "desk.yml").open("a") as mapping:
                mapping.write(f"# changed after {nights[number]}\n")
        return self.keep(name)

    def run(self, night: str) -> None:
        """Run one night to its end."""
        done = run(self.home, night, METRICS_SOURCES=str(self.sources), METRICS_HASH_KEY=HASH_KEY)
        assert done.code == PUBLISHED, done.output[-6000:]
        assert "Traceback" not in done.output, done.output[-6000:]

    def keep(self, name: str) -> Path:
        """Move the home aside."""
        return self.home.rename(self.folder / name)


def differences(
    left: Path, right: Path, schemas: Collection[str], ignored: Mapping[str, Collection[str]]
) -> dict[str, str]:
    """What differs between two warehouse files, by table: the columns, or rows (a few are shown) and how many.

    `ignored` names columns by table that are left out; `*` stands for all tables.
    """
    faults: dict[str, str] = {}
    with duckdb.connect() as con:
        for name, path in (("l", left), ("r", right)):
            con.execute(f"attach '{path}' as {name} (read_only)")
        tables = {name: _columns(con, name, schemas, ignored) for name in ("l", "r")}
        for table in sorted(tables["l"].keys() | tables["r"].keys()):
            columns = tables["l"].get(table)
            if columns is None or columns != tables["r"].get(table):
                faults[table] = f"columns {columns} and {tables['r'].get(table)}"
                continue
            chosen = ", ".join(quoted(column) for column in columns)
            found = []
            for one, other in (("l", "r"), ("r", "l")):
                query = f"select {chosen} from {one}.{table} except all select {chosen} from {other}.{table}"
                rows = con.execute(query).fetchall()
                if rows:
                    shown = [_named(columns, row) for row in sorted(rows, key=str)[:2]]
                    found.append(f"{len(rows)} rows only in the {'first' if one == 'l' else 'second'}: {shown}")
            if found:
                faults[table] = "; ".join(found)
    return faults


def rows_of(home: Path, query: str) -> list[tuple[object, ...]]:
    """What a query finds in the served warehouse."""
    with duckdb.connect(str(serve_file(home)), read_only=True) as con:
        return con.execute(query).fetchall()


def _columns(
    con: duckdb.DuckDBPyConnection, name: str, schemas: Collection[str], ignored: Mapping[str, Collection[str]]
) -> dict[str, list[str]]:
    rows = con.execute(
        f"select schema_name || '.' || table_name, column_name from duckdb_columns() "
        f"where database_name = '{name}' and schema_name in ({in_list(sorted(schemas))}) order by 1, column_index"
    ).fetchall()
    tables: dict[str, list[str]] = {}
    for table, column in rows:
        if column not in {*ignored.get("*", ()), *ignored.get(table, ())}:
            tables.setdefault(table, []).append(column)
    return tables


def _named(columns: Sequence[str], row: Sequence[object]) -> str:
    return ", ".join(f"{name}={value}" for name, value in zip(columns, row, strict=True))
