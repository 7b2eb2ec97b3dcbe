"""An analyst's build over a served night: what changed is built, the rest is read, and nobody is locked."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from include import files
from include.development import dev_build
from include.development.dev_build import DevError, build_dev, dev_file
from include.settings import Settings
from include.warehouse.build import PROJECT, build_warehouse
from include.warehouse.build_file import WAREHOUSE
from include.warehouse.publish import publish_warehouse, serve_file
from tests.support.warehouse_home import NIGHT_1, NIGHT_2, WarehouseHome, write_project

DEV_TARGET = """\
    dev:
      type: duckdb
      path: "{{ env_var('METRICS_DEV_FILE') }}"
      attach: [{path: "{{ env_var('METRICS_SERVED_FILE') }}", alias: warehouse, read_only: true}]
      threads: 1
"""
COUNTED = """
{{ config(materialized='table', schema='marts') }}
select count(*) as tickets from {{ ref('fct_ticket') }}
"""


class Analyst:
    """A published night of three tickets, and a project of which one model has been changed since."""

    def __init__(self, folder: Path) -> None:
        self.home = WarehouseHome(folder)
        self.settings: Settings = self.home.settings.model_copy(update={"dev": folder / "mine"})
        self.project = write_project(folder / "project")
        with (self.project / "profiles.yml").open("a", encoding="utf-8") as profiles:
            profiles.write(DEV_TARGET)
        (self.project / "models" / "marts" / "fct_count.sql").write_text(COUNTED, encoding="utf-8")
        self.home.begin(NIGHT_1)
        self.home.gate(NIGHT_1, ["a", "b", "c"])
        build_warehouse(self.settings, NIGHT_1, project=self.project)
        publish_warehouse(self.settings, NIGHT_1)
        self.unchanged = build_dev(self.settings, project=self.project)
        self.model = self.project / "models" / "marts" / "fct_ticket.sql"
        self.model.write_text(
            "{{ config(materialized='table', schema='marts') }}\n"
            "select ticket_id, 'x' as mark from {{ ref('stg_ticket_version') }} where ticket_id <> 'a'",
            encoding="utf-8",
        )

    def mine(self, sql: str) -> list[Any]:
        with duckdb.connect(str(dev_file(self.settings)), read_only=True) as con:
            return con.execute(sql).fetchall()


@pytest.fixture(scope="module")
def analyst(tmp_path_factory: pytest.TempPathFactory) -> Analyst:
    return Analyst(tmp_path_factory.mktemp("analyst"))


def test_a_changed_model_and_what_depends_on_it_are_built_beside_the_served_night(analyst: Analyst) -> None:
    served = serve_file(analyst.home.home)
    before = files.sha256_of(served)
    told: list[str] = []
    readings: list[Any] = []
    stop = threading.Event()

    def read() -> None:
        # A reader of their own, as a BI tool would be, all the while.
        while not stop.wait(0.05):
            with duckdb.connect(str(served), read_only=True) as con:
                readings.append(con.execute("select count(*) from marts.fct_ticket").fetchone())

    reader = threading.Thread(target=read)
    reader.start()
    try:
        summary = build_dev(analyst.settings, project=analyst.project, report=told.append)
    finally:
        stop.set()
        reader.join()

    assert summary.faults == []
    found = {one.name: (one.rows, one.served_rows, one.content) for one in summary.tables}
    assert found == {"marts.fct_ticket": (2, 3, "+mark"), "marts.fct_count": (1, 1, "changed")}
    assert analyst.mine("select ticket_id, mark from marts.fct_ticket order by 1") == [("b", "x"), ("c", "x")]
    # What has not changed is read from the served night, not built.
    assert analyst.mine("select table_name from duckdb_tables() order by 1") == [("fct_count",), ("fct_ticket",)]
    assert any("marts.fct_ticket" in line for line in told)
    assert files.sha256_of(served) == before
    assert len(readings) > 5
    assert set(readings) == {(3,)}


def test_where_nothing_has_changed_nothing_is_built(analyst: Analyst) -> None:
    assert (analyst.unchanged.tables, analyst.unchanged.views, analyst.unchanged.faults) == ([], [], [])
    assert analyst.unchanged.night == NIGHT_1


def test_a_changed_macro_that_no_model_is_known_to_call_is_told() -> None:
    def manifest(**sql: str) -> dict[str, Any]:
        calls = {"direct": ["macro.p.indirect"]}
        return {
            "metadata": {"project_name": "p"},
            "nodes": {"model.p.a": {"depends_on": {"macros": ["macro.p.direct"]}}},
            "macros": {
                f"macro.p.{name}": {
                    "name": name,
                    "package_name": "p",
                    "macro_sql": text,
                    "depends_on": {"macros": calls.get(name, [])},
                }
                for name, text in sql.items()
            },
        }

    served = manifest(direct="1", indirect="1", while_running="1", kept="1")
    now = manifest(direct="2", indirect="2", while_running="2", kept="1", added="1")
    assert dev_build._untraced(now, served) == ["added", "while_running"]


def test_models_can_be_named_and_others_are_read_from_the_served_night(analyst: Analyst) -> None:
    """Not from the table that the test before left in the analyst's file; a name that no model has is told."""
    with pytest.raises(DevError, match=r"no model is named fct_tikcet .*SM410"):
        build_dev(analyst.settings, ["fct_count", "fct_tikcet"], project=analyst.project)

    assert analyst.mine("select tickets from marts.fct_count") == [(3,)]


def test_a_failing_model_is_told(analyst: Analyst) -> None:
    good = analyst.model.read_text(encoding="utf-8")
    analyst.model.write_text(good.replace("'x' as mark", "no_such_column"), encoding="utf-8")
    try:
        summary = build_dev(analyst.settings, ["fct_ticket"], project=analyst.project)
        assert "fct_ticket" in summary.faults[0]
        assert "no_such_column" in summary.faults[0]
    finally:
        analyst.model.write_text(good, encoding="utf-8")


def test_a_file_that_is_open_elsewhere_is_told(analyst: Analyst, tmp_path: Path) -> None:
    settings = analyst.settings.model_copy(update={"dev": tmp_path})
    program = "import duckdb, sys; con = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", program, str(dev_file(settings))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "open\n"
        with pytest.raises(DevError, match="open in another program"):
            build_dev(settings, ["fct_count"], project=analyst.project)
        other.communicate()

    dev_file(settings).write_bytes(b"no database at all")
    with pytest.raises(DevError, match="can't be opened"):
        build_dev(settings, project=analyst.project)


def test_a_home_that_serves_nothing_yet_and_one_without_the_manifest_are_told(analyst: Analyst, tmp_path: Path) -> None:
    with pytest.raises(DevError, match="serves no night yet"):
        build_dev(Settings(home=tmp_path / "empty"))

    (kept,) = (analyst.home.home / "warehouse" / "history").iterdir()
    (kept / "manifest.json").rename(kept / "away.json")
    try:
        with pytest.raises(DevError, match=r"manifest\.json is missing"):
            build_dev(analyst.settings)
    finally:
        (kept / "away.json").rename(kept / "manifest.json")


def test_inputs_of_another_night_are_told(analyst: Analyst) -> None:
    told: list[str] = []
    dev_build._note_other_inputs(analyst.settings, NIGHT_1, told.append)
    assert told == []
    dev_build._note_other_inputs(analyst.settings, NIGHT_2, told.append)
    assert "another night (2026-06-28T16:00:00Z)" in told[0]


def test_the_project_can_be_deferred_to_the_served_night() -> None:
    """Its analysts' target reads the served file under the name that views and manifest know, and only reads it."""
    profiles = yaml.safe_load((PROJECT / "profiles.yml").read_text(encoding="utf-8"))
    (attached,) = profiles["service_metrics"]["outputs"]["dev"]["attach"]
    assert (attached["alias"], attached["read_only"]) == (Path(WAREHOUSE).stem, True)
    assert profiles["service_metrics"]["target"] != "dev"

    # A relation's name written out, where `ref` belongs, would be looked for in the analyst's file.
    written_out = [
        path.name
        for path in PROJECT.rglob("*.sql")
        if "target" not in path.parts and "relation_name" in path.read_text()
    ]
    assert written_out == []
