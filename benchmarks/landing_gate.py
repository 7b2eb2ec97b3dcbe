"""Landing, gate and settle of one large delivery, and the hand-written script beside them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from benchmarks.responses_file import write_responses
from benchmarks.tickets_file import write_tickets
from include import files
from include.settings import Settings
from include.sql import literal

HERE = Path(__file__).parent
NIGHT = datetime(2026, 6, 30, 16, tzinfo=UTC)
NIGHT_FOLDER = "2026-06-30"


def settings_for(home: Path) -> Settings:
    """Settings of the benchmark's installation."""
    return Settings(home=home, sources=HERE / "sources", hash_key="a key for the benchmark", timezone="Asia/Shanghai")


@dataclass(frozen=True)
class Delivery:
    """One large delivery of a feed, and the hand-written script beside landing, gate and settle of it."""

    name: str  # of its sides, as in `name.land`
    title: str
    most_memory_mb: int
    source: str
    feed: str
    group: str
    write: Callable[[Path, int], None]
    script: Callable[[Path, Path], Callable[[], object]]

    def inbox(self, home: Path, night: str = NIGHT_FOLDER) -> Path:
        """Where the delivery of a night lies."""
        return home / "inbox" / self.source / night / f"{self.feed}.csv"

    def prepare(self, home: Path, rows: int) -> None:
        """Write the delivery."""
        self.write(self.inbox(home), rows)

    def land(self, home: Path) -> Callable[[], object]:
        """Landing: original, raw Parquet, batch."""
        from include.landing import land_feed  # noqa: PLC0415 - each side imports before it is measured

        return lambda: land_feed(settings_for(home), NIGHT, self.source, self.feed)

    def gate(self, home: Path) -> Callable[[], object]:
        """Gate: mapped and judged by GX."""
        from include.gate import gx_duckdb  # noqa: F401, PLC0415
        from include.gate.gating import gate_group  # noqa: PLC0415

        return lambda: gate_group(settings_for(home), NIGHT, self.group)

    def settle(self, home: Path) -> Callable[[], object]:
        """Settle: references judged, clean and quarantine written, committed."""
        from include.gate import gx_duckdb  # noqa: F401, PLC0415
        from include.gate.settling import settle_night  # noqa: PLC0415

        return lambda: settle_night(settings_for(home), NIGHT)

    def floor(self, home: Path) -> Callable[[], object]:
        """The hand-written script, with the same judgements and outputs of the same rows."""
        return self.script(self.inbox(home), home)


def clear(home: Path) -> None:
    """Remove all but the delivery."""
    for path in home.iterdir():
        if path.name != "inbox":
            files.remove(path)


def tickets_script(csv: Path, home: Path) -> Callable[[], object]:
    """The script for tickets: `clean.parquet` and `bad.parquet` of the delivery `csv`, below `home`."""
    header = csv.open(encoding="utf-8").readline().strip().split(",")
    columns = "{" + ", ".join(f"{literal(name)}: 'VARCHAR'" for name in header) + "}"
    script = (HERE / "landing_gate_floor.sql").read_text(encoding="utf-8").replace("{COLUMNS}", columns)
    for name, target in [("csv", csv), ("clean", home / "clean.parquet"), ("quarantine", home / "bad.parquet")]:
        script = script.replace(f"${name}", literal(str(target)))
    con = duckdb.connect()
    con.execute("set enable_progress_bar = false")
    return lambda: con.execute(script)


def responses_script(csv: Path, home: Path) -> Callable[[], object]:
    """The script for survey responses: `responses.parquet`, `answers.parquet` and `bad.parquet`, below `home`."""
    from benchmarks import survey_gate_floor  # noqa: PLC0415

    con = duckdb.connect()
    con.execute("set enable_progress_bar = false")
    targets = [home / f"{name}.parquet" for name in ("responses", "answers", "bad")]
    return lambda: survey_gate_floor.run(con, csv, *targets)


TICKETS = Delivery(
    "ticket_gate", "tickets × 20 columns", 1536, "desk", "tickets", "tickets", write_tickets, tickets_script
)
RESPONSES = Delivery(
    "survey_gate",
    "responses × 20 items, all indices",
    2048,
    "panel",
    "responses",
    "surveys",
    write_responses,
    responses_script,
)
DELIVERIES = (TICKETS, RESPONSES)
