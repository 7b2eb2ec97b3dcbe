"""Fixtures that several rooms use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.mini_company import MiniCompany
from tests.support.nightly_run import ONE_THREAD

os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
os.environ.update(ONE_THREAD)


# The rooms whose files take longest begin first, so that no worker is left alone with one of them at the end.
_LONGEST_FIRST = ("compose", "history", "e2e", "plugins", "faults", "dbt_project", "dags")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave hours of faults to `make soak`: they run only where `-m` asks for them."""
    if "soak" not in config.option.markexpr:
        config.hook.pytest_deselected(items=[item for item in items if item.get_closest_marker("soak")])
        items[:] = [item for item in items if not item.get_closest_marker("soak")]
    items.sort(key=_place)


def _place(item: pytest.Item) -> int:
    room = item.path.relative_to(Path(__file__).parent).parts[0]
    return _LONGEST_FIRST.index(room) if room in _LONGEST_FIRST else len(_LONGEST_FIRST)


@pytest.fixture
def company(tmp_path: Path) -> MiniCompany:
    """A company of a handful of rows in a temporary data home."""
    return MiniCompany(tmp_path)
