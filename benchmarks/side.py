"""One side of a benchmark in a process of its own: prints CPU seconds, seconds of the clock and peak memory as JSON."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import audit_pages, customer_value, landing_history
from benchmarks.landing_gate import DELIVERIES
from benchmarks.warehouse import customer_marts, metrics, survey_marts, ticket_marts

# Each gives, after its imports, the work to be measured.
SIDES: dict[str, Callable[[Path], Callable[[], object]]] = {
    **{
        f"{delivery.name}.{step}": getattr(delivery, step)
        for delivery in DELIVERIES
        for step in ("floor", "land", "gate", "settle")
    },
    "landing_history.land": landing_history.land,
    "ticket_marts.floor": ticket_marts.floor,
    "ticket_marts.marts": ticket_marts.marts,
    "survey_marts.floor": survey_marts.floor,
    "survey_marts.marts": survey_marts.marts,
    "customer_marts.marts": customer_marts.marts,
    "metrics.publish": metrics.publish,
    "audit_pages.write": audit_pages.write,
    "customer_value.fit": customer_value.fit,
    "customer_value.score": customer_value.score,
}


def main(name: str, home: Path) -> None:
    """Measure one side."""
    work = SIDES[name](home)
    # what the preparation has not written to disk yet would be written during this side
    os.sync()
    begun, clock = time.process_time(), time.perf_counter()
    work()
    seconds, elapsed = time.process_time() - begun, time.perf_counter() - clock
    # of this process alone: ru_maxrss begins with what the process had that started it
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak = int(status.split("VmHWM:")[1].split()[0]) / 1024
    print(json.dumps({"seconds": seconds, "elapsed": elapsed, "memory_mb": peak}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
