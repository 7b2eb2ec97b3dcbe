"""One generated company for all tests of this folder, and its files read with nothing but the csv module."""

import pytest

from include.sample_company import KnownAnswers, generate
from tests.support.sample_files import SampleFiles

SCALE = 0.1
SEED = 7


@pytest.fixture(scope="session")
def company(tmp_path_factory: pytest.TempPathFactory) -> tuple[SampleFiles, KnownAnswers]:
    """The files of a company of 300 customers, and its known answers."""
    folder = tmp_path_factory.mktemp("company")
    return SampleFiles(folder), generate(folder, scale=SCALE, seed=SEED)


@pytest.fixture(scope="session")
def files(company: tuple[SampleFiles, KnownAnswers]) -> SampleFiles:
    return company[0]


@pytest.fixture(scope="session")
def answers(company: tuple[SampleFiles, KnownAnswers]) -> KnownAnswers:
    return company[1]
