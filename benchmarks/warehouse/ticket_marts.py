"""All ticket marts of one build, and the hand-written script beside them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb

from benchmarks.warehouse.company import TICKETS_PER_CUSTOMER, company
from benchmarks.warehouse.home import dbt, deliver, settings_for, write_control_tables
from benchmarks.warehouse.tickets import tickets
from include import files
from include.warehouse.build import PROJECT, dbt_environment
from include.warehouse.build_file import build_file, wal_of

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
# As in dbt_project/profiles.yml.
THREADS = 2


def prepare(home: Path, count: int) -> None:
    """Deliver so many tickets, and build what their marts read and other marts need as well."""
    deliver(home, company(max(count // TICKETS_PER_CUSTOMER, 8)) | tickets(count))
    write_control_tables(home)
    selection = ["--select", *(f"+{mart}" for mart in MARTS), "--exclude", *(f"{model}+" for model in FIRST)]
    # in a process of its own, which closes the file when it ends
    subprocess.run(
        [
            *(sys.executable, "-c", "from dbt.cli.main import cli; cli()", "--quiet", "build"),
            *("--exclude-resource-type", "test", "--exclude-resource-type", "unit_test"),
            *("--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT), *selection),
        ],
        env=dbt_environment(settings_for(home)),
        check=True,
    )
    files.move(build_file(home), _prepared(home))


def clear(home: Path) -> None:
    """Put a copy of the prepared file in the place of the build file."""
    path = build_file(home)
    files.remove(wal_of(path))
    files.remove(path)
    shutil.copyfile(_prepared(home), path)


def marts(home: Path) -> Callable[[], object]:
    """The models from the staging of tickets and events up to the marts, as the nightly builds them."""
    paths = [f"+{mart},{model}+" for mart in MARTS for model in FIRST]
    return dbt(home, "run", "--select", *STAGED, *paths)


def floor(home: Path) -> Callable[[], object]:
    """The hand-written script: the same rows in tables of the same names, in a schema `floor`."""
    script = Path(__file__).with_name("ticket_marts_floor.sql").read_text(encoding="utf-8")
    con = duckdb.connect(str(build_file(home)), config={"threads": THREADS})
    con.execute("set enable_progress_bar = false")
    con.execute("set TimeZone = 'UTC'")
    return lambda: con.execute(script)


def _prepared(home: Path) -> Path:
    return home / "prepared.duckdb"
