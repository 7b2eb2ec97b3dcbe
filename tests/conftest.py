"""Fixtures that several rooms use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.mini_company import MiniCompany

os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")


@pytest.fixture
def company(tmp_path: Path) -> MiniCompany:
    """A company of a handful of rows in a temporary data home."""
    return MiniCompany(tmp_path)
