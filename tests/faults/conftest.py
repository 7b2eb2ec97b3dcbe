"""Data homes that faults happen to, and a summary of what they were."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from tests.support.faults_homes import Homes


@pytest.fixture(scope="session")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Homes:
    """The night before, and an undisturbed night after it: run once per worker."""
    return Homes(tmp_path_factory.mktemp("faults"))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Count what happened: tests note it with `record_property`."""
    counted: dict[str, Counter[str]] = {}
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        for name, value in report.user_properties if report.when == "call" else ():
            counted.setdefault(name, Counter())[str(value)] += 1
    if counted:
        terminalreporter.section("faults")
    for name, values in sorted(counted.items()):
        told = ", ".join(f"{value} {count}" if count > 1 else value for value, count in sorted(values.items()))
        terminalreporter.write_line(f"{name}: {sum(values.values())} ({told})")
