"""Landing one night with few and with many nights of history."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from benchmarks.landing_gate import TICKETS, settings_for
from benchmarks.tickets_file import write_tickets
from include import files
from include.settings import end_of_day, night_id

LAST = date(2026, 6, 30)
ROWS_OF_A_NIGHT = 100_000
ROWS_OF_HISTORY = 200


def prepare(home: Path, nights: int) -> None:
    """Land `nights` nights, and lay the delivery of the next one ready."""
    from include.landing import land_feed  # noqa: PLC0415 - a side of the benchmark imports what it needs

    settings = settings_for(home)
    for number in range(1, nights + 1):
        night = LAST - timedelta(days=number)
        write_tickets(TICKETS.inbox(home, night.isoformat()), ROWS_OF_HISTORY, seed=number)
    land_feed(settings, end_of_day(LAST - timedelta(days=1), ZoneInfo(settings.timezone)), "desk", "tickets")
    write_tickets(TICKETS.inbox(home, LAST.isoformat()), ROWS_OF_A_NIGHT, seed=nights + 1)


def clear(home: Path) -> None:
    """Forget the night that lies ready."""
    for folder in (home / "landing" / "desk" / "tickets").glob(f"desk.tickets.{night_id(_as_of(home))}.*"):
        files.remove(folder)


def land(home: Path) -> Callable[[], object]:
    """Landing of the night that lies ready."""
    from include.landing import land_feed  # noqa: PLC0415

    return lambda: land_feed(settings_for(home), _as_of(home), "desk", "tickets")


def _as_of(home: Path) -> datetime:
    return end_of_day(LAST, ZoneInfo(settings_for(home).timezone))
