"""Copies of a data home that are whole or not there, and hold what they say they hold.

A back-up is a folder named by the moment at which it was made:

    <target>/20261122T045500Z/home/…          the files, as they lie in the data home
    <target>/20261122T045500Z/manifest.json   their SHA-256 and sizes, written last

No lock is needed, so a back-up never keeps a night from its work: files of the data home never change, and the ledger,
which says what holds, is copied first; what a night commits meanwhile is in the next back-up. A file that the last
back-up has already is not copied again but given a second name (a hard link).
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from include import files
from include.errors import MetricsError
from include.gate.ledger import check_undamaged
from include.landing.known import KNOWN_FILE
from include.settings import Settings, night_id
from include.warehouse.holding import read_held_batches
from include.warehouse.publish import served_as_of

FORMAT_VERSION = 1
MANIFEST_FILE = "manifest.json"
# The ledger first: what it names is there already. Everything else of the data home is made anew from these.
_ROOMS = ("ledger", "decisions", "versions", "landing", "clean", "quarantine", "nights")
_PUBLISHED = ("warehouse/serve", "warehouse/history")
_DISPOSABLE = {"run.lock", "owner.json", KNOWN_FILE}
# Where others lay their files for us, and what a look into an empty home leaves: restoring goes beside them.
_MAY_BE_THERE = {"inbox", "logs"}
Report = Callable[[int, int], None]


class BackupError(MetricsError):
    """A data home can't be backed up or restored; the text says why and names the file."""

    default_code = "SM408"


class Entry(BaseModel):
    """One file of a back-up."""

    model_config = ConfigDict(frozen=True)

    sha256: str
    size: int
    mtime_ns: int


class Manifest(BaseModel):
    """What a back-up holds."""

    format_version: int = FORMAT_VERSION
    made_at: datetime
    served: datetime | None
    files: dict[str, Entry]


@dataclass
class CopySummary:
    """What was copied: files and bytes, how many of the files were there already, and the night that was served."""

    folder: Path
    files: int = 0
    size: int = 0
    kept: int = 0
    served: datetime | None = None
    gone: list[str] = field(default_factory=list)


def back_up(settings: Settings, target: Path, report: Report = lambda done, of: None) -> CopySummary:
    """Copy a data home into a new folder below `target`.

    Args:
        settings: of the installation.
        target: a folder outside the data home.
        report: is told how many of how many files are done.

    Raises:
        BackupError: there is nothing to back up, or `target` lies in the data home.
    """
    home = settings.home
    if target.absolute().is_relative_to(home):
        raise BackupError(f"{target} lies in the data home {home}; a back-up belongs on another disk")
    if not (home / "ledger").is_dir():
        raise BackupError(f"{home} holds no ledger: no night has run there, so there is nothing to back up")
    files.private_folder(target)
    last = _last(target)
    before = read_manifest(last).files if last else {}
    made_at = datetime.now(UTC).replace(microsecond=0)
    paths = list(_paths(home))
    summary = CopySummary(target / night_id(made_at), served=served_as_of(home))
    entries: dict[str, Entry] = {}
    with files.writing_folder(summary.folder) as folder:
        for number, path in enumerate(paths, start=1):
            name = path.relative_to(home).as_posix()
            entry = _copy(path, folder / "home" / name, last / "home" / name if last else None, before.get(name))
            if entry is None:
                summary.gone.append(name)  # an old warehouse that was cleared away meanwhile
            else:
                entries[name] = entry
                summary.kept += entry == before.get(name)
            report(number, len(paths))
        manifest = Manifest(made_at=made_at, served=summary.served, files=entries)
        files.write_json(folder / MANIFEST_FILE, manifest.model_dump(mode="json"))
    summary.files, summary.size = len(entries), sum(one.size for one in entries.values())
    return summary


def restore(settings: Settings, source: Path, report: Report = lambda done, of: None) -> CopySummary:
    """Make a data home from a back-up: one of them, or the last of a folder of them.

    Every file is held against the manifest before any takes its name in the data home, and the ledger against its files
    after it.

    Raises:
        BackupError: the data home is not empty, or the back-up is damaged, or of a format that is not known here.
        DamagedFileError: the ledger names files that the back-up did not have.
    """
    home = settings.home
    there = sorted(path.name for path in home.iterdir() if path.name not in _MAY_BE_THERE) if home.exists() else []
    if there:
        raise BackupError(
            f"{home} is not empty ({', '.join(there[:5])}); restore into a new METRICS_HOME, or move this one away"
        )
    folder = source if (source / MANIFEST_FILE).exists() else _last(source)
    if folder is None:
        raise BackupError(f"{source} holds no back-up (no {MANIFEST_FILE})")
    manifest = read_manifest(folder)
    summary = CopySummary(home, len(manifest.files), served=manifest.served)
    with files.writing_folder(home / ".restored") as temporary:
        for number, (name, entry) in enumerate(manifest.files.items(), start=1):
            original, target = folder / "home" / name, temporary / name
            if not original.exists():
                raise BackupError(f"{folder} is damaged: {name} is gone")
            target.parent.mkdir(parents=True, exist_ok=True)
            files.copy(original, target)
            found = files.sha256_of(target)
            if found != entry.sha256:
                raise BackupError(f"{folder} is damaged: {name} is not what was backed up (its SHA-256 differs)")
            files.restamp(target, entry.mtime_ns)
            summary.size += entry.size
            report(number, len(manifest.files))
    for path in sorted((home / ".restored").iterdir(), key=lambda one: one.name == "ledger"):
        files.move(path, home / path.name)  # the ledger last: it is the commit
    files.remove(home / ".restored")
    for room in ("landing", "quarantine"):
        files.private_folder(home / room)
    if manifest.served:
        check_undamaged(home, (file for batch in read_held_batches(home, manifest.served) for file in batch.files()))
    return summary


def read_manifest(folder: Path) -> Manifest:
    """What a back-up holds.

    Raises:
        BackupError: its manifest is damaged, or of a format that is not known here.
    """
    try:
        content = files.read_json(folder / MANIFEST_FILE)
    except files.DamagedFileError as error:
        raise BackupError(f"{folder} is damaged: {error.args[0]}") from error
    version = content.get("format_version")
    if version != FORMAT_VERSION:
        raise BackupError(
            f"{folder} has format {version}, known here is {FORMAT_VERSION}; use the version that made it"
        )
    return Manifest.model_validate(content)


def _last(target: Path) -> Path | None:
    return max((path.parent for path in target.glob(f"[0-9]*/{MANIFEST_FILE}")), default=None)


def _paths(home: Path) -> Iterator[Path]:
    for room in (*_ROOMS, *_PUBLISHED):
        for path in sorted((home / room).rglob("*")):
            names = path.relative_to(home).parts
            if path.name not in _DISPOSABLE and not any(name.startswith(".") for name in names) and path.is_file():
                yield path


def _copy(path: Path, target: Path, earlier: Path | None, known: Entry | None) -> Entry | None:
    """Copy one file, or give the earlier copy a second name; null where it is gone."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    target.parent.mkdir(parents=True, exist_ok=True)
    if known and earlier and (known.size, known.mtime_ns) == (status.st_size, status.st_mtime_ns) and earlier.exists():
        files.second_name(earlier, target)
        return known
    try:
        files.copy(path, target)
    except FileNotFoundError:
        return None
    target.chmod(stat.S_IRUSR | stat.S_IWUSR)
    return Entry(sha256=files.sha256_of(target), size=target.stat().st_size, mtime_ns=status.st_mtime_ns)
