"""Landing, gate and settle of one large delivery, and the hand-written script beside them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import duckdb

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


def inbox(home: Path, night: str = NIGHT_FOLDER) -> Path:
    """Where the delivery of a night lies."""
    return home / "inbox" / "desk" / night / "tickets.csv"


def prepare(home: Path, rows: int) -> None:
    """Write the delivery."""
    write_tickets(inbox(home), rows)


def clear(home: Path) -> None:
    """Remove all but the delivery."""
    for path in home.iterdir():
        if path.name != "inbox":
            files.remove(path)


def land(home: Path) -> Callable[[], object]:
    """Landing: original, raw Parquet, batch."""
    from include.landing import land_feed  # noqa: PLC0415 - each side imports before it is measured

    return lambda: land_feed(settings_for(home), NIGHT, "desk", "tickets")


def gate(home: Path) -> Callable[[], object]:
    """Gate: mapped and judged by GX."""
    from include.gate import gx_duckdb  # noqa: F401, PLC0415
    from include.gate.gating import gate_group  # noqa: PLC0415

    return lambda: gate_group(settings_for(home), NIGHT, "tickets")


def settle(home: Path) -> Callable[[], object]:
    """Settle: references judged, clean and quarantine written, committed."""
    from include.gate import gx_duckdb  # noqa: F401, PLC0415
    from include.gate.settling import settle_night  # noqa: PLC0415

    return lambda: settle_night(settings_for(home), NIGHT)


def floor(home: Path) -> Callable[[], object]:
    """The hand-written script, with the same judgements and outputs of the same rows."""
    path = inbox(home)
    header = path.open(encoding="utf-8").readline().strip().split(",")
    columns = "{" + ", ".join(f"{literal(name)}: 'VARCHAR'" for name in header) + "}"
    script = (HERE / "landing_gate_floor.sql").read_text(encoding="utf-8").replace("{COLUMNS}", columns)
    for name, target in [("csv", path), ("clean", home / "clean.parquet"), ("quarantine", home / "bad.parquet")]:
        script = script.replace(f"${name}", literal(str(target)))
    con = duckdb.connect()
    con.execute("set enable_progress_bar = false")
    return lambda: con.execute(script)
