"""Read the contracts and derive from them the columns of clean Parquet."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from include.sql import quoted

FOLDER = Path(__file__).parent
# Ten times as fast, where PyYAML was built with it.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
DUCKDB_TYPES = {
    "id": "VARCHAR",
    "text": "VARCHAR",
    "code": "VARCHAR",
    "integer": "BIGINT",
    "decimal": "DECIMAL(18,4)",
    "number": "DOUBLE",
    "boolean": "BOOLEAN",
    "timestamp": "TIMESTAMP",
    "date": "DATE",
}
# What the gate adds to every row of clean, after the contract's columns.
SYSTEM_COLUMNS = [
    ("source", "VARCHAR"),
    ("feed", "VARCHAR"),
    ("batch_id", "VARCHAR"),
    ("gate_no", "INTEGER"),
    ("row_number", "BIGINT"),
    ("row_id", "BIGINT"),
    ("is_counted", "BOOLEAN"),
    ("not_counted_rules", "VARCHAR"),
    ("flag_rules", "VARCHAR"),
]


class Column(BaseModel):
    """One column of a canonical entity."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: Literal["id", "text", "code", "integer", "decimal", "number", "boolean", "timestamp", "date"]
    en: str
    zh: str
    required: bool = False
    references: str | None = None
    values: tuple[str, ...] = ()
    personal: str | None = None
    computed: bool = False

    @property
    def is_hashed(self) -> bool:
        """Whether the gate replaces the column by a keyed hash (free text is masked instead)."""
        return self.personal not in (None, "free_text")

    @property
    def duckdb_type(self) -> str:
        """The column's type in mapped rows and, unless hashed, in clean."""
        return DUCKDB_TYPES[self.type]


class Contract(BaseModel):
    """What one canonical entity is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    entity: str
    name: dict[Literal["en", "zh"], str]
    grain: str
    key: tuple[str, ...]
    change_time: str | None
    columns: dict[str, Column] = Field(min_length=1)

    def mapped_columns(self) -> dict[str, Column]:
        """The columns that a source can deliver (all but the computed ones)."""
        return {name: column for name, column in self.columns.items() if not column.computed}

    def clean_columns(self) -> list[tuple[str, str]]:
        """Name and DuckDB type of every column of clean Parquet, in order."""
        columns: list[tuple[str, str]] = []
        for name, column in self.columns.items():
            if column.is_hashed:
                columns.append((f"{name}_hash", "VARCHAR"))
                continue
            columns.append((name, column.duckdb_type))
            if column.type == "id":
                columns.append((f"{name}_space", "VARCHAR"))
        return columns + SYSTEM_COLUMNS

    def no_clean_rows(self) -> str:
        """SQL of no row with every column of clean: united by name it gives older files the columns that came since."""
        columns = ", ".join(f"null::{kind} as {quoted(name)}" for name, kind in self.clean_columns())
        return f"select {columns} where false"


@cache
def load_contracts(folder: Path = FOLDER) -> dict[str, Contract]:
    """All contracts by entity.

    Raises:
        ValueError: a contract names an unknown reference or a key that is no column.
    """
    contracts = {}
    for path in sorted(folder.glob("*.yml")):
        contract = Contract.model_validate(yaml.load(path.read_text(encoding="utf-8"), _Loader))
        contracts[contract.entity] = contract
    for contract in contracts.values():
        for name, column in contract.columns.items():
            if column.references and column.references not in contracts:
                raise ValueError(f"contract {contract.entity}: {name} refers to unknown {column.references}")
        missing = [
            name for name in (*contract.key, *filter(None, [contract.change_time])) if name not in contract.columns
        ]
        if missing:
            raise ValueError(f"contract {contract.entity}: no column {', '.join(missing)}")
    return contracts
