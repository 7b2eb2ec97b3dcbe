"""The services of `docker-compose.yml` as processes of this machine, with the environment that compose gives them."""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg2
from service_metrics import sessions
from service_metrics.health import COMPONENTS, healthy_components
from service_metrics.sessions import Session

from include.settings import PROJECT_ROOT
from tests.support.compose_file import filled, read_compose

AIRFLOW_SERVICES = ("api-server", "scheduler", "dag-processor", "triggerer", "worker")
POSTGRES_USER = "postgres"
_START_SECONDS = 240.0


def server_program(name: str) -> str | None:
    """A program of PostgreSQL or Redis; Debian keeps PostgreSQL's out of PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(found[-1]) if found else shutil.which(name)


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class Team:
    """A team's installation on this machine: `start` it, use it, `end` it."""

    def __init__(self, scratch: Path, home: Path, settings: dict[str, str]) -> None:
        self.scratch = scratch
        self.home = home
        self.password = secrets.token_hex(8)
        # Made as docs/running.md says.
        self.variables = {
            "POSTGRES_PASSWORD": secrets.token_hex(16),
            "REDIS_PASSWORD": secrets.token_hex(16),
            "AIRFLOW_FERNET_KEY": urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            "AIRFLOW_API_SECRET_KEY": secrets.token_hex(32),
            "AIRFLOW_JWT_SECRET": secrets.token_hex(32),
            "AIRFLOW_ADMIN_PASSWORD": self.password,
            **settings,
        }
        self.ports = {name: free_port() for name in ("postgres", "redis", "api-server")}
        self.services: dict[str, Any] = {
            name: filled(self._moved_here(name, service), self.variables)
            for name, service in read_compose()["services"].items()
        }
        self.url = f"http://127.0.0.1:{self.ports['api-server']}"
        self.running: dict[str, Session] = {}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        """Start everything in the order that compose keeps, each when what it waits for is healthy."""
        self._start_postgres()
        self._start_redis()
        self._start_service("airflow-init")
        assert self.processes["airflow-init"].wait(_START_SECONDS) == 0, self.log("airflow-init")
        for name in AIRFLOW_SERVICES:
            self._start_service(name)
        self._wait("Airflow", lambda: healthy_components(self.url) == set(COMPONENTS))

    def end(self) -> dict[str, list[int]]:
        """End everything. Returns what could not be ended."""
        # The databases last, as compose does.
        for name in AIRFLOW_SERVICES:
            if name in self.processes:
                self.processes[name].terminate()
        left = {name: sessions.end(self.running[name], 10) for name in reversed(list(self.running))}
        for process in self.processes.values():
            process.wait(10)
        return {name: [one.pid for one in alive] for name, alive in left.items() if alive}

    def is_healthy(self, name: str) -> bool:
        """What the service's own health check says."""
        command = self.services[name]["healthcheck"]["test"][1:]
        done = subprocess.run(self._command(command), env=self._environment(name), capture_output=True, check=False)
        return done.returncode == 0

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Ask Airflow's metadata database."""
        with contextlib.closing(self._connect("airflow")) as con, con.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())

    def log(self, name: str) -> str:
        """The end of what a service said."""
        return (self.scratch / f"{name}.log").read_text(encoding="utf-8", errors="replace")[-4000:]

    def _start_service(self, name: str) -> None:
        service = self.services[name]
        self._start(name, self._read_only_project(self._command(service["command"])), self._environment(name))

    def _command(self, words: list[str]) -> list[str]:
        programs = {"python": [sys.executable], "airflow": [sys.executable, "-m", "airflow"]}
        return [*programs[words[0]], *words[1:]]

    def _moved_here(self, name: str, value: Any) -> Any:
        """A value of the file with this machine's addresses and folders for those of the containers."""
        if isinstance(value, dict):
            return {key: self._moved_here(name, one) for key, one in value.items()}
        if isinstance(value, list):
            return [self._moved_here(name, one) for one in value]
        if not isinstance(value, str):
            return value
        places = {
            "@postgres:5432": f"@127.0.0.1:{self.ports['postgres']}",
            "@redis:6379": f"@127.0.0.1:{self.ports['redis']}",
            "api-server:8080": f"127.0.0.1:{self.ports['api-server']}",
            "/opt/service-metrics": str(PROJECT_ROOT),
            "/data": str(self.home),
            "/tmp": str(self.scratch / name),
        }
        return re.sub("|".join(map(re.escape, places)), lambda match: places[match[0]], value)

    def _environment(self, name: str) -> dict[str, str]:
        """What compose and the image give the service."""
        (self.scratch / name).mkdir(exist_ok=True)
        return self.services[name]["environment"] | {
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": str(self.ports["api-server"]),
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "PYTHONPATH": f"{PROJECT_ROOT}{os.pathsep}{PROJECT_ROOT / 'plugins'}",
            "PYTHONUNBUFFERED": "1",
        }

    def _read_only_project(self, command: list[str]) -> list[str]:
        """Where we may, run it with a project that it can't write to, as in the container."""
        bind = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0"'
        unshare = ["unshare", "--mount", "sh", "-c"]
        if subprocess.run([*unshare, bind, str(PROJECT_ROOT)], capture_output=True, check=False).returncode:
            return command
        return [*unshare, f'{bind} && exec "$@"', str(PROJECT_ROOT), *command]

    def _start_postgres(self) -> None:
        data = self.scratch / "postgres-data"
        data.mkdir(mode=0o700)
        password = self.scratch / "postgres-password"
        password.write_text(self.variables["POSTGRES_PASSWORD"], encoding="utf-8")
        as_user: list[str] = []
        if os.getuid() == 0:
            # PostgreSQL refuses to run as root.
            user = pwd.getpwnam(POSTGRES_USER)
            for path in (data, password):
                os.chown(path, user.pw_uid, user.pw_gid)
            as_user = ["runuser", "-u", POSTGRES_USER, "--"]
        environment = self.services["postgres"]["environment"]
        name = environment["POSTGRES_USER"]
        arguments = environment["POSTGRES_INITDB_ARGS"].split()
        subprocess.run(
            [*as_user, str(server_program("initdb")), "-D", str(data), "-U", name, f"--pwfile={password}", *arguments],
            check=True,
            capture_output=True,
            cwd="/",
        )
        password.unlink()
        options = ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=off"]
        server = [str(server_program("postgres")), "-D", str(data), "-p", str(self.ports["postgres"]), *options]
        self._start("postgres", [*as_user, *server], {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"})
        self._wait("postgres", self._postgres_answers)
        with contextlib.closing(self._connect("postgres")) as con, con.cursor() as cursor:
            con.autocommit = True
            cursor.execute(f"create database {environment['POSTGRES_DB']}")

    def _start_redis(self) -> None:
        shell, flag, script = self.services["redis"]["command"]
        folder = self.scratch / "redis"
        folder.mkdir()
        place = f"--port {self.ports['redis']} --bind 127.0.0.1 --dir {folder}"
        environment = self.services["redis"]["environment"] | {"PATH": os.environ["PATH"]}
        self._start("redis", [shell, flag, f"{script} {place}"], environment)
        ping = ["redis-cli", "-p", str(self.ports["redis"]), "ping"]

        def answers() -> bool:
            return b"PONG" in subprocess.run(ping, env=environment, capture_output=True, check=False).stdout

        self._wait("redis", answers)

    def _start(self, name: str, command: list[str], environment: dict[str, str]) -> None:
        with (self.scratch / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                command,
                env=environment,
                cwd=PROJECT_ROOT if name in (*AIRFLOW_SERVICES, "airflow-init") else "/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.processes[name] = process
        self.running[name] = Session.begun_by(process.pid)

    def _wait(self, name: str, is_there: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while not is_there():
            for one, process in self.processes.items():
                if one != "airflow-init" and process.poll() is not None:
                    raise AssertionError(f"{one} ended with code {process.returncode}:\n{self.log(one)}")
            assert time.monotonic() < deadline, f"{name} did not come up"
            time.sleep(0.3)

    def _postgres_answers(self) -> bool:
        with contextlib.suppress(psycopg2.OperationalError):
            self._connect("postgres").close()
            return True
        return False

    def _connect(self, database: str) -> Any:
        return psycopg2.connect(
            host="127.0.0.1",
            port=self.ports["postgres"],
            user=self.services["postgres"]["environment"]["POSTGRES_USER"],
            password=self.variables["POSTGRES_PASSWORD"],
            dbname=database,
        )


@contextlib.contextmanager
def running_team(scratch: Path, home: Path, settings: dict[str, str]) -> Iterator[Team]:
    """A team's installation for as long as the block runs; fails if a process of it outlives it."""
    team = Team(scratch, home, settings)
    try:
        team.start()
        yield team
    finally:
        left = team.end()
    assert left == {}
