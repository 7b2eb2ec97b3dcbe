"""An installation of one source, for tests that are about how a night is run and not about what is in it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from include.sample_company import generate
from include.settings import SAMPLE_SOURCES
from tests.support.nightly_run import ONE_THREAD

HASH_KEY = "a key for tests"
NIGHT = "2026-06-30"


@dataclass(frozen=True)
class SmallInstallation:
    """Its folders; any number of data homes may read the same deliveries."""

    sources: Path
    inbox: Path

    def settings(self, home: Path) -> dict[str, str]:
        """Environment variables that name it with a data home of its own, whose inbox is filled."""
        shutil.copytree(self.inbox, home / "inbox")
        own = {"METRICS_HOME": str(home), "METRICS_SOURCES": str(self.sources), "METRICS_HASH_KEY": HASH_KEY}
        return own | ONE_THREAD


def small_installation(folder: Path, sources: tuple[str, ...] = ("crm",)) -> SmallInstallation:
    """The sample company's deliveries at their smallest, of some of its sources."""
    generate(folder / "inbox", scale=0.01)
    (folder / "sources").mkdir()
    for name in sources:
        shutil.copy(SAMPLE_SOURCES / f"{name}.yml", folder / "sources")
    return SmallInstallation(folder / "sources", folder / "inbox")
