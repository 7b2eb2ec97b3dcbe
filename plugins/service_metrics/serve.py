"""`make up` and `make down`: a real Airflow (scheduler, web page, DAG processor, triggerer) on this machine.

Everything it needs and leaves lies in the data home: what runs stands in `airflow/up.json`, its log in
`logs/airflow.log`.
"""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape

from include import files
from include.errors import MetricsError
from include.settings import PROJECT_ROOT, Settings, load_settings
from include.warehouse.run_lock import HomeBusyError, run_lock
from service_metrics import sessions
from service_metrics.airflow_home import USER, password_of, server_environment
from service_metrics.health import COMPONENTS, healthy_components
from service_metrics.installation import check_installation, make_ready
from service_metrics.sessions import Session

_FIRST_PORT = 8080
_HEALTHY_SECONDS = 240.0
_END_SECONDS = 20.0


class ServeError(MetricsError):
    """Airflow could not be started or ended; the text says what to look at."""

    default_code = "SM502"


@dataclass(frozen=True)
class Running:
    """What `make up` started."""

    session: Session
    port: int

    @property
    def url(self) -> str:
        """Where the web page is."""
        return f"http://127.0.0.1:{self.port}"


def main() -> int:
    """`up` or `down`, as the first argument says. Returns the exit code."""
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 100)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        settings = load_settings()
        return {"up": up, "down": down}[sys.argv[1]](console, settings)
    except (MetricsError, ValidationError) as error:
        console.print(f"[red]✗[/] {escape(str(error))}", soft_wrap=True)
        return 2
    except KeyboardInterrupt:
        console.print("[red]✗[/] stopped; nothing was left running")
        return 130


def up(console: Console, settings: Settings) -> int:
    """Start Airflow unless it is up, wait until all of it is healthy, and say how to get in."""
    home = settings.home
    running = read_running(home)
    if running and sessions.leader_lives(running.session):
        _wait(console, settings.home, running)
        console.print("Airflow is up already.")
        _print_access(console, settings, running)
        return 0
    if running:
        console.print("[yellow]![/] an earlier Airflow ended without `make down`; clearing up after it")
        _end(home, running)

    check_installation(settings)
    port = _port(settings)
    console.print(f"[bold]Service Metrics[/]  data home {home}", soft_wrap=True)
    with files.open_log(_log_file(home)) as log:
        with run_lock(home):
            make_ready(settings, lambda text: console.print(f"  … {text}"), log)
        password_of(home)
        running = _start(home, port, log)
    try:
        _wait(console, home, running)
    except BaseException:
        _end(home, running)
        raise
    _print_access(console, settings, running)
    return 0


def down(console: Console, settings: Settings) -> int:
    """End Airflow with all that it started, and make sure that nothing is left."""
    home = settings.home
    running = read_running(home)
    if running is None:
        console.print(f"Airflow is not up in {home}.", soft_wrap=True)
        return 0
    if _night_is_running(home):
        console.print("[yellow]![/] a night is at work; it is stopped and goes on when it is run again")
    console.print("  … stopping Airflow")
    _end(home, running)
    console.print("[green]✓[/] Airflow is down; none of its processes is left.")
    return 0


def read_running(home: Path) -> Running | None:
    """What the data home says is running, whether it still is or not."""
    path = _state_file(home)
    if not path.exists():
        return None
    state: dict[str, Any] = files.read_json(path)
    return Running(Session(**state["session"]), state["port"])


def _start(home: Path, port: int, log: IO[bytes]) -> Running:
    supervisor = subprocess.Popen(
        [sys.executable, "-m", "service_metrics.supervisor"],
        env=server_environment(home, port),
        cwd=PROJECT_ROOT,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    running = Running(Session.begun_by(supervisor.pid), port)
    files.write_json(_state_file(home), asdict(running))
    return running


def _wait(console: Console, home: Path, running: Running) -> None:
    """Wait until every component is healthy.

    Raises:
        ServeError: the supervisor has ended, or it takes too long.
    """
    deadline = time.monotonic() + _HEALTHY_SECONDS
    with console.status("starting Airflow") as status:
        while missing := [one for one in COMPONENTS if one not in healthy_components(running.url)]:
            status.update(f"waiting for {', '.join(missing)}")
            if not sessions.leader_lives(running.session):
                raise ServeError(f"Airflow ended while it was starting; its words are in {_log_file(home)}")
            if time.monotonic() > deadline:
                raise ServeError(
                    f"{', '.join(missing)} did not become healthy in {_HEALTHY_SECONDS:.0f} s; "
                    f"see {_log_file(home)}, then `make down` and `make up`"
                )
            time.sleep(0.5)


def _end(home: Path, running: Running) -> None:
    """End what runs and forget it.

    Raises:
        ServeError: a process could not be ended.
    """
    left = sessions.end(running.session, _END_SECONDS)
    if left:
        raise ServeError(f"processes {', '.join(str(one.pid) for one in left)} can't be ended; see who owns them")
    files.remove(_state_file(home))


def _port(settings: Settings) -> int:
    """The port of METRICS_PORT, else 8080, or a free one where that is taken.

    Raises:
        ServeError: METRICS_PORT is taken.
    """
    if settings.port:
        if not _is_free(settings.port):
            raise ServeError(f"port {settings.port} (METRICS_PORT) is taken on 127.0.0.1; name another one")
        return settings.port
    if _is_free(_FIRST_PORT):
        return _FIRST_PORT
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _is_free(port: int) -> bool:
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _night_is_running(home: Path) -> bool:
    try:
        with run_lock(home):
            return False
    except HomeBusyError:
        return True


def _print_access(console: Console, settings: Settings, running: Running) -> None:
    console.print(f"[bold]Airflow[/]   {running.url}", soft_wrap=True)
    console.print(f"[bold]Log in[/]    user {USER}, password {escape(password_of(settings.home))}", soft_wrap=True)
    console.print(f"[bold]Schedule[/]  {settings.schedule} ({settings.timezone})", soft_wrap=True)
    console.print(f"[bold]Log[/]       {_log_file(settings.home)}", soft_wrap=True)
    console.print("`make down` ends it.")


def _state_file(home: Path) -> Path:
    return home / "airflow" / "up.json"


def _log_file(home: Path) -> Path:
    return home / "logs" / "airflow.log"


if __name__ == "__main__":
    sys.exit(main())
