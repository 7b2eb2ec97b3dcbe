"""Run whole nights as `make run` does, and compare what they publish."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import duckdb

from include.settings import PROJECT_ROOT
from include.sql import quoted
from include.warehouse.publish import serve_file
from tests.support import parsed_project

SECONDS = 300
PARSED_BY_NIGHTS = "nights"
# Tests run side by side: with threads for every core each they would only wait for each other.
ONE_THREAD = {"METRICS_THREADS": "1", "OMP_NUM_THREADS": "1"}
# Wall-clock times, for display; everything else must be the same.
WALL_CLOCK = {"received_at"}


def night_environment(home: Path, night: str, **settings: str) -> dict[str, str]:
    """The environment in which `make run` runs a night of a small sample company."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("METRICS_", "AIRFLOW"))}
    return {
        **environment,
        "METRICS_HOME": str(home),
        "METRICS_AS_OF": night,
        "METRICS_SAMPLE_SCALE": "0.01",
        **ONE_THREAD,
        "PYTHONPATH": os.pathsep.join([str(PROJECT_ROOT), str(PROJECT_ROOT / "plugins")]),
        **settings,
    }


def run_night(home: Path, night: str, *, failpoint: str = "", **settings: str) -> subprocess.CompletedProcess[str]:
    """Run one night in a session of its own; at the end nothing of it is left running."""
    environment = night_environment(home, night, METRICS_FAILPOINT=failpoint, **settings)
    command = [sys.executable, "-m", "service_metrics.run_nightly"]
    parsed_project.lend(parsed_project.target_of(home), PARSED_BY_NIGHTS)
    process = subprocess.Popen(
        command,
        env=environment,
        cwd=PROJECT_ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=SECONDS)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    if process.returncode == 0:
        parsed_project.keep(parsed_project.target_of(home), PARSED_BY_NIGHTS)
    return subprocess.CompletedProcess(command, process.returncode, output)


def assert_published(done: subprocess.CompletedProcess[str], home: Path) -> None:
    """The run ended well; else show what it and its log said."""
    if done.returncode:
        logs = sorted((home / "logs").glob("*.log"), key=lambda path: path.stat().st_mtime)
        tail = logs[-1].read_text(encoding="utf-8", errors="replace")[-4000:] if logs else ""
        raise AssertionError(f"exit {done.returncode}\n{done.stdout}\n{tail}")


def published(home: Path) -> dict[str, list[str]]:
    """The published tables of marts, metrics and audit, and their columns save those of the wall clock."""
    with duckdb.connect(str(serve_file(home)), read_only=True) as con:
        rows = con.execute(
            "select schema_name || '.' || table_name, column_name from duckdb_columns() "
            "where schema_name in ('marts', 'metrics', 'audit') order by 1, column_index"
        ).fetchall()
    tables: dict[str, list[str]] = {}
    for table, column in rows:
        tables.setdefault(table, [])
        if column not in WALL_CLOCK:
            tables[table].append(column)
    return tables


def contents(home: Path) -> dict[str, tuple[tuple[str, ...], int, int]]:
    """Of every published table its columns, its rows, and a sum over the hashes of them."""
    found = {}
    with duckdb.connect(str(serve_file(home)), read_only=True) as con:
        for table, columns in published(home).items():
            chosen = ", ".join(f"{quoted(column)} := {quoted(column)}" for column in columns)
            statement = f"select count(*), coalesce(sum(hash(struct_pack({chosen}))), 0) from {table}"
            rows, total = con.execute(statement).fetchall()[0]
            found[table] = (tuple(columns), int(rows), int(total))
    return found


def differences(left: Path, right: Path) -> list[str]:
    """What differs between the published warehouses of two data homes, mart by mart; columns and all rows."""
    tables = published(left)
    if tables != published(right):
        return [f"other tables or columns: {sorted(tables)} and {sorted(published(right))}"]
    faults = []
    with duckdb.connect() as con:
        for name, home in (("l", left), ("r", right)):
            con.execute(f"attach '{serve_file(home)}' as {name} (read_only)")
        for table, columns in tables.items():
            chosen = ", ".join(quoted(column) for column in columns)
            for one, other in (("l", "r"), ("r", "l")):
                query = f"select {chosen} from {one}.{table} except all select {chosen} from {other}.{table}"
                rows = con.execute(f"select count(*) from ({query})").fetchall()[0][0]
                if rows:
                    faults.append(f"{table}: {rows} rows only in {left if one == 'l' else right}")
    return faults
