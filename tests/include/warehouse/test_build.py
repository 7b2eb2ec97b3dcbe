"""Building through a dbt project of three models: what is built on, what is rebuilt, and which faults are told."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from include import files
from include.warehouse import build as build_module
from include.warehouse.build import BuildError, BuildSummary, build_warehouse
from include.warehouse.build_file import (
    build_file,
    read_record,
    reason_to_rebuild,
    set_aside,
    wal_of,
    write_record,
)
from tests.support.warehouse_home import NIGHT_1, NIGHT_2, WarehouseHome, write_project


class Building:
    """A data home with two nights of gates, and the project that builds it."""

    def __init__(self, folder: Path) -> None:
        self.home = WarehouseHome(folder)
        self.project = write_project(folder / "project")
        for night in (NIGHT_1, NIGHT_2):
            self.home.begin(night)
        self.first = self.home.gate(NIGHT_1, ["a", "b"])
        self.home.gate(NIGHT_2, ["c"])
        self.path = build_file(self.home.home)

    def build(self, night: datetime) -> BuildSummary:
        return build_warehouse(self.home.settings, night, project=self.project)

    def tickets(self) -> list[str]:
        with duckdb.connect(str(self.path), read_only=True) as con:
            return [row[0] for row in con.execute("select ticket_id from marts.fct_ticket order by 1").fetchall()]

    def prints(self) -> dict[str, Any]:
        record = read_record(self.home.home)
        assert record is not None
        return dict(record.tables)


@pytest.fixture
def building(tmp_path: Path) -> Building:
    return Building(tmp_path)


@pytest.fixture(scope="module")
def built_nights(tmp_path_factory: pytest.TempPathFactory) -> Building:
    """Night 1, then night 2."""
    building = Building(tmp_path_factory.mktemp("built"))
    building.build(NIGHT_1)
    assert building.tickets() == ["a", "b"]
    assert building.build(NIGHT_2).rebuilt is None
    return building


def test_a_night_builds_on_the_one_before(built_nights: Building) -> None:
    assert built_nights.tickets() == ["a", "b", "c"]
    record = read_record(built_nights.home.home)
    assert record is not None
    assert record.night == NIGHT_2
    assert record.sha256 == files.sha256_of(built_nights.path)
    assert record.tables["staging.stg_ticket_version"].rows == 3


def test_the_same_night_again_and_a_rebuild_give_the_same_tables(built_nights: Building) -> None:
    before = built_nights.prints()

    assert built_nights.build(NIGHT_2).rebuilt is None
    assert built_nights.prints() == before

    set_aside(built_nights.home.home)
    assert built_nights.build(NIGHT_2).nodes == 3
    assert built_nights.prints() == before


@pytest.mark.parametrize(
    ("damage", "word"), [("wal", "log"), ("content", "content"), ("unopenable", "opened"), ("record", "record")]
)
def test_a_build_file_that_is_not_what_a_good_build_left_is_not_built_on(
    tmp_path: Path, damage: str, word: str
) -> None:
    home = WarehouseHome(tmp_path)
    home.prepare_build(NIGHT_1, {"staging.stg_ticket_version": "select 'a' as ticket_id"})
    path = build_file(home.home)
    record = read_record(home.home)
    assert record is not None
    assert reason_to_rebuild(home.home, record.code_hash) is None
    if damage == "wal":
        wal_of(path).write_bytes(b"left by a killed process")
    elif damage == "content":
        with duckdb.connect(str(path)) as con:
            con.execute("delete from staging.stg_ticket_version")
    elif damage == "unopenable":
        path.write_bytes(b"no database")
        write_record(home.home, record.model_copy(update={"sha256": files.sha256_of(path)}))
    else:
        files.remove(path.parent / "record.json")

    assert word in (reason_to_rebuild(home.home, record.code_hash) or "")


def test_a_build_file_with_a_log_is_set_aside_and_rebuilt(built_nights: Building) -> None:
    path = built_nights.path
    before = built_nights.prints()
    with duckdb.connect(str(path)) as con:
        con.execute("delete from staging.stg_ticket_version where ticket_id = 'a'")
    wal_of(path).write_bytes(b"left by a killed process")

    assert "log" in (built_nights.build(NIGHT_2).rebuilt or "")

    assert not wal_of(path).exists()
    aside = path.parent / "set_aside"
    assert sorted(one.name for one in aside.iterdir()) == [path.name, f"{path.name}.wal"]
    assert built_nights.prints() == before


def test_changed_models_rebuild(built_nights: Building) -> None:
    model = built_nights.project / "models" / "marts" / "fct_ticket.sql"
    model.write_text(model.read_text(encoding="utf-8") + "\n-- another thought\n", encoding="utf-8")

    assert "changed" in (built_nights.build(NIGHT_2).rebuilt or "")


def test_a_failing_node_is_named_and_the_build_is_not_good(building: Building) -> None:
    (building.project / "models" / "marts" / "fct_ticket.sql").write_text(
        "{{ config(materialized='table', schema='marts') }} select no_such_column from {{ ref('stg_ticket_version') }}",
        encoding="utf-8",
    )

    with pytest.raises(BuildError, match=r"model\.standin\.fct_ticket.*no_such_column"):
        building.build(NIGHT_1)
    assert read_record(building.home.home) is None


def test_a_project_that_cannot_be_parsed_shows_what_dbt_said(building: Building) -> None:
    (building.project / "models" / "marts" / "fct_ticket.sql").write_text(
        "select * from {{ ref('no_such_model') }}", "utf-8"
    )

    with pytest.raises(BuildError, match="no_such_model"):
        building.build(NIGHT_1)


def test_lost_rows_are_found(building: Building, monkeypatch: pytest.MonkeyPatch) -> None:
    run_dbt = build_module._run_dbt

    def lossy(*arguments: Any) -> int:
        nodes = run_dbt(*arguments)
        with duckdb.connect(str(building.path)) as con:
            con.execute("delete from staging.stg_ticket_version where ticket_id = 'b'")
        return nodes

    monkeypatch.setattr(build_module, "_run_dbt", lossy)

    with pytest.raises(BuildError, match=r"stg_ticket_version has 1 rows, clean 2"):
        building.build(NIGHT_1)
    assert read_record(building.home.home) is None


def test_a_build_that_left_the_night_before_is_found(building: Building, monkeypatch: pytest.MonkeyPatch) -> None:
    building.build(NIGHT_1)
    monkeypatch.setattr(build_module, "_run_dbt", lambda *_: 0)

    with pytest.raises(BuildError, match="it holds for 2026-06-28 16:00:00, not for 2026-06-29 16:00:00"):
        building.build(NIGHT_2)


def test_a_night_that_no_source_reached_is_not_built(building: Building, monkeypatch: pytest.MonkeyPatch) -> None:
    building.home.begin(NIGHT_2, proven=False)
    monkeypatch.setattr(build_module, "_run_dbt", lambda *_: 0)

    with pytest.raises(BuildError, match="no source could be taken in tonight: desk"):
        building.build(NIGHT_2)


def test_damaged_clean_stops_before_dbt(building: Building, monkeypatch: pytest.MonkeyPatch) -> None:
    file = building.first.entities["ticket"].clean
    assert file is not None
    (building.home.home / file.path).write_bytes(b"torn")
    ran: list[int] = []
    monkeypatch.setattr(build_module, "_run_dbt", lambda *_: ran.append(1))

    with pytest.raises(files.DamagedFileError, match="damaged"):
        building.build(NIGHT_1)
    assert not ran
