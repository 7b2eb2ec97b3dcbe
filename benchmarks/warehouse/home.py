"""A data home whose clean rows come from SQL instead of files that were judged, and dbt on it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from benchmarks.landing_gate import HERE
from include import files
from include.contracts import load_contracts
from include.gate.ledger import DataFile, EntityCount, Gate, commit
from include.settings import PROJECT_ROOT, Settings, night_id
from include.sql import literal
from include.warehouse.build import PROJECT, dbt_environment
from include.warehouse.build_file import build_file, wal_of
from include.warehouse.inputs import write_inputs
from include.warehouse.night_records import begin_night

AS_OF = datetime(2026, 6, 30, 16, tzinfo=UTC)
SOURCE = "desk"
# A bound, so that it shows what fits into it and not how much the machine has.
BUILD_MEMORY_MB = 2048


def settings_for(home: Path, memory_mb: int = BUILD_MEMORY_MB) -> Settings:
    """Settings of an installation with the sample company's business configuration and a bound of memory."""
    return Settings(
        home=home,
        sources=HERE / "sources",
        config=PROJECT_ROOT / "config",
        hash_key="a key for the benchmark",
        timezone="Asia/Shanghai",
        build_memory_mb=memory_mb,
    )


def deliver(home: Path, entities: Mapping[str, str]) -> None:
    """Commit one batch per entity, whose clean rows are those of a SELECT (in DuckDB's SQL).

    Columns of the contract that a SELECT lacks are null; `<id>_space` is the source's wherever the id is there.
    """
    for entity, select in entities.items():
        batch = f"{SOURCE}.{entity}.{night_id(AS_OF)}.{0:012x}"
        file = _write_clean(home, entity, batch, select)
        count = EntityCount(
            rows_in=file.rows,
            rows_clean=file.rows,
            rows_quarantined=0,
            rows_not_counted=0,
            key_count=file.rows,
            clean=file,
        )
        commit(
            home,
            Gate(
                batch_id=batch,
                gate_no=1,
                kind="full",
                night=AS_OF,
                source=SOURCE,
                feed=entity,
                delivery="incremental",
                batch_order=batch.split(".")[2],
                received_at=AS_OF,
                content_hash="0" * 64,
                records_received=file.rows,
                status="gated",
                mapping_hash="",
                rules_hash="",
                entities={entity: count},
            ),
        )


def _write_clean(home: Path, entity: str, batch: str, select: str) -> DataFile:
    columns = dict(load_contracts()[entity].clean_columns())
    name = f"clean/{entity}/{batch}.1.parquet"
    with duckdb.connect() as con, files.writing(home / name) as temporary:
        con.execute("set enable_progress_bar = false")
        given = {row[0] for row in con.execute(f"describe {select}").fetchall()}
        always = {
            "source": literal(SOURCE),
            "feed": literal(entity),
            "batch_id": literal(batch),
            "gate_no": "1",
            "row_number": "row_number() over ()",
            "row_id": "row_number() over ()",
            "is_counted": "true",
            "is_deleted": "false",
        }
        filled = {
            column: column
            if column in given
            else always.get(column)
            or (f"if({column[:-6]} is null, null, {literal(SOURCE)})" if column[:-6] in given else "null")
            for column in columns
        }
        listed = ", ".join(f"({value})::{columns[column]} as {column}" for column, value in filled.items())
        rows = con.execute(
            f"copy (select {listed} from ({select})) to {literal(str(temporary))} (format parquet)"
        ).fetchone()
    return DataFile(path=name, sha256=files.sha256_of(home / name), rows=rows[0] if rows else 0)


def write_control_tables(home: Path) -> None:
    """Say that the night is complete, and write what dbt reads."""
    begin_night(home, AS_OF, [], [])
    settings = settings_for(home)
    write_inputs(settings, AS_OF, set())
    build_file(home).parent.mkdir(parents=True, exist_ok=True)


def build(home: Path, *selection: str) -> None:
    """Build models and seeds, untested."""
    dbt(home, "build", "--exclude-resource-type", "test", "--exclude-resource-type", "unit_test", *selection)()


def build_missing(home: Path, selection: str, *excluded: str) -> None:
    """Build what a selection names, except for what is excluded and the models that are in the build file."""
    with duckdb.connect(build_file(home), read_only=True) as con:
        built = [name for (name,) in con.execute("select table_name from information_schema.tables").fetchall()]
    build(home, "--select", selection, "--exclude", *excluded, *built)


def keep_prepared(home: Path) -> None:
    """Set the build file aside: what every side begins with."""
    files.move(build_file(home), _prepared(home))


def restore_prepared(home: Path) -> None:
    """Put a copy of what was set aside in the place of the build file."""
    path = build_file(home)
    for left in (wal_of(path), path):
        files.remove(left)
    shutil.copyfile(_prepared(home), path)


def _prepared(home: Path) -> Path:
    return home / "prepared.duckdb"


def run_script(home: Path, script: str) -> Callable[[], object]:
    """A hand-written script on the build file, in the time zone of dbt_project/profiles.yml."""
    con = duckdb.connect(build_file(home), config={"threads": 2})
    con.execute("set enable_progress_bar = false; set TimeZone = 'UTC'")

    def run() -> None:
        con.execute(script)
        con.close()

    return run


def dbt(home: Path, *arguments: str, project: Path = PROJECT, memory_mb: int = BUILD_MEMORY_MB) -> Callable[[], None]:
    """A dbt command on the home, with the project parsed already: what is left is the work in the warehouse."""
    from dbt.adapters.duckdb import connections  # noqa: PLC0415 - a side of the benchmark imports what it needs
    from dbt.cli.main import dbtRunner  # noqa: PLC0415
    from dbt.contracts.graph.manifest import Manifest  # noqa: PLC0415

    os.environ.update(dbt_environment(settings_for(home, memory_mb)))
    os.chdir(home)
    folders = ["--project-dir", str(project), "--profiles-dir", str(project)]
    manifest = dbtRunner().invoke(["--quiet", "parse", *folders]).result
    if not isinstance(manifest, Manifest):
        raise RuntimeError("dbt can't parse the project")
    runner = dbtRunner(manifest=manifest)

    def run() -> None:
        done = runner.invoke(["--quiet", *arguments, *folders])
        # else the last changes stay beside the file, and nobody can move or open it
        connections.DuckDBConnectionManager.close_all_connections()
        if not done.success:
            raise RuntimeError(f"dbt {' '.join(arguments)} failed")

    return run
