"""Run dbt in a process forked from a server that has imported it once, on a project that is parsed once.

dbt parses its project anew wherever the paths that it is given are others. So each home is given to it under the same
paths, those of two open folders of the process; what was parsed in one home then holds in the next.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import sys
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.support import parsed_project

SECONDS = 900
_KIND = "models"
# Numbers of open folders, well above those that dbt takes.
_WAREHOUSE, _INPUTS = 200, 201


def run_dbt(arguments: Sequence[str], warehouse: Path, inputs: Path, environment: Mapping[str, str]) -> tuple[int, str]:
    """Run dbt on a warehouse file, with the control tables of a folder. Returns its exit code and what it wrote."""
    target = Path(environment["DBT_TARGET_PATH"])
    parsed_project.lend(target, _KIND)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["dbt.cli.main", "dbt.adapters.duckdb", "tests.support.dbt_process"])
    with tempfile.NamedTemporaryFile("r", encoding="utf-8", errors="replace") as output:
        given = (list(arguments), warehouse, inputs, dict(environment), output.name)
        process = context.Process(target=_work, args=given)
        process.start()
        process.join(SECONDS)
        if process.exitcode is None:
            process.kill()
            process.join()
        wrote = output.read()
    if process.exitcode == 0:
        parsed_project.keep(target, _KIND)
    return process.exitcode or 0, wrote


def _work(arguments: list[str], warehouse: Path, inputs: Path, environment: dict[str, str], output: str) -> None:
    """In the forked process: be dbt, as the nightly starts it."""
    gc.disable()
    with Path(output).open("wb") as out:
        os.dup2(out.fileno(), 1)
        os.dup2(out.fileno(), 2)
    sys.stdout = sys.stderr = os.fdopen(1, "w", buffering=1, encoding="utf-8", closefd=False)
    os.environ.clear()
    os.environ.update(environment)
    os.environ["METRICS_WAREHOUSE_FILE"] = str(_opened(warehouse.parent, _WAREHOUSE) / warehouse.name)
    os.environ["METRICS_WAREHOUSE_INPUTS"] = str(_opened(inputs, _INPUTS))
    try:
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager
        from dbt.cli.main import dbtRunner

        done = dbtRunner().invoke(arguments)
        # Else the file is left with a log, and a copy of it lacks what that holds.
        DuckDBConnectionManager.close_all_connections()
        if done.exception:
            print(done.exception)
    except BaseException:
        traceback.print_exc()
        sys.exit(2)
    sys.exit(0 if done.success else 1)


def _opened(folder: Path, number: int) -> Path:
    """The folder under the same path in every such process, where the system has such paths."""
    if not Path("/proc/self/fd").exists():
        return folder
    os.dup2(os.open(folder, os.O_RDONLY), number)
    return Path("/proc/self/fd") / str(number)
