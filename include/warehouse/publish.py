"""Publish: the closed build file is copied whole, compared, kept, and swapped in under readers' eyes.

Readers open only `warehouse/serve/warehouse.duckdb` and `warehouse/history/<night>/warehouse.duckdb`; whoever has the
old file open keeps reading it until they reconnect.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb

from include import files
from include.errors import MetricsError
from include.failpoints import failpoint
from include.settings import Settings, as_of_date, night_id, night_text, parse_night_id
from include.warehouse.build_file import WAREHOUSE, BuildRecord, build_file, read_record, table_prints
from include.warehouse.free_disk import check_room
from include.warehouse.kept_models import forget_models, write_named_models
from include.warehouse.night_records import begun_nights

OLDER_NIGHT = "SM402"


class PublishError(MetricsError):
    """The warehouse can't be published; what is served stays as it is."""

    default_code = "SM405"


@dataclass(frozen=True)
class PublishSummary:
    """What was published."""

    path: str
    size: int
    tables: int
    rows: int
    removed: list[str]
    forgotten_models: int


def serve_file(home: Path) -> Path:
    """The warehouse that readers open."""
    return home / "warehouse" / "serve" / WAREHOUSE


def history_folder(home: Path) -> Path:
    """Where published warehouses are kept, a folder per night."""
    return home / "warehouse" / "history"


def served_as_of(home: Path) -> datetime | None:
    """The night that is served (UTC), None before the first.

    Raises:
        PublishError: the served file can't be read.
    """
    path = serve_file(home)
    if not path.exists():
        return None
    try:
        with duckdb.connect(str(path), read_only=True) as con:
            row = con.execute("select as_of from audit.warehouse_state").fetchone()
    except duckdb.Error as error:
        raise PublishError(
            f"{path} can't be read ({error}); replace it by the newest one under {history_folder(home)}, or remove it"
        ) from error
    if row is None:
        raise PublishError(f"{path} doesn't say for which night it holds (audit.warehouse_state is empty)")
    return row[0].replace(tzinfo=UTC)


def check_not_older(home: Path, as_of: datetime) -> None:
    """Refuse a night older than the served one, or than one that has begun: nights go forward in one data home.

    What landed for a later night does not land again for an earlier one, so that night would lack it.

    Raises:
        PublishError: it is older.
    """
    served = served_as_of(home)
    if served and as_of < served:
        raise PublishError(
            f"night {night_text(as_of)} is older than what is served ({night_text(served)}); "
            "use another METRICS_HOME to see an earlier night",
            OLDER_NIGHT,
        )
    begun = max(begun_nights(home), default=as_of)
    if as_of < begun:
        raise PublishError(
            f"night {night_text(as_of)} is older than night {night_text(begun)}, which has begun and may have landed "
            "what this one needs; run that night to its end, or use another METRICS_HOME to see an earlier night",
            OLDER_NIGHT,
        )


def publish_warehouse(settings: Settings, as_of: datetime) -> PublishSummary:
    """Swap in the warehouse that was built for `as_of`, and forget nights past their time and the models of none kept.

    Raises:
        PublishError: the build isn't that of the night, the disk is too full, or the copy differs from the build.
    """
    home = settings.home
    files.sweep(home)
    check_not_older(home, as_of)
    record = _checked_record(home, as_of)
    check_room(home, build_file(home).stat().st_size, "publishing")

    kept = history_folder(home) / night_id(as_of)
    with files.writing_folder(kept) as folder:
        copy = folder / WAREHOUSE
        files.copy(build_file(home), copy)
        failpoint("publish:copied")
        _compare(copy, record)
        manifest = home / "warehouse" / "dbt" / "target" / "manifest.json"
        if manifest.exists():
            files.copy(manifest, folder / "manifest.json")
        write_named_models(copy, folder)
        files.write_json(folder / "record.json", record.model_dump(mode="json"))
    with files.writing(serve_file(home)) as temporary:
        files.second_name(kept / WAREHOUSE, temporary)
        failpoint("publish:before_swap")
    failpoint("publish:after_swap")

    removed = _apply_retention(settings, as_of)
    forgotten = forget_models(home, history_folder(home))
    tables = record.tables.values()
    return PublishSummary(
        path=str(serve_file(home)),
        size=serve_file(home).stat().st_size,
        tables=len(tables),
        rows=sum(one.rows for one in tables),
        removed=removed,
        forgotten_models=forgotten,
    )


def nights_to_keep(nights: Iterable[str], zone: ZoneInfo, keep_nights: int, keep_month_ends: int) -> set[str]:
    """Of nights named as in history (`20260630T160000Z`): the last of each of the newest days and of the newest months.

    The newest month counts as one of them, so its latest night is always kept.
    """
    by_day: dict[date, str] = {}
    by_month: dict[tuple[int, int], str] = {}
    for night in sorted(nights):
        day = as_of_date(parse_night_id(night), zone.key)
        by_day[day] = night
        by_month[(day.year, day.month)] = night
    days = [by_day[day] for day in sorted(by_day)[-keep_nights:]]
    months = [by_month[month] for month in sorted(by_month)[-keep_month_ends:]] if keep_month_ends else []
    return {*days, *months}


def _checked_record(home: Path, as_of: datetime) -> BuildRecord:
    record = read_record(home)
    if record is None or record.night != as_of:
        built = night_text(record.night) if record else "none"
        raise PublishError(f"the build file is not that of night {night_text(as_of)} (last good build: {built})")
    if files.sha256_of(build_file(home)) != record.sha256:
        raise PublishError(f"{build_file(home)} changed after it was built; run the night again to rebuild it")
    return record


def _compare(copy: Path, record: BuildRecord) -> None:
    """Reopen the copy: every table must have the rows and the content that the build had when dbt had ended."""
    try:
        found = table_prints(copy)
    except duckdb.Error as error:
        raise PublishError(f"the copy of the build file can't be opened: {error}") from error
    wrong = sorted(
        f"{name}: built {record.tables.get(name)}, copied {found.get(name)}"
        for name in {*found, *record.tables}
        if found.get(name) != record.tables.get(name)
    )
    if wrong:
        raise PublishError(f"the copy differs from the build and was not published: {'; '.join(wrong)}")


def _apply_retention(settings: Settings, as_of: datetime) -> list[str]:
    folder = history_folder(settings.home)
    nights = [path.name for path in folder.iterdir() if not path.name.startswith(".")]
    zone = ZoneInfo(settings.timezone)
    keep = nights_to_keep(nights, zone, settings.history_nights, settings.history_month_ends) | {night_id(as_of)}
    removed = sorted(set(nights) - keep)
    for night in removed:
        files.remove(folder / night)
    return removed
