"""A browser for the pages: Debian's Chromium, told to reach for nothing, and the pages of a warehouse made by hand."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from include.reporting import write_reports
from include.reporting.audit import write_audit_pages
from include.reporting.audit.kept_movement import KeptMovement
from include.settings import Settings
from tests.support.audited_home import GOOD, PUBLISHED, make_audited_home, record_decision
from tests.support.mini_company import MiniCompany
from tests.support.moved_numbers import MOVED, keep
from tests.support.reported_home import make_reported_home
from tests.support.strategic_home import add_strategic_marts

playwright = pytest.importorskip("playwright.sync_api", reason="the Python package playwright is not installed")
NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def browser() -> Iterator[playwright.Browser]:
    """Chromium, headless."""
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip("no Chromium on this machine (Debian: apt install chromium)")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def look(browser: playwright.Browser) -> Iterator[Callable[..., playwright.Page]]:
    """Opens a file in a window of a size; at the end nothing may have been asked for, and nothing complained about."""
    told: list[str] = []
    opened: list[playwright.Page] = []

    def opening(path: Path, size: tuple[int, int]) -> playwright.Page:
        page = browser.new_page(viewport={"width": size[0], "height": size[1]})
        opened.append(page)
        page.on("console", lambda message: told.append(message.text))
        page.on("pageerror", lambda error: told.append(str(error)))
        page.on("request", lambda request: told.append(request.url) if not _is_own(request.url) else None)
        page.goto(path.as_uri())
        return page

    yield opening
    for page in opened:
        page.close()
    assert told == []


def _is_own(url: str) -> bool:
    return url.startswith(("file:", "data:"))


@pytest.fixture(scope="session")
def chinese_font() -> str:
    """The name of a font that has Chinese."""
    if shutil.which("fc-list") is None:
        pytest.skip("fontconfig's fc-list is not there to say which fonts are (Debian: apt install fontconfig)")
    found = subprocess.run(["fc-list", ":lang=zh", "family"], capture_output=True, text=True, check=True).stdout
    if not found.strip():
        pytest.skip("no Chinese font on this machine (Debian: apt install fonts-wqy-microhei)")
    return found.splitlines()[0].split(",")[0]


@pytest.fixture(scope="session")
def reported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data home whose pages are looked at."""
    home = make_reported_home(tmp_path_factory.mktemp("browser") / "home", missing="desk")
    add_strategic_marts(home)
    write_reports(Settings(home=home))
    return home


@pytest.fixture(scope="session")
def audited(tmp_path_factory: pytest.TempPathFactory) -> MiniCompany:
    """The company whose auditors' pages are looked at: with a decision, and with older numbers that moved."""
    company = make_audited_home(tmp_path_factory.mktemp("audited"))
    record_decision(company.home, company.night(GOOD))
    keep(company.home, company.night(PUBLISHED), KeptMovement(("1",), None, MOVED))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("include.reporting.audit.writing.keep_movement", lambda *_: None)
        write_audit_pages(company.settings)
    return company
