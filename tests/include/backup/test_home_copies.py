"""A back-up is whole, holds what it says, and gives the data home back."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from include import files
from include.backup import BackupError, back_up, restore
from include.backup.home_copies import MANIFEST_FILE, read_manifest
from include.gate.ledger import read_ledger
from include.landing.known import KNOWN_FILE
from include.settings import Settings
from tests.support.mini_company import EVENT_HEADER, TICKET_HEADER, MiniCompany

FIRST, SECOND = "2026-06-01", "2026-06-02"


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A company after its first night: clean, quarantined and held rows."""
    folder = tmp_path_factory.mktemp("used")
    company = MiniCompany(folder)
    company.deliver(FIRST, "tickets.csv", TICKET_HEADER + ticket("T1") + ticket(""))
    company.deliver(FIRST, "events.csv", EVENT_HEADER + "E1,T2,created,2026-06-01T02:00:00Z\n")
    company.run(FIRST)
    return folder


@pytest.fixture
def company(used: Path, tmp_path: Path) -> MiniCompany:
    return MiniCompany(shutil.copytree(used, tmp_path / "company"))


def test_what_is_restored_is_what_was_backed_up_and_the_next_night_goes_on(
    company: MiniCompany, tmp_path: Path
) -> None:
    told: list[tuple[int, int]] = []
    summary = back_up(company.settings, tmp_path / "kept", lambda done, of: told.append((done, of)))
    before = truth(company.home)
    assert (summary.files, summary.kept) == (len(before), 0)
    assert told[-1] == (len(before), len(before))
    inbox = shutil.move(company.home / "inbox", tmp_path / "inbox")
    shutil.rmtree(company.home)
    shutil.move(inbox, company.home / "inbox")

    restored = restore(company.settings, tmp_path / "kept")

    assert truth(company.home) == before
    assert (restored.files, restored.size) == (summary.files, summary.size)
    assert (company.home / "quarantine").stat().st_mode & 0o777 == files.PRIVATE
    company.deliver(SECOND, "tickets.csv", TICKET_HEADER + ticket("T2"))
    company.run(SECOND)
    # The event that was held before the back-up has found its ticket; the first night's files are not landed again.
    assert company.clean("ticket_event", "event_id") == [("E1",)]
    assert (
        len({gate.batch_id for gate in read_ledger(company.home, company.night(SECOND)) if gate.feed == "tickets"}) == 2
    )


def test_the_next_backup_copies_only_what_is_new(company: MiniCompany, tmp_path: Path) -> None:
    first = back_up(company.settings, tmp_path / "kept")
    company.deliver(SECOND, "tickets.csv", TICKET_HEADER + ticket("T2"))
    company.run(SECOND)
    first.folder.rename(tmp_path / "kept" / "20260101T000000Z")
    second = back_up(company.settings, tmp_path / "kept")
    assert second.kept == first.files
    assert second.files > first.files
    name = next(iter(read_manifest(second.folder).files))
    assert (second.folder / "home" / name).stat().st_nlink == 2


@pytest.mark.parametrize("harm", ["flip", "remove", "manifest"])
def test_a_damaged_backup_is_refused_by_name_and_nothing_is_restored(
    company: MiniCompany, tmp_path: Path, harm: str
) -> None:
    folder = back_up(company.settings, tmp_path / "kept").folder
    victim = folder / MANIFEST_FILE if harm == "manifest" else next((folder / "home" / "clean").rglob("*.parquet"))
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 1
    victim.unlink()
    if harm != "remove":
        victim.write_bytes(content)
    new = company.settings.model_copy(update={"home": tmp_path / "new"})
    with pytest.raises(BackupError, match=rf"damaged: .*{victim.name}.*\[SM408\]"):
        restore(new, tmp_path / "kept" if harm != "manifest" else folder)
    assert not new.home.exists() or not any(new.home.iterdir())


def test_a_home_in_use_is_not_overwritten(company: MiniCompany, tmp_path: Path) -> None:
    back_up(company.settings, tmp_path / "kept")
    before = truth(company.home)
    with pytest.raises(BackupError, match=r"not empty .*clean"):
        restore(company.settings, tmp_path / "kept")
    assert truth(company.home) == before


def test_a_format_that_is_not_known_is_refused(company: MiniCompany, tmp_path: Path) -> None:
    folder = back_up(company.settings, tmp_path / "kept").folder
    content = files.read_json(folder / MANIFEST_FILE) | {"format_version": 99}
    files.write_json(folder / MANIFEST_FILE, content)
    with pytest.raises(BackupError, match="has format 99, known here is 1"):
        restore(company.settings.model_copy(update={"home": tmp_path / "new"}), tmp_path / "kept")


def test_where_there_is_nothing_to_back_up(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home", hash_key="a key for tests")
    with pytest.raises(BackupError, match="no night has run there"):
        back_up(settings, tmp_path / "kept")
    with pytest.raises(BackupError, match="holds no back-up"):
        restore(settings, tmp_path / "kept")


def test_a_backup_does_not_lie_in_what_it_backs_up(company: MiniCompany) -> None:
    with pytest.raises(BackupError, match="another disk"):
        back_up(company.settings, company.home / "kept")


def ticket(key: str) -> str:
    return f"{key},C1,处理中,2026/06/01 10:00,,,2026/06/01 10:00\n"


def truth(home: Path) -> dict[str, bytes]:
    """The files of a data home that a back-up holds."""
    return {
        path.relative_to(home).as_posix(): path.read_bytes()
        for path in home.rglob("*")
        if path.is_file()
        and path.relative_to(home).parts[0] not in ("inbox", "logs", "work")
        and path.name not in (KNOWN_FILE, "run.lock", "owner.json")
    }
