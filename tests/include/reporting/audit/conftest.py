"""The data home that these tests read, made once; who changes it takes a copy."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from include.settings import Settings
from tests.support.audited_home import make_audited_home
from tests.support.mini_company import MiniCompany


@pytest.fixture(scope="session")
def audited(tmp_path_factory: pytest.TempPathFactory) -> MiniCompany:
    return make_audited_home(tmp_path_factory.mktemp("audited"))


@pytest.fixture
def copied(audited: MiniCompany, tmp_path: Path) -> Callable[[], Settings]:
    """Makes a copy of the data home that a test may change."""

    def make() -> Settings:
        home = tmp_path / "home"
        shutil.copytree(audited.home, home)
        return audited.settings.model_copy(update={"home": home})

    return make
