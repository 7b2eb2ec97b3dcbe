"""Every error code has a page in the runbook, and every page a code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from include.settings import PROJECT_ROOT

RUNBOOK = PROJECT_ROOT / "docs" / "runbook"
SECTIONS = [
    "What you see",
    "What it means",
    "What still holds",
    "What to do",
    "How to see that it is mended",
    "中文",
]
_CODE = re.compile(r"SM\d{3}")


def codes_in_code() -> set[str]:
    folders = ("include", "plugins", "dags")
    texts = [path.read_text(encoding="utf-8") for folder in folders for path in (PROJECT_ROOT / folder).rglob("*.py")]
    return {code for text in texts for code in _CODE.findall(text)}


def pages() -> list[Path]:
    return sorted(RUNBOOK.glob("SM*.md"))


def test_codes_and_pages_are_the_same() -> None:
    assert {path.stem for path in pages()} == codes_in_code()
    assert len(pages()) > 20


@pytest.mark.parametrize("path", pages(), ids=lambda path: path.stem)
def test_a_page_says_what_to_do(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.startswith(f"# {path.stem} · ")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == SECTIONS
    assert f"[{path.stem}]" in text, "the example shows the code"
    assert f"| [{path.stem}]({path.name}) |" in (RUNBOOK / "README.md").read_text(encoding="utf-8")


def test_links_of_the_runbook_lead_somewhere() -> None:
    for path in RUNBOOK.glob("*.md"):
        for target in re.findall(r"\]\(([\w./]+\.md)\)", path.read_text(encoding="utf-8")):
            assert (RUNBOOK / target).exists(), f"{path.name}: {target}"


def test_each_kind_of_error_has_a_default_code_of_its_own() -> None:
    found: dict[str, str] = {}
    for folder in ("include", "plugins"):
        for path in (PROJECT_ROOT / folder).rglob("*.py"):
            for name, code in re.findall(
                r'class (\w+)\(MetricsError\):.*?default_code = "?(\w+)"?', path.read_text(encoding="utf-8"), re.DOTALL
            ):
                assert found.setdefault(code, name) == name, f"{code}: {name} and {found[code]}"
    assert len(found) > 10
