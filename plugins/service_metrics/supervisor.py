"""Keep the processes of a real Airflow running: `make up` starts this in a session of its own.

One that ends is started again after a pause. SIGTERM ends them all; what they leave behind `make down` finds by the
session, which every process below belongs to.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from datetime import UTC, datetime

# Without their log servers, which would listen on every address: the API server reads the log files itself.
COMPONENTS: dict[str, list[str]] = {
    "api-server": ["api-server"],
    "scheduler": ["scheduler", "--skip-serve-logs"],
    "dag-processor": ["dag-processor"],
    "triggerer": ["triggerer", "--skip-serve-logs"],
}
_PAUSE_SECONDS = 5.0
_GRACE_SECONDS = 10.0


class _Stop(Exception):  # noqa: N818 - not an error
    """Somebody asked for the end."""


def main() -> int:
    """Run all components until SIGTERM. Returns the exit code."""
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    running: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name in COMPONENTS:
            running[name] = _start(name)
        while True:
            time.sleep(_PAUSE_SECONDS)
            for name, process in running.items():
                if process.poll() is not None:
                    _say(f"{name} ended with code {process.returncode}; starting it again")
                    running[name] = _start(name)
    except _Stop:
        _say("stopping")
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        _end(list(running.values()))
    return 0


def _start(name: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "airflow", *COMPONENTS[name]], stdin=subprocess.DEVNULL)


def _end(processes: list[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        process.terminate()
    deadline = time.monotonic() + _GRACE_SECONDS
    for process in processes:
        try:
            process.wait(max(deadline - time.monotonic(), 0.1))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _stop(*_: object) -> None:
    raise _Stop


def _say(text: str) -> None:
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} supervisor: {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
