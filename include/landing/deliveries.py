"""Which deliveries of a feed lie ready."""

from __future__ import annotations

import fnmatch
import glob
import re
import stat
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path, PurePosixPath
from zoneinfo import ZoneInfo

from include.settings import Settings, SettingsError, parse_instant, parse_night_id
from include.sources.loading import LoadedSource
from include.sources.schema import Feed

NIGHT = "{night}"
_NIGHT_PATTERN = r"(\d{8}T\d{6}Z|\d{4}-\d{2}-\d{2})"


@dataclass(frozen=True)
class Delivery:
    """Files that a source delivered together; `delivered_for` is the night that their folder names, if any.

    `stamps` are their names, sizes and times of change (ns).
    """

    delivered_for: datetime | None
    paths: tuple[Path, ...]
    stamps: frozenset[tuple[str, int, int]]


def find_deliveries(settings: Settings, loaded: LoadedSource, feed: Feed, as_of: datetime) -> list[Delivery]:
    """The deliveries of a file feed up to `as_of`, oldest first.

    A pattern with `{night}` gives one delivery per folder of that name; folders of later nights wait. A pattern without
    it gives one delivery of all that lies there.
    """
    folder = source_folder(settings, loaded)
    zone = ZoneInfo(settings.timezone)
    by_night: dict[datetime | None, dict[Path, tuple[str, int, int]]] = {}
    for pattern in feed.files:
        # Not Path.glob: this looks at each folder once, and years of nights lie there.
        for name in glob.glob(pattern.replace(NIGHT, "*"), root_dir=folder, recursive=True):  # noqa: PTH207
            night = None
            if NIGHT in pattern:
                night = _night_in(name, pattern, zone)
                if night is None or night > as_of:
                    continue
            path = folder / name
            status = path.stat()
            if stat.S_ISREG(status.st_mode):
                by_night.setdefault(night, {})[path] = (path.name, status.st_size, status.st_mtime_ns)
    return [
        Delivery(night, tuple(sorted(by_night[night])), frozenset(by_night[night].values()))
        for night in sorted(by_night, key=lambda n: n or as_of)
    ]


def source_folder(settings: Settings, loaded: LoadedSource) -> Path:
    """Where a source's files lie: its `folder`, relative to its YAML."""
    named = loaded.source.folder.replace("{home}", str(settings.home)).replace("{real_data}", str(settings.real_data))
    return loaded.path.parent / named


def _night_in(name: str, pattern: str, zone: ZoneInfo) -> datetime | None:
    """The night that a path names, or null where the folder is no night at all (an `archive`, say)."""
    match = _shape(pattern).match(name)
    if match is None:
        return None
    text = match.group(1)
    try:
        if text.endswith("Z"):
            return parse_night_id(text)
        return parse_instant(text, zone)
    except (ValueError, SettingsError):
        return None


@cache
def _shape(pattern: str) -> re.Pattern[str]:
    """What the paths of a pattern look like; what stands for its night is the first group."""
    # What fnmatch makes of the placeholder becomes the night; of several only the first has to be one.
    shape = fnmatch.translate(PurePosixPath(pattern).as_posix().replace("**/", "*"))
    return re.compile(shape.replace(re.escape(NIGHT), _NIGHT_PATTERN, 1).replace(re.escape(NIGHT), ".*"))
