"""Files of the data home: whole or not at all, and damage is found."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from include import files
from include.failpoints import DISK_VARIABLE, PLACES, failpoint, room_of
from include.settings import PROJECT_ROOT

VALUE = {"batch_id": "desk.tickets.20260601T160000Z.8176c357f3ab", "rows": 1234, "名": "工单"}


def test_an_object_comes_back_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "1.json"
    for value in (VALUE, {}, [1, 2], "text", {"_": {}}):
        files.write_json(path, value)
        assert files.read_json(path) == value


def test_no_flipped_bit_gets_into_an_object(tmp_path: Path) -> None:
    path = tmp_path / "1.json"
    files.write_json(path, VALUE)
    content = path.read_bytes()
    refused = 0
    for place in range(len(content)):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        try:
            # What comes through had its seal hit, not its content.
            assert {name: value for name, value in files.read_json(path).items() if name in VALUE} == VALUE
        except files.DamagedFileError as error:
            assert str(path) in str(error)
            refused += 1
    assert refused > len(content) * 0.8


def test_no_torn_object_is_read(tmp_path: Path) -> None:
    path = tmp_path / "1.json"
    files.write_json(path, VALUE)
    content = path.read_bytes()
    for size in range(len(content) - 1):
        path.write_bytes(content[:size])
        with pytest.raises(files.DamagedFileError, match=r"1\.json is damaged"):
            files.read_json(path)


def test_what_other_programs_read_has_no_seal(tmp_path: Path) -> None:
    files.write_json(tmp_path / "1.json", {"admin": "x"}, sealed=False)
    assert (tmp_path / "1.json").read_bytes() == b'{\n "admin": "x"\n}\n'


def test_an_error_while_writing_leaves_what_was_there(tmp_path: Path) -> None:
    files.write_bytes(tmp_path / "a", b"before")
    with pytest.raises(KeyError), files.writing(tmp_path / "a") as temporary:
        temporary.write_bytes(b"half")
        raise KeyError
    with pytest.raises(KeyError), files.writing_folder(tmp_path / "b") as folder:
        (folder / "c").write_bytes(b"half")
        raise KeyError
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_bytes() == b"before"


def test_a_folder_replaces_the_one_before_it_whole(tmp_path: Path) -> None:
    for name in ("one", "two"):
        with files.writing_folder(tmp_path / "folder") as folder:
            (folder / name).write_bytes(b"")
    assert [path.name for path in tmp_path.rglob("*")] == ["folder", "two"]


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DISK_VARIABLE, "0")
    with pytest.raises(OSError, match="No space left") as fault:
        files.write_bytes(tmp_path / "a", b"content")
    assert fault.value.errno == errno.ENOSPC
    assert list(tmp_path.iterdir()) == []


def test_sweeping_takes_what_killed_runs_left_and_nothing_else(tmp_path: Path) -> None:
    kept = ["clean/ticket/a.1.parquet", "inbox/desk/.export.csv.1.tmp", "landing/.hidden", "others/.page.2.tmp"]
    left = ["clean/ticket/.a.1.parquet.77.tmp", "landing/d/t/.d.t.n.h.78.tmp/rows.parquet", ".work.gone.9.tmp/gate/x"]
    left += ["reports/metrics/.index.en.html.2.tmp"]
    for name in [*kept, *left]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    files.sweep(tmp_path)
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()) == kept


def test_a_torn_line_does_not_spoil_the_next_one(tmp_path: Path) -> None:
    path = tmp_path / "night.jsonl"
    path.write_bytes(b'{"whole": 1}\n{"to')
    files.append_line(path, '{"next": 2}')
    assert path.read_text().splitlines() == ['{"whole": 1}', '{"to', '{"next": 2}']


def test_a_place_that_is_not_listed_is_an_error() -> None:
    assert len(set(PLACES)) == len(PLACES)
    with pytest.raises(ValueError, match="nowhere:at_all is not listed"):
        failpoint("nowhere:at_all")


@pytest.mark.parametrize(
    ("path", "room"),
    [
        ("landing/desk/tickets/desk.tickets.20260601T160000Z.8176c357f3ab", "landing"),
        ("landing/desk/tickets/.desk.tickets.20260601T160000Z.8176c357f3ab.7.tmp/batch.json", "batch"),
        ("quarantine/ticket/desk.tickets.20260601T160000Z.8176c357f3ab.1.parquet", "quarantine"),
        ("quarantine/ticket/desk.tickets.20260601T160000Z.8176c357f3ab.1.held.parquet", "held"),
        ("ledger/context/20260601T160000Z/survey.json", "context"),
        ("ledger/desk.tickets.20260601T160000Z.8176c357f3ab/1.json", "ledger"),
        ("warehouse/history/20260601T160000Z", "history"),
        ("reports/page.html", None),
    ],
)
def test_a_file_is_known_by_where_it_lies(path: str, room: str | None) -> None:
    found = room_of(Path("/somewhere/clean/home") / path)
    assert (found and found.name) == room


def test_killed_between_two_names(tmp_path: Path) -> None:
    """A failpoint leaves what a power cut leaves: the temporary file, and the old content under the name."""
    path = tmp_path / "clean" / "ticket" / "a.1.parquet"
    files.write_bytes(path, b"before")
    code = f"from pathlib import Path; from include import files; files.write_bytes(Path({str(path)!r}), b'after')"
    for place, content in (("clean:before_rename", b"before"), ("clean:after_rename", b"after")):
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=PROJECT_ROOT,
            env={**os.environ, "METRICS_FAILPOINT": place},
            start_new_session=True,
            check=False,
        )
        assert (done.returncode, path.read_bytes()) == (-signal.SIGKILL, content)
    assert len(list(path.parent.glob(".*.tmp"))) == 1
