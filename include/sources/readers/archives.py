"""Unpack `.gz` and `.zip` within limits; where a member wants to lie is never followed."""

from __future__ import annotations

import fnmatch
import gzip
import itertools
import lzma
import stat
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, cast

from include.sources.readers.unreadable import DAMAGED, FORMAT, LIMIT, MB, ReadLimits, UnreadableFileError
from include.sources.schema import Feed

KINDS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
    ".xls": "xls",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
}
# A small file may be as repetitive as it likes: it does no harm.
RATIO_FLOOR = 64 * MB
_CHUNK = 1 << 20
_SYSTEM_FILES = {"thumbs.db", "desktop.ini"}
_ABOUT = ("readme", "read me", "license", "说明", "使用说明")
_NAMED = 10


@dataclass(frozen=True)
class Content:
    """A file to be read, unpacked; `name` is what messages and the column `_file` call it."""

    name: str
    path: Path
    kind: str
    suffix: str


def contents_of(path: Path, feed: Feed, scratch: Path, limits: ReadLimits, notes: list[str]) -> list[Content]:
    """The files that a received file holds: itself, or what is packed in it, by name.

    What a zip holds beside data is passed over and named in `notes`.

    Raises:
        UnreadableFileError: a damaged or encrypted archive, one over a limit, or a file of an unknown kind.
    """
    size = path.stat().st_size
    suffix = path.suffix.lower()
    if suffix == ".gz":
        meter = _Meter(path.name, size, limits)
        return [_from_gzip(path.name, path, feed, scratch, meter)]
    if suffix == ".zip":
        return _from_zip(path, feed, scratch, _Meter(path.name, size, limits), notes)
    limits.check_size(path.name, size)
    return [_content(path.name, path.name, path, feed)]


def _content(name: str, unpacked_name: str, path: Path, feed: Feed) -> Content:
    suffix = PurePosixPath(unpacked_name).suffix.lower()
    kind = feed.format or KINDS.get(suffix)
    if kind is None:
        raise UnreadableFileError(
            f"{name}: {suffix or 'a name without an ending'} says nothing about its kind. "
            "Declare the feed's `format` (csv, xlsx, xls, json, jsonl or parquet)",
            FORMAT,
        )
    return Content(name, path, kind, suffix)


class _Meter:
    """Counts what comes out of an archive."""

    def __init__(self, name: str, packed: int, limits: ReadLimits) -> None:
        self.name = name
        self.packed = max(packed, 1)
        self.limits = limits
        self.unpacked = 0

    def add(self, size: int) -> None:
        """Count bytes.

        Raises:
            UnreadableFileError: they are too many, or too many for the size of the archive.
        """
        self.unpacked += size
        self.limits.check_size(self.name, self.unpacked)
        if self.unpacked > RATIO_FLOOR and self.unpacked > self.limits.max_ratio * self.packed:
            raise UnreadableFileError(
                f"{self.name}: its {self.packed} bytes unpack to more than {self.limits.max_ratio} times as much "
                f"(stopped after {self.unpacked // MB} MB): a decompression bomb, or rows that are all the same. "
                "If that is right, raise METRICS_MAX_RATIO",
                LIMIT,
            )


def _from_gzip(name: str, path: Path, feed: Feed, scratch: Path, meter: _Meter) -> Content:
    target = _new_file(scratch)
    with path.open("rb") as file:
        _unpack_gzip(name, file, target, meter)
    return _content(name, PurePosixPath(name).stem, target, feed)


def _unpack_gzip(name: str, packed: IO[bytes], target: Path, meter: _Meter) -> None:
    with gzip.GzipFile(fileobj=packed) as source:
        try:
            _write(_blocks(source), target, meter)
        except _DamageError as error:
            raise UnreadableFileError(
                f"{name}: damaged or cut off: unpacking stops in line {_lines(target)} of its content, "
                f"after {target.stat().st_size} bytes ({error}). Ask for the file again",
                DAMAGED,
            ) from error


def _from_zip(path: Path, feed: Feed, scratch: Path, meter: _Meter, notes: list[str]) -> list[Content]:
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, RuntimeError, ValueError, OSError) as error:
        raise UnreadableFileError(f"{path.name}: no zip, or a damaged one ({error})", DAMAGED) from error
    with archive:
        chosen, others = _chosen(path.name, archive.infolist(), feed)
        if others:
            more = f" and {len(others) - _NAMED} more" if len(others) > _NAMED else ""
            notes.append(f"{path.name}: passed over {', '.join(others[:_NAMED])}{more}")
        return [_from_member(path.name, archive, info, feed, scratch, meter) for info in chosen]


def _from_member(
    archive_name: str, archive: zipfile.ZipFile, info: zipfile.ZipInfo, feed: Feed, scratch: Path, meter: _Meter
) -> Content:
    member = _name_of(info)
    name = f"{archive_name}/{member}"
    if info.flag_bits & 1:
        raise UnreadableFileError(f"{name}: encrypted. Ask for it without a password", DAMAGED)
    target = _new_file(scratch)
    try:
        with cast(zipfile.ZipExtFile, archive.open(info)) as source:
            _write(_blocks(source), target, meter)
    except (zipfile.BadZipFile, RuntimeError, _DamageError) as error:
        raise UnreadableFileError(
            f"{name}: damaged, or packed in a way that can't be read ({error})", DAMAGED
        ) from error
    if not member.lower().endswith(".gz"):
        return _content(name, member, target, feed)
    unpacked = _new_file(scratch)
    with target.open("rb") as file:
        _unpack_gzip(name, file, unpacked, meter)
    return _content(name, PurePosixPath(member).stem, unpacked, feed)


def _chosen(archive_name: str, members: list[zipfile.ZipInfo], feed: Feed) -> tuple[list[zipfile.ZipInfo], list[str]]:
    """The members that are data, by name, and the names of the others.

    Raises:
        UnreadableFileError: none is, or they are of several kinds and the feed does not say which it wants.
    """
    members = sorted((one for one in members if not one.is_dir()), key=lambda one: (_name_of(one), one.header_offset))
    chosen = [one for one in members if _is_data(one, feed)]
    if not feed.members and not feed.format:
        if any(_suffix_of(one) != ".txt" for one in chosen):
            chosen = [one for one in chosen if _suffix_of(one) != ".txt"]
        kinds = sorted({KINDS[_suffix_of(one)] for one in chosen})
        if len(kinds) > 1:
            raise UnreadableFileError(
                f"{archive_name}: holds {' and '.join(kinds)}. Declare which the feed is: `format` or `members`", FORMAT
            )
    others = [_name_of(one) for one in members if one not in chosen]
    if not chosen:
        wanted = f"a member like {feed.members}" if feed.members else f"{feed.format or 'a data'} file"
        raise UnreadableFileError(
            f"{archive_name}: holds no {wanted.removeprefix('a ')}; it holds {', '.join(others[:_NAMED]) or 'nothing'}",
            FORMAT,
        )
    return chosen, others


def _is_data(info: zipfile.ZipInfo, feed: Feed) -> bool:
    name = _name_of(info)
    parts = PurePosixPath(name).parts
    base = parts[-1] if parts else ""
    if stat.S_ISLNK(info.external_attr >> 16):
        return False
    if feed.members:
        return fnmatch.fnmatch(base, feed.members) or fnmatch.fnmatch(name, feed.members)
    if "__MACOSX" in parts or base.startswith(".") or base.lower() in _SYSTEM_FILES or base.lower().startswith(_ABOUT):
        return False
    kind = KINDS.get(_suffix_of(info))
    return kind is not None and feed.format in (None, kind)


def _suffix_of(info: zipfile.ZipInfo) -> str:
    """The ending that says what a member is, without `.gz`."""
    return PurePosixPath(_name_of(info).lower().removesuffix(".gz")).suffix


def _name_of(info: zipfile.ZipInfo) -> str:
    """The name of a member, to be read and never to be written to: Chinese names from Windows put right, no `..`."""
    name = info.filename
    if not info.flag_bits & 0x800:
        name = _decoded(name)
    return "/".join(part for part in name.replace("\\", "/").split("/") if part not in ("", ".", ".."))


def _decoded(name: str) -> str:
    """A name that does not say its encoding, which `zipfile` takes for that of the first PCs."""
    for encoding in ("utf-8", "gb18030"):
        try:
            return name.encode("cp437").decode(encoding)
        except UnicodeError:
            continue
    return name


class _DamageError(Exception):
    """The packed bytes are not what they should be."""


def _blocks(source: gzip.GzipFile | zipfile.ZipExtFile) -> Iterator[bytes]:
    # Not `read`, which keeps what stands before the damage to itself.
    while True:
        try:
            block = source.read1(_CHUNK)
        except (EOFError, zlib.error, lzma.LZMAError, OSError, ValueError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise  # the disk, not the archive
            raise _DamageError(str(error)) from error
        if not block:
            return
        yield block


def _write(blocks: Iterator[bytes], target: Path, meter: _Meter) -> None:
    with target.open("wb") as out:
        for block in blocks:
            meter.add(len(block))
            out.write(block)


def _lines(path: Path) -> int:
    with path.open("rb") as file:
        return 1 + sum(block.count(b"\n") for block in iter(lambda: file.read(_CHUNK), b""))


def _new_file(scratch: Path) -> Path:
    """A path of our own in the scratch folder."""
    return next(path for number in itertools.count() if not (path := scratch / f"unpacked.{number}").exists())
