"""Named places at which a test lets a run die as a power cut would: with SIGKILL and nothing cleaned up."""

from __future__ import annotations

import os
import signal

VARIABLE = "METRICS_FAILPOINT"


def failpoint(name: str) -> None:
    """Die here if METRICS_FAILPOINT names this place (`publish:before_swap`); else do nothing.

    `name@n` dies at the n-th passing of the place in this process. The whole process group dies, so a test starts such
    a run in a session of its own.
    """
    wanted = os.environ.get(VARIABLE)
    if not wanted:
        return
    place, _, count = wanted.partition("@")
    if place != name:
        return
    _passed[name] = _passed.get(name, 0) + 1
    if _passed[name] >= int(count or 1):
        os.killpg(os.getpgrp(), signal.SIGKILL)


_passed: dict[str, int] = {}
