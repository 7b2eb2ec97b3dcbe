"""The only writer of files in the data home: whole or not at all, and on disk before its name appears."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from include.errors import MetricsError
from include.failpoints import ROOMS, passing, writing_bytes

PRIVATE = 0o700
_CHUNK = 1 << 20
_FICLONE = 0x40049409  # Linux: share the blocks of another file
_TEMPORARY = re.compile(r"\..+\.\d+\.tmp")
# The first line of a JSON object that we write: the hash of all that follows it.
_SEAL = "_sha256"
_SEALED = re.compile(rb'\{\n "_sha256": "(?P<sha256>[0-9a-f]{64})",\n')


class DamagedFileError(MetricsError):
    """A file of the data home is gone, or not what was written; the text names it."""

    default_code = "SM404"


@contextmanager
def writing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; at the end of the block it is fsynced and takes the name `path`.

    On an error the temporary file is removed and `path` is as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = _temporary(path)
    try:
        yield temporary
        writing_bytes(path, temporary.stat().st_size)
        _sync(temporary)
        _take_name(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def writing_folder(path: Path) -> Iterator[Path]:
    """Give a temporary folder beside `path` that takes its name, with all it holds, at the end of the block."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = _temporary(path)
    remove(temporary)
    temporary.mkdir(mode=PRIVATE)
    try:
        yield temporary
        for file in sorted(temporary.rglob("*")):
            writing_bytes(path, file.stat().st_size)
            _sync(file)
        _sync(temporary)
        remove(path)
        _take_name(temporary, path)
    finally:
        remove(temporary)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file whole."""
    with writing(path) as temporary:
        temporary.write_bytes(content)


def write_json(path: Path, value: Any, *, sealed: bool = True) -> None:
    """Write a value as JSON, whole, with sorted keys.

    An object gets a seal that `read_json` holds it against, unless another program reads it (`sealed=False`).
    """
    content = json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True).encode() + b"\n"
    if sealed and isinstance(value, dict) and value:
        rest = content.removeprefix(b"{\n")
        content = f'{{\n "{_SEAL}": "{hashlib.sha256(rest).hexdigest()}",\n'.encode() + rest
    write_bytes(path, content)


def read_json(path: Path) -> Any:
    """Read a JSON file, and hold it against its seal, if it has one.

    Raises:
        DamagedFileError: the file is not JSON, or not what was written; the message names it.
    """
    content = path.read_bytes()
    sealed = _SEALED.match(content)
    if sealed and hashlib.sha256(content[sealed.end() :]).hexdigest() != sealed["sha256"].decode():
        raise DamagedFileError(f"{path} is damaged: its content is not what was written. Restore it from a backup.")
    try:
        value = json.loads(content)
    except ValueError as error:
        raise DamagedFileError(f"{path} is damaged: {error}. Restore it from a backup.") from error
    if isinstance(value, dict):
        value.pop(_SEAL, None)
    return value


def append_line(path: Path, line: str) -> None:
    """Append one line to a file that only reports progress (not fsynced)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab+") as file:
        if file.tell():
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":  # a line that was torn off
                file.write(b"\n")
        file.write(line.encode() + b"\n")


def open_log(path: Path) -> IO[bytes]:
    """Open a log for processes to append to (not fsynced); only its owner may read it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return open(path, "ab", opener=lambda name, flags: os.open(name, flags, 0o600))


def copy(source: Path, target: Path) -> None:
    """Copy a file to a temporary path, sharing its blocks where the disk can."""
    with source.open("rb") as read, target.open("wb") as write:
        try:
            fcntl.ioctl(write.fileno(), _FICLONE, read.fileno())
        except OSError:
            shutil.copyfileobj(read, write, 1 << 22)


def restamp(path: Path, mtime_ns: int) -> None:
    """Give a copied file the time of change of its original."""
    os.utime(path, ns=(mtime_ns, mtime_ns))


def second_name(source: Path, target: Path) -> None:
    """Give a file that never changes a second name (a temporary path); where the disk can't, copy it."""
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        copy(source, target)


def move(source: Path, target: Path) -> None:
    """Give a file of the data home another name there, in a folder that exists."""
    passing(source, "before_remove")
    source.replace(target)
    passing(source, "while_removing")
    _sync(target.parent)


def private_folder(path: Path) -> Path:
    """Make a folder that only its owner may enter (it holds personal data)."""
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(PRIVATE)
    return path


def remove(path: Path) -> None:
    """Remove a file or a folder with all it holds, if it is there. A folder is never seen half empty."""
    if not os.path.lexists(path):
        return
    if _TEMPORARY.fullmatch(path.name):
        _destroy(path)
        return
    passing(path, "before_remove")
    going = _temporary(path.with_name(f"{path.name}.gone"))
    _destroy(going)
    path.replace(going)
    passing(path, "while_removing")
    _destroy(going)


def sweep(home: Path) -> None:
    """Remove the temporary files and folders that killed runs left; whoever calls holds the data home's lock alone."""
    for folder in {room.pattern.split("/", 1)[0] for room in ROOMS} - {"airflow"}:
        for left in _left_over(home / folder):
            remove(left)
    # Airflow's own files below are not ours.
    for left in [*home.glob(".*.tmp"), *home.glob("airflow/.*.tmp")]:
        if _TEMPORARY.fullmatch(left.name):
            remove(left)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's content, as hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.tmp")


def _take_name(temporary: Path, path: Path) -> None:
    passing(path, "before_rename")
    temporary.replace(path)
    passing(path, "after_rename")
    _sync(path.parent)


def _destroy(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _left_over(folder: Path) -> Iterator[Path]:
    """Temporary files and folders below a folder; not what lies inside them."""
    if not folder.is_dir():
        return
    with os.scandir(folder) as entries:
        for entry in entries:
            if _TEMPORARY.fullmatch(entry.name):
                yield Path(entry.path)
            elif entry.is_dir(follow_symlinks=False):
                yield from _left_over(Path(entry.path))


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
