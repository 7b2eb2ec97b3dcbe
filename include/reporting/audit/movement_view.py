"""Why older numbers moved, in words: what the template of a night's page prints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from include.periods import period_text
from include.reporting.amounts import amount
from include.reporting.audit.kept_movement import KeptMovement
from include.reporting.audit.words import entity_name, named, night_label, number, say
from include.reporting.words import named as metric_named
from include.reporting.words import period
from include.tracing.movement import MovedRow, PeriodMovement
from include.warehouse.night_summary import Language

# Rows that one page shows at most, over all periods.
_PER_PAGE = 400


@dataclass(frozen=True)
class PartView:
    """One cause: what it moved the number by, as text and as a bar (`left` and `width` in per cent of the track)."""

    cause: str
    name: str
    part: str
    left: float
    width: float
    rows: str


@dataclass(frozen=True)
class RowView:
    """One fact row that moved, and where its record stands."""

    cause: str
    record: str
    before: str
    after: str
    batch: str
    place: str


@dataclass(frozen=True)
class MovedView:
    """A metric in an older period."""

    id: str
    name: str
    period: str
    before: str
    after: str
    change: str
    parts: list[PartView]
    rows: list[RowView]
    row_count: str
    adds: str
    command: str


def movement_view(kept: KeptMovement | None, language: Language, timezone: str) -> dict[str, Any]:
    """What the section is given: `says`, and `moved` periods by metric."""
    if kept is None:
        return {"says": say(language, "moved_unknown"), "moved": [], "more": "", "order": ""}
    if kept.movement is None or kept.movement.before is None:
        return {"says": say(language, f"moved_{kept.problem or 'first'}"), "moved": [], "more": "", "order": ""}
    found = kept.movement
    night = night_label(datetime.fromisoformat(kept.movement.before), timezone)
    if not found.periods:
        return {"says": say(language, "moved_nothing", night=night), "moved": [], "more": "", "order": ""}
    most = max(_PER_PAGE // len(found.periods), 5)
    return {
        "says": say(language, "moved_says", night=night, n=len(found.periods)),
        "moved": [_moved(one, found.currency, language, most) for one in found.periods],
        "more": say(language, "moved_more", n=number(found.more)) if found.more else "",
        "order": say(language, "moved_order"),
    }


def _moved(one: PeriodMovement, currency: str, language: Language, most: int) -> MovedView:
    start = date.fromisoformat(one.start)

    def told(value: float | None, reason: str | None) -> str:
        if value is None:
            return say(language, "moved_none", reason=metric_named(language, "reason", reason or "no_data"))
        return amount(value, one.unit, language, currency)

    def signed(value: float | None) -> str:
        return "–" if value is None else amount(value, one.unit, language, currency, signed=True, beside=beside)

    beside = max((abs(level) for level in (one.before, one.after) if level is not None), default=None)
    asked = period_text(one.grain, start)
    return MovedView(
        id=f"moved-{one.metric}-{asked}",
        name=one.name_zh if language == "zh" else one.name_en,
        period=period(language, one.grain, start),
        before=told(one.before, one.before_reason),
        after=told(one.after, one.after_reason),
        change=signed(one.change),
        parts=[
            PartView(step.cause, named(language, "cause", step.cause), signed(part), *bar, number(step.rows))
            for step, part, bar in zip(one.steps, one.parts, _bars(one.parts), strict=True)
        ],
        rows=[_row(row, language) for row in one.rows[:most]],
        row_count=number(sum(step.rows for step in one.steps)),
        adds=_adds(one, language),
        command=f"make trace METRIC={one.metric} PERIOD={asked}",
    )


def _adds(one: PeriodMovement, language: Language) -> str:
    """What the figures of a row are: those of a formula with numerator and denominator, or a measured value."""
    has_parts = any(step.denominator is not None for step in one.steps)
    return say(language, "moved_adds" if has_parts else "moved_measures")


def _bars(parts: Sequence[float | None]) -> list[tuple[float, float]]:
    """Bars around the middle of a track, the longest being half of it."""
    longest = max((abs(part) for part in parts if part), default=0.0)
    if not longest:
        return [(50.0, 0.0)] * len(parts)
    widths = [50 * abs(part or 0) / longest for part in parts]
    return [
        (round(50 - width, 1) if (part or 0) < 0 else 50.0, round(width, 1))
        for part, width in zip(parts, widths, strict=True)
    ]


def _row(row: MovedRow, language: Language) -> RowView:
    def told(figures: tuple[float | None, ...] | None) -> str:
        if figures is None:
            return "–"
        return " / ".join("–" if one is None else f"{one:,.6g}" for one in figures)

    place = ""
    if row.number is not None:
        place = say(language, "moved_record", n=number(row.number))
        if row.line is not None:
            place = say(language, "moved_row" if row.sheet else "moved_line", n=number(row.line))
        parts = [row.file, row.sheet and say(language, "moved_sheet", sheet=row.sheet), place]
        place = say(language, "clause").join(part for part in parts if part)
    entity = f"{entity_name(language, row.entity)}: " if row.entity else ""
    return RowView(
        cause=named(language, "cause", row.cause),
        record=row.record,
        before=told(row.before),
        after=told(row.after),
        batch=row.batch_id or "–",
        place=f"{entity}{place}" if place else say(language, "moved_no_record"),
    )
