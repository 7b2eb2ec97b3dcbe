"""Whether a process of Airflow does its work; cheap enough to be asked every few seconds.

python -m service_metrics.health scheduler     # or dag_processor, triggerer, metadatabase, worker; exit code 0 or 1
"""

from __future__ import annotations

import json
import os
import socket
import sys
import urllib.request
from urllib.error import URLError

COMPONENTS = ("metadatabase", "scheduler", "dag_processor", "triggerer")
_SECONDS = 5


def healthy_components(base_url: str) -> set[str]:
    """Which of `COMPONENTS` are healthy by the word of the API server at `base_url`; none where it does not answer."""
    try:
        with urllib.request.urlopen(f"{base_url}/api/v2/monitor/health", timeout=_SECONDS) as answer:
            told = json.load(answer)
    except (URLError, OSError, ValueError):
        return set()
    return {name for name in COMPONENTS if told.get(name, {}).get("status") == "healthy"}


def worker_answers(broker_url: str, host: str) -> bool:
    """Whether the Celery worker of a host answers a ping."""
    from celery import Celery  # noqa: PLC0415 - only workers are asked

    answers = Celery(broker=broker_url).control.ping(destination=[f"celery@{host}"], timeout=_SECONDS)
    return bool(answers)


def main() -> int:
    """Ask for the component that the first argument names. Returns the exit code."""
    component = sys.argv[1]
    if component == "worker":
        return 0 if worker_answers(os.environ["AIRFLOW__CELERY__BROKER_URL"], socket.gethostname()) else 1
    if component not in COMPONENTS:
        print(f"{component} is none of {', '.join(COMPONENTS)}, worker", file=sys.stderr)
        return 2
    base_url = os.environ["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"].removesuffix("/execution/")
    return 0 if component in healthy_components(base_url) else 1


if __name__ == "__main__":
    sys.exit(main())
