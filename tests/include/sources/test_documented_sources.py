"""What docs/sources.md shows can be used as it stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from include.settings import PROJECT_ROOT
from include.sources.loading import load_source

TEXT = (PROJECT_ROOT / "docs" / "sources.md").read_text(encoding="utf-8")
BLOCKS = [part.partition("```")[0] for part in TEXT.split("```yaml\n")[1:]]


def load(folder: Path, text: str) -> None:
    path = folder / "shown.yml"
    path.write_text(text, encoding="utf-8")
    load_source(path)


def test_the_example_of_everything(tmp_path: Path) -> None:
    load(tmp_path, BLOCKS[0])


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.startswith("      customer:")])
def test_entities_of_a_feed(tmp_path: Path, block: str) -> None:
    feed = "feeds:\n  users:\n    delivery: snapshot\n    files: a.csv\n    entities:\n"
    load(tmp_path, "source: desk\nsystem: Desk\ngroup: tickets\n" + feed + block)


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.startswith("      - id: phone.q6")])
def test_questions(tmp_path: Path, block: str) -> None:
    survey = "questionnaires:\n  phone:\n    survey_name: s\n    purpose: pulse\n    questions:\n"
    feeds = "feeds:\n  questionnaire: {delivery: snapshot, questionnaires: true}\n"
    load(tmp_path, "source: survey\nsystem: Survey\ngroup: surveys\n" + survey + block + feeds)
