"""Which fitted models the data home keeps: those that a kept warehouse names; all others can be made anew, and go.

A model is looked up by a hash of what it was fitted on (`include/customer_value/model_store.py`), so what no kept night
was built with is read again only if the data become what they were. Each night's folder in `history/` lists its own.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from include import files
from include.sql import quoted
from include.warehouse.inputs import inputs_folder

MODELS_FILE = "models.json"
# The tables in which the models of a build stand, and their columns with names of models.
_NAMING = """
    select schema_name, table_name, column_name from duckdb_columns()
    where table_name like 'int!_%!_fitted' escape '!' and column_name in ('fit_version', 'model_version')
"""


def models_folder(home: Path) -> Path:
    """Where fitted models lie, a file per version; beside the control tables, where a build looks for them."""
    return inputs_folder(home).with_name("models")


def write_named_models(warehouse: Path, folder: Path) -> None:
    """List in `folder` the models that a warehouse names.

    Raises:
        duckdb.Error: it can't be read.
    """
    names: set[str] = set()
    with duckdb.connect(str(warehouse), read_only=True) as con:
        for schema, table, column in con.execute(_NAMING).fetchall():
            found = con.execute(f"select distinct {quoted(column)} from {quoted(schema)}.{quoted(table)}").fetchall()
            names.update(name for (name,) in found if name)
    files.write_json(folder / MODELS_FILE, {"versions": sorted(names)})


def forget_models(home: Path, history: Path) -> int:
    """Remove the models that no night of `history` names. Returns how many.

    A night whose list is gone or damaged keeps none: a model costs seconds to fit again.
    """
    kept = {name for path in history.glob(f"[!.]*/{MODELS_FILE}") for name in _named(path)}
    past = sorted(path for path in models_folder(home).glob("[!.]*.json") if path.stem not in kept)
    for path in past:
        files.remove(path)
    return len(past)


def _named(path: Path) -> list[str]:
    try:
        return list(files.read_json(path)["versions"])
    except (files.DamagedFileError, KeyError):
        return []
