"""Periods of time by grain: where they end, and how they are written."""

from __future__ import annotations

from datetime import date, timedelta


def following(grain: str, start: date) -> date:
    """The first day after a period."""
    if grain in ("day", "week"):
        return start + timedelta(days=7 if grain == "week" else 1)
    months = {"month": 1, "quarter": 3, "year": 12}[grain]
    index = start.year * 12 + start.month - 1 + months
    return date(index // 12, index % 12 + 1, 1)


def period_text(grain: str, start: date) -> str:
    """A period as `make trace` takes it: 2026, 2026-Q2, 2026-06, 2026-W23, 2026-06-16, snapshot."""
    match grain:
        case "year":
            return f"{start:%Y}"
        case "quarter":
            return f"{start:%Y}-Q{(start.month + 2) // 3}"
        case "month":
            return f"{start:%Y-%m}"
        case "week":
            return f"{start:%G-W%V}"
        case "snapshot":
            return grain
    return start.isoformat()
