"""Airflow as the runner uses it: its home inside the data home, SQLite metadata, nothing sent anywhere."""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import IO

from include import files
from include.settings import PROJECT_ROOT
from include.warehouse.run_lock import handed_down
from service_metrics.names import BUILD_POOL

_QUIET = {
    "DO_NOT_TRACK": "1",
    "SCARF_ANALYTICS": "false",
    "GX_ANALYTICS_ENABLED": "false",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
}


class AirflowSetUpError(Exception):
    """Airflow's metadata database could not be made or migrated."""


def airflow_environment(home: Path) -> dict[str, str]:
    """The environment of Airflow's processes for a data home."""
    folder = home / "airflow"
    return {
        **os.environ,
        **_QUIET,
        "AIRFLOW_HOME": str(folder),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{folder / 'airflow.db'}",
        "AIRFLOW__CORE__DAGS_FOLDER": str(PROJECT_ROOT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(PROJECT_ROOT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(folder / "logs"),
        "PYTHONPATH": os.pathsep.join([str(PROJECT_ROOT), str(PROJECT_ROOT / "plugins")]),
        "PYTHONUNBUFFERED": "1",
    }


def start_airflow(home: Path, *commands: list[str], log: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start Airflow commands whose output goes to `log`; they keep the run lock as long as they live."""
    return subprocess.Popen(
        [sys.executable, "-m", "service_metrics.airflow_commands", *(json.dumps(one) for one in commands)],
        env=airflow_environment(home),
        cwd=PROJECT_ROOT,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        pass_fds=handed_down(),
    )


def is_ready(home: Path) -> bool:
    """Whether the metadata database was set up by this Airflow."""
    stamp = _stamp(home)
    return stamp.exists() and files.read_json(stamp)["airflow"] == importlib.metadata.version("apache-airflow")


def set_up(home: Path, log: IO[bytes]) -> None:
    """Make or migrate the metadata database, and the pool that lets one task at a time at the build file.

    Raises:
        AirflowSetUpError: Airflow says no; its words are in the log.
    """
    (home / "airflow").mkdir(parents=True, exist_ok=True)
    pool = ["pools", "set", BUILD_POOL, "1", "the build file has one writer"]
    if start_airflow(home, ["db", "migrate"], pool, log=log).wait():
        raise AirflowSetUpError("Airflow's metadata database could not be set up")
    files.write_json(_stamp(home), {"airflow": importlib.metadata.version("apache-airflow")})


def _stamp(home: Path) -> Path:
    return home / "airflow" / "ready.json"
