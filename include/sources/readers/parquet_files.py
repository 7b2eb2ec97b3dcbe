"""Read Parquet: every column as text that is the same for the same value."""

from __future__ import annotations

from typing import cast

import duckdb
from duckdb.sqltypes import DuckDBPyType

from include.sources.readers.archives import Content
from include.sources.readers.columns import UNPARSABLE, raw_columns
from include.sources.readers.table import Table
from include.sources.readers.unreadable import DAMAGED, LIMIT, ReadLimits, UnreadableFileError
from include.sources.schema import Feed
from include.sql import error_text, literal, quoted, raise_machine_fault


def parquet_table(con: duckdb.DuckDBPyConnection, content: Content, feed: Feed, limits: ReadLimits) -> Table:
    """One Parquet file.

    Raises:
        UnreadableFileError: damaged, encrypted or no Parquet; more rows than are read.
    """
    path = literal(str(content.path))
    try:
        row = con.execute(f"select sum(num_rows) from parquet_file_metadata({path})").fetchone()
        described = con.sql(f"select * from read_parquet({path})")
    except duckdb.Error as error:
        raise_machine_fault(error)
        raise UnreadableFileError(
            f"{content.name}: no Parquet, damaged or encrypted: {error_text(error)}", DAMAGED
        ) from error
    rows = int(row[0] or 0) if row else 0
    if rows > limits.max_rows:
        raise UnreadableFileError(f"{content.name}: {rows} rows, more than METRICS_MAX_ROWS ({limits.max_rows})", LIMIT)
    leaves = [
        leaf
        for name, kind in zip(described.columns, described.types, strict=True)
        for leaf in _leaves(name, quoted(name), kind)
    ]
    columns = raw_columns([name for name, _ in leaves], f"{content.name}: schema", feed)
    cells = ", ".join(f"{sql} as {quoted(column)}" for column, (_, sql) in zip(columns, leaves, strict=True))
    return Table(
        name=content.name,
        columns=columns,
        select=f"select cast(null as varchar) as {UNPARSABLE}, {cells} from read_parquet({path})",
        records=rows,
        row_bytes=max(content.path.stat().st_size * 4 // max(rows, 1), 1),
    )


def _leaves(name: str, sql: str, kind: DuckDBPyType) -> list[tuple[str, str]]:
    """Name and text of a column; of a struct, those of its fields as `a.b`."""
    if kind.id == "struct":
        return [
            leaf
            for field, field_kind in cast("list[tuple[str, DuckDBPyType]]", kind.children)
            for leaf in _leaves(f"{name}.{field}", f"struct_extract({sql}, {literal(field)})", field_kind)
        ]
    return [(name, _text(sql, kind.id))]


def _text(sql: str, kind: str) -> str:
    if kind == "varchar":
        return sql
    if kind in ("float", "double"):
        # `5`, not `5.0`: many tools store whole numbers so as soon as one of them is missing.
        whole = f"isfinite({sql}) and trunc({sql}) = {sql} and abs({sql}) < 1e38"
        return f"case when {whole} then cast(cast({sql} as hugeint) as varchar) else cast({sql} as varchar) end"
    if kind == "blob":  # how some tools write text
        return f"coalesce(try(decode({sql})), cast({sql} as varchar))"
    if kind in ("list", "array", "map", "union"):
        return f"cast(to_json({sql}) as varchar)"
    return f"cast({sql} as varchar)"
