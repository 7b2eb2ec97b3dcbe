"""The worked example of the documentation: what its boxes show is what the commands print."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from include.mapping_help.__main__ import main
from include.settings import PROJECT_ROOT

FILE, YAML = "docs/examples/hotline_20260630.csv", "docs/examples/hotline.yml"
PAGES = {"en": "add_a_source.md", "zh": "add_a_source.zh.md"}


@pytest.fixture(params=PAGES)
def page(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("METRICS_LANGUAGE", request.param)
    monkeypatch.delenv("METRICS_SOURCES", raising=False)
    monkeypatch.chdir(PROJECT_ROOT)
    return (PROJECT_ROOT / "docs" / PAGES[request.param]).read_text(encoding="utf-8")


@pytest.fixture
def scratch(tmp_path: Path) -> Iterator[Path]:
    """A copy of the example that may be spoilt."""
    for name in (FILE, YAML):
        shutil.copy(PROJECT_ROOT / name, tmp_path)
    yield tmp_path


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What a command prints, without blanks at the ends of lines."""
    with contextlib.suppress(SystemExit):
        main(arguments)
    said = capsys.readouterr()
    return "\n".join(line.rstrip() for line in (said.out + said.err).strip("\n").splitlines())


def test_checks(page: str, capsys: pytest.CaptureFixture[str]) -> None:
    for file in (FILE, YAML):
        assert f"```text\n{printed(capsys, 'check', file)}\n```" in page


def test_proposal(page: str, capsys: pytest.CaptureFixture[str]) -> None:
    proposal = printed(capsys, "new", FILE, "--name", "hotline")
    # Written to a file beside the export, it names the folder and the schema from there.
    proposal = proposal.replace(f'"{PROJECT_ROOT}/docs/examples"', '"."').replace("../source", "../../config/source")
    yaml, _, told = proposal.partition("hotline_20260630.csv" + (": csv" if "(12 records)" in proposal else "：csv"))
    assert f"```yaml\n{yaml.rstrip()}\n```" in page
    assert told.splitlines()[1] in page  # how many rows can be read


def test_both_kinds_of_errors(
    scratch: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("METRICS_LANGUAGE", "en")
    monkeypatch.chdir(scratch)
    page = (PROJECT_ROOT / "docs" / PAGES["en"]).read_text(encoding="utf-8")
    path, export = scratch / "hotline.yml", scratch / "hotline_20260630.csv"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("          status:\n", "          stauts:\n"), encoding="utf-8")
    assert f"```text\n{printed(capsys, 'check', 'hotline.yml')}\n```" in page
    path.write_text(text, encoding="utf-8")
    content = export.read_bytes().decode("gb18030").replace("处理状态", "当前进度", 1)
    export.write_bytes(content.encode("gb18030"))
    assert f"```text\n{printed(capsys, 'check', 'hotline.yml')}\n```" in page
