"""Same scale and seed, same bytes; and every size works."""

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from include.sample_company import NIGHTS, KnownAnswers, generate


def _digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_same_seed_gives_same_bytes_and_another_seed_does_not(tmp_path: Path) -> None:
    generate(tmp_path / "a", scale=0.02, seed=1)
    generate(tmp_path / "b", scale=0.02, seed=1)
    generate(tmp_path / "c", scale=0.02, seed=2)
    first, second, other = (_digests(tmp_path / name) for name in "abc")
    assert len(first) > 40
    assert first == second
    assert sum(first[name] != other[name] for name in first if name in other) > 30


def test_complete_folder_is_left_alone(tmp_path: Path) -> None:
    first = generate(tmp_path, scale=0.01)
    mark = tmp_path / "desk" / "2026-06-27" / "users.csv"
    mark.write_text("touched", encoding="utf-8")
    assert generate(tmp_path, scale=0.01) == first
    assert mark.read_text(encoding="utf-8") == "touched"


def test_incomplete_or_other_company_is_replaced(tmp_path: Path) -> None:
    generate(tmp_path, scale=0.01)
    before = _digests(tmp_path)
    stray = tmp_path / "crm" / "2026-06-27" / "stray.csv"
    stray.write_text("left by a torn run", encoding="utf-8")
    (tmp_path / "complete.json").unlink()
    generate(tmp_path, scale=0.01)
    assert _digests(tmp_path) == before
    generate(tmp_path, scale=0.02)
    assert KnownAnswers.read(tmp_path).scale == 0.02
    assert _digests(tmp_path) != before


def test_torn_run_is_not_taken_for_complete(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    generate(tmp_path, scale=0.01)

    def fail(*_: object) -> None:
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr("include.sample_company.generating._deliver", fail)
        with pytest.raises(OSError, match="disk full"):
            generate(tmp_path, scale=0.02)
    assert not (tmp_path / "complete.json").exists()
    assert generate(tmp_path, scale=0.02).scale == 0.02


@pytest.mark.parametrize("scale", [0.01, 0.03])
def test_small_companies_work_every_night(tmp_path: Path, scale: float) -> None:
    answers = generate(tmp_path, scale=scale)
    feeds = ("desk.tickets", "desk.ticket_events", "crm.orders", "crm.customers", "survey.contacts")
    # Every feed of the field service has a file every night: tests of faults count on it.
    for feed in (*feeds, "field.visits", "field.call_backs", "field.assets", "field.engineers"):
        assert all(answers.records[feed][night.isoformat()] > 0 for night in NIGHTS), feed
    assert answers.tickets["counted"] > 100


@pytest.mark.parametrize("scale", [0, -1, 1001])
def test_impossible_scale_is_refused(tmp_path: Path, scale: float) -> None:
    with pytest.raises(ValueError, match="scale must be"):
        generate(tmp_path, scale=scale)


def test_command_line_reports_progress(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "include.sample_company", "--out", str(tmp_path), "--scale", "0.01"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "writing the CRM's files" in done.stdout
    assert (tmp_path / "known_answers.json").exists()
