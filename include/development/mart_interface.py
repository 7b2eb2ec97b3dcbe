"""What readers rely on: the columns of the public marts, recorded in `dbt_project/interface.yml`.

`make docs` adds what is new. What is on record and gone, or of another type, breaks somebody's report; who means it
takes it off the record by hand, in the same change, where a reviewer sees it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from include import files
from include.development.compiled_models import project_models

RECORD = "interface.yml"
_HEAD = (
    "# Written by `make docs`: marts and columns that readers rely on. Taking one off by hand says that it may go.\n"
)

# mart -> column -> type
Interface = dict[str, dict[str, str]]


def interface_of(manifest: Any) -> Interface:
    """The columns of the public models, as their contracts state them."""
    return {
        f"{node.schema}.{node.name}": {name: str(column.data_type) for name, column in node.columns.items()}
        for node in project_models(manifest)
        if node.access == "public"
    }


def recorded_interface(project: Path) -> Interface:
    """What is on record in a dbt project."""
    path = project / RECORD
    return dict(yaml.safe_load(path.read_text(encoding="utf-8"))) if path.exists() else {}


def broken(recorded: Mapping[str, Mapping[str, str]], current: Mapping[str, Mapping[str, str]]) -> list[str]:
    """What is on record and not kept, in words."""
    faults = []
    for mart, columns in recorded.items():
        if mart not in current:
            faults.append(f"{mart} is gone, and readers rely on it")
            continue
        for column, kind in columns.items():
            now = current[mart].get(column)
            if now is None:
                faults.append(f"{mart}.{column} is gone, and readers rely on it")
            elif now != kind:
                faults.append(f"{mart}.{column} is {now}, and readers rely on {kind}")
    return faults


def missing(recorded: Mapping[str, Mapping[str, str]], current: Mapping[str, Mapping[str, str]]) -> list[str]:
    """What is not on record yet: `make docs` records it."""
    return [
        f"{mart}.{column}"
        for mart, columns in current.items()
        for column in columns
        if column not in recorded.get(mart, {})
    ]


def record(recorded: Interface, current: Interface) -> Interface:
    """The record with what is new added; nothing goes by itself."""
    return {mart: {**current.get(mart, {}), **recorded.get(mart, {})} for mart in sorted({*recorded, *current})}


def write_interface(project: Path, interface: Interface) -> None:
    """Write the record of a dbt project."""
    text = yaml.safe_dump(interface, sort_keys=False, default_flow_style=None, width=120, allow_unicode=True)
    files.write_bytes(project / RECORD, (_HEAD + text).encode())
