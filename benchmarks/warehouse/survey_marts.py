"""All marts of the experience from responses with twelve answers each, and the hand-written script beside them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb

from benchmarks.warehouse import home as warehouse
from benchmarks.warehouse.company import TICKETS_PER_CUSTOMER, company
from benchmarks.warehouse.purchases import purchases
from benchmarks.warehouse.surveys import surveys
from benchmarks.warehouse.tickets import tickets
from include.sql import literal
from include.warehouse.build_file import build_file

# Each with the column that tells its rows apart.
MARTS = {
    "fct_survey_response": "response_key",
    "fct_survey_answer": "answer_key",
    "fct_survey_invitation": "invitation_key",
    "fct_survey_frame": "frame_key",
    "fct_response_csi": "response_csi_key",
    "fct_dimension_period": "dimension_period_key",
    "fct_low_score_reason": "low_score_reason_key",
}
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
    warehouse.build(home, "--select", *(f"+{mart}" for mart in MARTS), "--exclude", *DERIVED)
    warehouse.keep_prepared(home)


def marts(home: Path) -> Callable[[], None]:
    """The product: staging of surveys as on a first night, and all marts of it."""
    with duckdb.connect(build_file(home)) as con:
        staged = con.execute(
            "select table_name from information_schema.tables "
            "where table_schema = 'staging' and table_name like 'stg_survey%'"
        ).fetchall()
        for (name,) in staged:
            con.execute(f"drop table staging.{name}")
    return warehouse.dbt(home, "run", "--select", *STAGING, *DERIVED)


def floor(home: Path) -> Callable[[], object]:
    """The hand-written script: the same rows in tables of the same names, in a schema `floor`."""
    script = Path(__file__).with_name("survey_marts_floor.sql").read_text(encoding="utf-8")
    for entity in sorted(ENTITIES, key=len, reverse=True):
        script = script.replace(f"$clean_{entity}", _clean(home, entity))
    return warehouse.run_script(home, script)


def _clean(home: Path, entity: str) -> str:
    return literal(str(home / "clean" / entity / "*.parquet"))
