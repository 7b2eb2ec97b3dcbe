"""All marts of the experience from responses with twelve answers each, and the hand-written script beside them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb

from benchmarks.landing_gate import HERE
from benchmarks.warehouse import home as warehouse
from benchmarks.warehouse.company import TICKETS_PER_CUSTOMER, company
from benchmarks.warehouse.purchases import purchases
from benchmarks.warehouse.surveys import surveys
from benchmarks.warehouse.tickets import tickets
from include import files
from include.sql import literal
from include.warehouse.build_file import build_file, wal_of

MARTS = (
    "fct_survey_response",
    "fct_survey_answer",
    "fct_survey_invitation",
    "fct_survey_frame",
    "fct_response_csi",
    "fct_dimension_period",
    "fct_low_score_reason",
)
# What makes them of the clean rows, by the names that the project gives to models of surveys.
DERIVED = (*MARTS, "int_response_*", "int_invitation_*")
STAGING = ("stg_survey*",)
ENTITIES = ("survey", "survey_question", "survey_invitation", "survey_response", "survey_answer")


def prepare(home: Path, responses: int) -> None:
    """Deliver the rows and build what the marts need: dimensions, customers, tickets."""
    customers = max(responses // TICKETS_PER_CUSTOMER, 8)
    warehouse.deliver(home, company(customers) | purchases(customers) | tickets(responses))
    warehouse.deliver(home, surveys(responses, f"read_parquet({_clean(home, 'ticket')})"))
    warehouse.write_control_tables(home)
    chosen = ["--select", *(f"+{mart}" for mart in MARTS), "--exclude", *DERIVED]
    kinds = ["--exclude-resource-type", "test", "--exclude-resource-type", "unit_test"]
    warehouse.dbt(home, "build", *kinds, *chosen)()
    prepared(home).parent.mkdir(exist_ok=True)
    shutil.move(build_file(home), prepared(home))


def prepared(home: Path) -> Path:
    """The warehouse file that each side begins with a copy of."""
    return home / "prepared" / build_file(home).name


def floor_file(home: Path) -> Path:
    """The warehouse file that the hand-written script leaves."""
    return home / "floor" / build_file(home).name


def marts(home: Path) -> Callable[[], None]:
    """The product: staging of surveys as on a first night, and all marts of it."""
    _begin_with_copy(home, build_file(home))
    with duckdb.connect(build_file(home)) as con:
        staged = con.execute(
            "select table_name from information_schema.tables "
            "where table_schema = 'staging' and table_name like 'stg_survey%'"
        ).fetchall()
        for (name,) in staged:
            con.execute(f"drop table staging.{name}")
    return warehouse.dbt(home, "run", "--select", *STAGING, *DERIVED)


def floor(home: Path) -> Callable[[], object]:
    """The hand-written script: the same tables in the schema `floor`."""
    file = floor_file(home)
    _begin_with_copy(home, file)
    script = (HERE / "warehouse" / "survey_marts_floor.sql").read_text(encoding="utf-8")
    for entity in sorted(ENTITIES, key=len, reverse=True):
        script = script.replace(f"$clean_{entity}", _clean(home, entity))
    con = duckdb.connect(file)
    con.execute("set enable_progress_bar = false; set threads = 2; set TimeZone = 'UTC'")

    def run() -> None:
        con.execute(script)
        con.close()

    return run


def _begin_with_copy(home: Path, file: Path) -> None:
    file.parent.mkdir(exist_ok=True)
    files.remove(wal_of(file))
    shutil.copyfile(prepared(home), file)


def _clean(home: Path, entity: str) -> str:
    return literal(str(home / "clean" / entity / "*.parquet"))
