"""Airflow as the runner uses it: its home inside the data home, SQLite metadata, nothing sent anywhere."""

from __future__ import annotations

import base64
import importlib.metadata
import json
import os
import secrets
import subprocess
import sys
from pathlib import Path
from typing import IO

from include import files
from include.errors import MetricsError
from include.settings import PROJECT_ROOT
from include.warehouse.run_lock import handed_down
from service_metrics.names import BUILD_POOL

USER = "admin"
_AUTH_MANAGER = "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager"
_QUIET = {
    "DO_NOT_TRACK": "1",
    "SCARF_ANALYTICS": "false",
    "GX_ANALYTICS_ENABLED": "false",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
}


class AirflowSetUpError(MetricsError):
    """Airflow's metadata database could not be made or migrated."""

    default_code = "SM501"


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


def server_environment(home: Path, port: int) -> dict[str, str]:
    """The environment of the processes of `make up`: reachable from this machine only, everything behind a log-in."""
    folder = home / "airflow"
    secrets_of_home = _secrets(folder)
    url = f"http://127.0.0.1:{port}"
    return {
        # One night's groups side by side, not more than the machine can carry.
        "AIRFLOW__CORE__PARALLELISM": str(max(os.cpu_count() or 1, 2)),
        **airflow_environment(home),
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
        # A night that nobody has to remember to switch on; see docs/running.md.
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__FERNET_KEY": secrets_of_home["fernet"],
        "AIRFLOW__CORE__AUTH_MANAGER": _AUTH_MANAGER,
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords_file(home)),
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": url,
        "AIRFLOW__API__SECRET_KEY": secrets_of_home["api"],
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets_of_home["jwt"],
    }


def passwords_file(home: Path) -> Path:
    """Where the passwords of Airflow's page lie: a JSON object, user to password."""
    return home / "airflow" / "passwords.json"


def password_of(home: Path) -> str:
    """The password of `make up`'s user; made at random the first time."""
    path = passwords_file(home)
    if not path.exists():
        set_password(home, secrets.token_urlsafe(12))
    return str(files.read_json(path)[USER])


def set_password(home: Path, password: str) -> None:
    """Give the only user of a data home's Airflow a password."""
    files.private_folder(home / "airflow")
    files.write_json(passwords_file(home), {USER: password}, sealed=False)


def start_airflow(
    home: Path, *commands: list[str], log: IO[bytes], environment: dict[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start Airflow commands whose output goes to `log`; they keep the run lock as long as they live.

    The environment is that of the data home's own Airflow unless another one is given.
    """
    return subprocess.Popen(
        [sys.executable, "-m", "service_metrics.airflow_commands", str(os.getpid()), *map(json.dumps, commands)],
        env=environment or airflow_environment(home),
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
    """Make or migrate the metadata database of the data home's own Airflow.

    Raises:
        AirflowSetUpError: Airflow says no; its words are in the log.
    """
    files.private_folder(home / "airflow")
    migrate(home, log)
    files.write_json(_stamp(home), {"airflow": importlib.metadata.version("apache-airflow")})


def migrate(home: Path, log: IO[bytes], environment: dict[str, str] | None = None) -> None:
    """Make or migrate a metadata database, and the pool that lets one task at a time at the build file.

    Raises:
        AirflowSetUpError: Airflow says no; its words are in the log.
    """
    pool = ["pools", "set", BUILD_POOL, "1", "the build file has one writer"]
    if start_airflow(home, ["db", "migrate"], pool, log=log, environment=environment).wait():
        raise AirflowSetUpError("Airflow's metadata database could not be set up")


def _secrets(folder: Path) -> dict[str, str]:
    """What the processes of one installation trust each other by; made at random the first time."""
    path = folder / "secrets.json"
    if not path.exists():
        fernet = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
        files.write_json(path, {"fernet": fernet, "api": secrets.token_hex(32), "jwt": secrets.token_hex(32)})
    return dict(files.read_json(path))


def _stamp(home: Path) -> Path:
    return home / "airflow" / "ready.json"
