"""Publishing by swap: readers always have one whole night, and nothing that differs from the build gets out."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from include import files
from include.settings import as_of_date, night_id
from include.warehouse.build_file import build_file
from include.warehouse.free_disk import DiskFullError, make_room_for_night
from include.warehouse.kept_models import models_folder
from include.warehouse.publish import (
    PublishError,
    check_not_older,
    history_folder,
    nights_to_keep,
    publish_warehouse,
    serve_file,
    served_as_of,
)
from tests.support.warehouse_home import NIGHT_1, NIGHT_2, NIGHT_3, WarehouseHome

TABLES = {"marts.fct_ticket": "select range as ticket_key, 'x' || range as ticket_id from range(1000)"}
SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.fixture
def home(tmp_path: Path) -> WarehouseHome:
    made = WarehouseHome(tmp_path)
    made.prepare_build(NIGHT_1, TABLES)
    return made


def count(path: Path) -> int:
    with duckdb.connect(str(path), read_only=True) as con:
        return int(con.execute("select count(*) from marts.fct_ticket").fetchall()[0][0])


def test_the_build_is_served_and_kept(home: WarehouseHome) -> None:
    summary = publish_warehouse(home.settings, NIGHT_1)

    assert count(serve_file(home.home)) == 1000
    assert served_as_of(home.home) == NIGHT_1
    kept = history_folder(home.home) / night_id(NIGHT_1)
    assert count(kept / "warehouse.duckdb") == 1000
    assert (summary.tables, summary.rows) == (2, 1001)
    # The build goes on without touching what is served.
    with duckdb.connect(str(build_file(home.home))) as con:
        con.execute("delete from marts.fct_ticket")
    assert count(serve_file(home.home)) == 1000


def test_readers_see_one_whole_night_while_it_is_swapped(home: WarehouseHome) -> None:
    publish_warehouse(home.settings, NIGHT_1)
    seen: set[tuple[Any, ...]] = set()
    faults: list[Exception] = []
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            try:
                with duckdb.connect(str(serve_file(home.home)), read_only=True) as con:
                    statement = "select (select as_of from audit.warehouse_state), count(*) from marts.fct_ticket"
                    seen.update(con.execute(statement).fetchall())
            except duckdb.Error as error:
                faults.append(error)

    # A copy of the served file by its own name keeps the build file free for this process to write.
    reader = threading.Thread(target=read)
    reader.start()
    try:
        home.prepare_build(NIGHT_2, {"marts.fct_ticket": "select range as ticket_key from range(5)"})
        publish_warehouse(home.settings, NIGHT_2)
    finally:
        stop.set()
        reader.join()

    assert not faults
    assert seen <= {(NIGHT_1.replace(tzinfo=None), 1000), (NIGHT_2.replace(tzinfo=None), 5)}
    assert count(serve_file(home.home)) == 5


def test_whoever_has_the_old_file_open_keeps_it(home: WarehouseHome) -> None:
    publish_warehouse(home.settings, NIGHT_1)
    before = serve_file(home.home).open("rb")
    size = os.fstat(before.fileno()).st_size
    home.prepare_build(NIGHT_2, {"marts.fct_ticket": "select range as ticket_key from range(5)"})
    publish_warehouse(home.settings, NIGHT_2)

    with before:
        assert len(before.read()) == size
    assert count(history_folder(home.home) / night_id(NIGHT_1) / "warehouse.duckdb") == 1000


def lose_a_row(copy: Path) -> None:
    with duckdb.connect(str(copy)) as con:
        con.execute("delete from marts.fct_ticket where ticket_key = 7")


def change_a_value(copy: Path) -> None:
    with duckdb.connect(str(copy)) as con:
        con.execute("update marts.fct_ticket set ticket_id = 'y7' where ticket_key = 7")


def lose_a_table(copy: Path) -> None:
    with duckdb.connect(str(copy)) as con:
        con.execute("drop table marts.fct_ticket")


def tear(copy: Path) -> None:
    content = copy.read_bytes()
    copy.write_bytes(content[: len(content) // 2])


@pytest.mark.parametrize("damage", [lose_a_row, change_a_value, lose_a_table, tear])
def test_a_copy_that_differs_is_not_published(
    home: WarehouseHome, monkeypatch: pytest.MonkeyPatch, damage: Callable[[Path], None]
) -> None:
    publish_warehouse(home.settings, NIGHT_1)
    home.prepare_build(NIGHT_2, TABLES)

    def lossy(source: Path, target: Path) -> None:
        shutil.copyfile(source, target)
        damage(target)

    monkeypatch.setattr(files, "copy", lossy)

    with pytest.raises(PublishError, match=r"copy"):
        publish_warehouse(home.settings, NIGHT_2)
    assert served_as_of(home.home) == NIGHT_1
    assert [path.name for path in history_folder(home.home).iterdir()] == [night_id(NIGHT_1)]


def test_a_build_file_that_changed_after_the_build_is_not_published(home: WarehouseHome) -> None:
    lose_a_row(build_file(home.home))

    with pytest.raises(PublishError, match="changed after it was built"):
        publish_warehouse(home.settings, NIGHT_1)
    assert not serve_file(home.home).exists()


def test_only_the_night_that_was_built_is_published(home: WarehouseHome) -> None:
    with pytest.raises(PublishError, match="not that of night 2026-06-29T16:00:00Z"):
        publish_warehouse(home.settings, NIGHT_2)


def test_an_older_night_is_refused(home: WarehouseHome) -> None:
    home.prepare_build(NIGHT_2, TABLES)
    publish_warehouse(home.settings, NIGHT_2)
    home.prepare_build(NIGHT_1, TABLES)

    for action in (lambda: publish_warehouse(home.settings, NIGHT_1), lambda: check_not_older(home.home, NIGHT_1)):
        with pytest.raises(PublishError, match="older than what is served"):
            action()
    check_not_older(home.home, NIGHT_2)
    assert served_as_of(home.home) == NIGHT_2


def test_a_damaged_served_file_is_told_with_the_way_out(home: WarehouseHome) -> None:
    publish_warehouse(home.settings, NIGHT_1)
    serve_file(home.home).unlink()
    serve_file(home.home).write_bytes(b"no database")

    with pytest.raises(PublishError, match="history"):
        check_not_older(home.home, NIGHT_2)


def test_a_full_disk_is_told_before_anything_is_written(home: WarehouseHome, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(100, 99, 1))

    with pytest.raises(DiskFullError, match="MiB free"):
        publish_warehouse(home.settings, NIGHT_1)
    with pytest.raises(DiskFullError, match=r"a night needs .*SM406"):
        make_room_for_night(home.home)
    assert not history_folder(home.home).exists()


def test_what_a_killed_publish_left_is_removed(home: WarehouseHome) -> None:
    left = history_folder(home.home) / f".{night_id(NIGHT_1)}.999.tmp"
    left.mkdir(parents=True)
    (left / "warehouse.duckdb").write_bytes(b"half")

    publish_warehouse(home.settings, NIGHT_1)

    assert not left.exists()


def test_old_nights_go(home: WarehouseHome) -> None:
    settings = home.settings.model_copy(update={"history_nights": 1, "history_month_ends": 1})
    for night in (NIGHT_1, NIGHT_2, NIGHT_3):
        home.prepare_build(night, TABLES)
        removed = publish_warehouse(settings, night).removed

    assert removed == [night_id(NIGHT_2)]
    assert [path.name for path in history_folder(home.home).iterdir()] == [night_id(NIGHT_3)]
    assert count(serve_file(home.home)) == 1000


def test_models_go_with_the_last_night_that_names_them(home: WarehouseHome) -> None:
    settings = home.settings.model_copy(update={"history_nights": 2, "history_month_ends": 0})
    folder = models_folder(home.home)
    assert folder == home.home / "warehouse" / "models"
    left: dict[int, list[str]] = {}
    for number, night in enumerate((NIGHT_1, NIGHT_2, NIGHT_3), start=1):
        for name in ("always", f"orders{number}", f"churn{number}", f"failed{number}"):
            files.write_json(folder / f"{name}.json", {"fits": []})
        value = f"select * from (values ('always'), ('orders{number}'), (null)) as t (fit_version)"
        churn = f"select 'churn{number}' as model_version"
        fitted = {"intermediate.int_customer_value_fitted": value, "intermediate.int_churn_model_fitted": churn}
        home.prepare_build(night, {**TABLES, **fitted})
        forgotten = publish_warehouse(settings, night).forgotten_models
        left[number] = sorted(path.stem for path in folder.iterdir())
        # that of a build which was not published, and those of the night that is not kept any more
        assert forgotten == (1 if number < 3 else 3)

    assert left[1] == ["always", "churn1", "orders1"]
    assert left[2] == ["always", "churn1", "churn2", "orders1", "orders2"]
    assert left[3] == ["always", "churn2", "churn3", "orders2", "orders3"]


@pytest.mark.parametrize("damage", ["", "{}", None])
def test_a_night_whose_list_of_models_is_damaged_stops_no_publish(home: WarehouseHome, damage: str | None) -> None:
    publish_warehouse(home.settings, NIGHT_1)
    files.write_json(models_folder(home.home) / "any.json", {"fits": []})
    path = history_folder(home.home) / night_id(NIGHT_1) / "models.json"
    if damage is None:
        path.unlink()
    else:
        path.write_text(damage, encoding="utf-8")
    home.prepare_build(NIGHT_2, TABLES)

    assert publish_warehouse(home.settings, NIGHT_2).forgotten_models == 1


def test_seven_nights_and_the_month_ends_are_kept() -> None:
    last = datetime(2026, 6, 30, 16, tzinfo=UTC)
    nights = [night_id(last - timedelta(days=age)) for age in range(100)]

    kept = nights_to_keep(nights, SHANGHAI, 7, 3)

    # 7 nights, of which 30 June is June's last, and the ends of May and April.
    days = {datetime.strptime(name, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).astimezone(SHANGHAI).date() for name in kept}
    ends = {day - timedelta(days=1) for day in days}
    assert {f"{day:%m-%d}" for day in ends} == {
        "06-30", "06-29", "06-28", "06-27", "06-26", "06-25", "06-24", "05-31", "04-30"
    }  # fmt: skip


@given(
    hours=st.lists(st.integers(0, 24 * 400), min_size=1, max_size=60), nights=st.integers(1, 9), ends=st.integers(0, 5)
)
def test_retention_keeps_the_newest_of_each_day_and_month(hours: list[int], nights: int, ends: int) -> None:
    instants = [datetime(2025, 1, 1, tzinfo=UTC) + timedelta(hours=hour) for hour in hours]

    kept = nights_to_keep([night_id(one) for one in instants], SHANGHAI, nights, ends)

    assert night_id(max(instants)) in kept
    days = sorted({as_of_date(one, "Asia/Shanghai") for one in instants})
    months = sorted({(day.year, day.month) for day in days})
    expected = set()
    for one in instants:
        day = as_of_date(one, "Asia/Shanghai")
        same_day = [other for other in instants if as_of_date(other, "Asia/Shanghai") == day]
        same_month = [
            other
            for other in instants
            if (as_of_date(other, "Asia/Shanghai").year, as_of_date(other, "Asia/Shanghai").month)
            == (day.year, day.month)
        ]
        newest_days = days[-nights:]
        newest_months = months[-ends:] if ends else []
        if (day in newest_days and one == max(same_day)) or (
            (day.year, day.month) in newest_months and one == max(same_month)
        ):
            expected.add(night_id(one))
    assert kept == expected
