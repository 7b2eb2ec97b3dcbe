"""Which feed of an installation takes a file: by where it lies, by its name, else by its columns."""

from __future__ import annotations

import fnmatch
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Literal

from include.errors import MetricsError
from include.landing.deliveries import NIGHT, find_deliveries
from include.mapping_help.file_shape import shape_of
from include.settings import Settings
from include.sources.column_report import compare_columns
from include.sources.file_reader import ReadLimits, read_to_parquet
from include.sources.loading import LoadedSource
from include.sources.mapping import mapped_rows

Why = Literal["by_place", "by_name", "by_columns"]
_FOREVER = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class TakingFeed:
    """A feed that takes a file, and how that is known."""

    loaded: LoadedSource
    feed: str
    why: Why


def feeds_taking(settings: Settings, sources: Sequence[LoadedSource], file: Path) -> list[TakingFeed]:
    """The feeds that take a file, by the surest sign that any of them shows; none if no feed does."""
    feeds = [(one, name) for one in sources for name, feed in one.source.feeds.items() if feed.files]
    by_place = [TakingFeed(one, name, "by_place") for one, name in feeds if _lies_there(settings, one, name, file)]
    if by_place:
        return by_place
    by_name = [TakingFeed(one, name, "by_name") for one, name in feeds if _is_called_so(one, name, file)]
    return by_name or _by_columns(settings, feeds, file)


def _lies_there(settings: Settings, loaded: LoadedSource, feed: str, file: Path) -> bool:
    deliveries = find_deliveries(settings, loaded, loaded.source.feeds[feed], _FOREVER)
    return any(path.resolve() == file.resolve() for delivery in deliveries for path in delivery.paths)


def _is_called_so(loaded: LoadedSource, feed: str, file: Path) -> bool:
    patterns = [PurePosixPath(one).name.replace(NIGHT, "*") for one in loaded.source.feeds[feed].files]
    return any(pattern.strip("*") and fnmatch.fnmatch(file.name, pattern) for pattern in patterns)


def _by_columns(settings: Settings, feeds: Sequence[tuple[LoadedSource, str]], file: Path) -> list[TakingFeed]:
    """The feed that can map the file and uses the most of its columns, if it uses more than it leaves."""
    columns = _columns_of(settings, file)
    used: list[tuple[int, LoadedSource, str]] = []
    for loaded, feed in feeds:
        try:
            for entity in loaded.source.feeds[feed].entities:
                mapped_rows(loaded, feed, entity, columns, settings.timezone)
        except MetricsError:
            continue
        used.append((len(columns) - len(compare_columns(loaded, feed, columns).unmapped), loaded, feed))
    best = max((count for count, _, _ in used), default=0)
    return [
        TakingFeed(loaded, feed, "by_columns")
        for count, loaded, feed in used
        if count == best and count * 2 > len(columns)
    ]


def _columns_of(settings: Settings, file: Path) -> list[str]:
    limits = ReadLimits.of(settings)
    with tempfile.TemporaryDirectory(prefix="mapping-") as folder:
        shape = shape_of(file, Path(folder), limits)
        return read_to_parquet([file], shape.feed(), Path(folder) / "raw.parquet", Path(folder), limits).columns
