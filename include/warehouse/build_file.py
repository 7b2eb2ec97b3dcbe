"""The build file: what dbt writes, disposable, and the record that says whether it is still what dbt left."""

from __future__ import annotations

import hashlib
from datetime import datetime
from pathlib import Path

import duckdb
from pydantic import BaseModel, ConfigDict

from include import files
from include.settings import PROJECT_ROOT, Settings
from include.sql import quoted

# The stem is the catalog's name inside views, so build, serve and history share it.
WAREHOUSE = "warehouse.duckdb"


class TablePrint(BaseModel):
    """How many rows a table has, and a sum over the hashes of them: equal prints mean equal content."""

    model_config = ConfigDict(frozen=True)

    rows: int
    print: str


class BuildRecord(BaseModel):
    """The last good build. `code_hash` covers what decides the shape of tables that grow night by night."""

    model_config = ConfigDict(frozen=True)

    night: datetime
    sha256: str
    code_hash: str
    tables: dict[str, TablePrint]
    verified_files: list[str]


def build_file(home: Path) -> Path:
    """The file that dbt writes."""
    return home / "warehouse" / "build" / WAREHOUSE


def read_record(home: Path) -> BuildRecord | None:
    """The record of the last good build, None before the first.

    Raises:
        DamagedFileError: it can't be read.
    """
    path = _record_file(home)
    return BuildRecord.model_validate(files.read_json(path)) if path.exists() else None


def write_record(home: Path, record: BuildRecord) -> None:
    """Note a good build."""
    files.write_json(_record_file(home), record.model_dump(mode="json"))


def reason_to_rebuild(home: Path, code_hash: str) -> str | None:
    """Why the build file can't be built on, None if it can (or isn't there)."""
    path = build_file(home)
    if wal_of(path).exists():
        return "it was left with a write-ahead log"
    try:
        record = read_record(home)
    except files.DamagedFileError:
        return "its record is damaged"
    reason = None
    if not path.exists():
        pass
    elif record is None:
        reason = "no good build is on record"
    elif files.sha256_of(path) != record.sha256:
        reason = "its content is not what the last good build left"
    elif record.code_hash != code_hash:
        reason = "models, contracts or time zone have changed"
    else:
        try:
            duckdb.connect(str(path), read_only=True).close()
        except duckdb.Error as error:
            reason = f"it can't be opened: {error}"
    return reason


def set_aside(home: Path) -> None:
    """Move the build file out of the way, over the one set aside before; its record goes first."""
    path = build_file(home)
    files.remove(_record_file(home))
    aside = path.parent / "set_aside"
    files.remove(aside)
    aside.mkdir()
    for one in (path, wal_of(path)):
        if one.exists():
            files.move(one, aside / one.name)


def wal_of(path: Path) -> Path:
    """DuckDB's write-ahead log of a file."""
    return path.with_name(path.name + ".wal")


def table_prints(path: Path) -> dict[str, TablePrint]:
    """Rows and content of every table of a closed warehouse file, by `schema.table`."""
    with duckdb.connect(str(path), read_only=True) as con:
        names = con.execute("select schema_name, table_name from duckdb_tables() where not internal").fetchall()
        prints = {}
        for schema, table in sorted(names):
            statement = f"select count(*), coalesce(sum(hash(t)), 0) from {quoted(schema)}.{quoted(table)} as t"
            rows, total = con.execute(statement).fetchall()[0]
            prints[f"{schema}.{table}"] = TablePrint(rows=rows, print=str(total))
    return prints


def code_hash_of(settings: Settings, project: Path = PROJECT_ROOT / "dbt_project") -> str:
    """SHA-256 over what decides how incremental tables are filled: SQL, contracts, time zone."""
    digest = hashlib.sha256(settings.timezone.encode())
    paths = [*project.rglob("*.sql"), *(PROJECT_ROOT / "include" / "contracts").glob("*.yml")]
    for path in sorted(paths):
        if "target" not in path.parts:
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _record_file(home: Path) -> Path:
    return home / "warehouse" / "build" / "record.json"
