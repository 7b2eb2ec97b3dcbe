"""All ticket marts of one build, and the hand-written script beside them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from benchmarks.warehouse import home as warehouse
from benchmarks.warehouse.company import TICKETS_PER_CUSTOMER, company
from benchmarks.warehouse.tickets import tickets

# Each with the column that tells its rows apart.
MARTS = {
    "fct_ticket_event": "event_key",
    "fct_ticket": "ticket_key",
    "fct_ticket_sla": "ticket_sla_key",
    "fct_ticket_repeat": "ticket_repeat_key",
    "fct_backlog_daily": "backlog_key",
    "fct_agent_daily": "agent_daily_key",
}
# Every model that only tickets and their events need comes after one of these.
FIRST = ("int_ticket_united", "fct_ticket_event")
# Dimensions need them, too; they are built before and, as a part of what is measured, again.
STAGED = ("stg_ticket", "stg_ticket_event")


def prepare(home: Path, count: int) -> None:
    """Deliver so many tickets, and build what their marts read and other marts need as well."""
    warehouse.deliver(home, company(max(count // TICKETS_PER_CUSTOMER, 8)) | tickets(count))
    warehouse.write_control_tables(home)
    warehouse.build(home, "--select", *(f"+{mart}" for mart in MARTS), "--exclude", *(f"{model}+" for model in FIRST))
    warehouse.keep_prepared(home)


def marts(home: Path) -> Callable[[], object]:
    """The models from the staging of tickets and events up to the marts, as the nightly builds them."""
    paths = [f"+{mart},{model}+" for mart in MARTS for model in FIRST]
    return warehouse.dbt(home, "run", "--select", *STAGED, *paths)


def floor(home: Path) -> Callable[[], object]:
    """The hand-written script: the same rows in tables of the same names, in a schema `floor`."""
    return warehouse.run_script(home, Path(__file__).with_name("ticket_marts_floor.sql").read_text(encoding="utf-8"))
