"""Both sides of a benchmark of marts, run on one file, and the rows in which they differ."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from benchmarks.warehouse.home import restore_prepared
from include.settings import PROJECT_ROOT
from include.warehouse.build_file import build_file


@contextmanager
def both_sides(
    kind: str, prepare: Callable[[Path, int], None], home: Path, count: int
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A file with the tables of both sides: those of the script in `floor`, those of the models in `marts`."""
    prepare(home, count)
    restore_prepared(home)
    for side in ("floor", "marts"):
        command = [sys.executable, "-m", "benchmarks.side", f"{kind}_marts.{side}", str(home)]
        subprocess.run(command, check=True, cwd=PROJECT_ROOT)
    with duckdb.connect(build_file(home), read_only=True) as con:
        yield con


def assert_same_rows(con: duckdb.DuckDBPyConnection, mart: str, key: str) -> None:
    """The same columns and rows on both sides; doubles may differ by their last digits."""
    columns = _columns(con, "marts", mart)
    assert _columns(con, "floor", mart) == columns
    others = ", ".join(name for name, kind in columns.items() if kind != "DOUBLE")
    for these, those in (("marts", "floor"), ("floor", "marts")):
        missing = f"(select {others} from {these}.{mart} except all select {others} from {those}.{mart})"
        assert con.execute(f"select * from {missing} limit 3").fetchall() == []
    for name in (name for name, kind in columns.items() if kind == "DOUBLE"):
        differing = con.execute(
            f"select {key}, m.{name}, f.{name} from marts.{mart} as m join floor.{mart} as f using ({key}) "
            f"where (m.{name} is null) <> (f.{name} is null) or abs(m.{name} - f.{name}) > 1e-6 limit 3"
        ).fetchall()
        assert differing == [], name


def rows_with(con: duckdb.DuckDBPyConnection, mart: str, condition: str) -> int:
    """How many rows of a mart meet a condition."""
    ((count,),) = con.execute(f"select count(*) from marts.{mart} where {condition}").fetchall()
    return int(count)


def _columns(con: duckdb.DuckDBPyConnection, schema: str, table: str) -> dict[str, str]:
    return dict(
        con.execute(
            "select column_name, data_type from duckdb_columns() where schema_name = ? and table_name = ?",
            [schema, table],
        ).fetchall()
    )
