"""A value of a metric in words: its unit decides how it is told."""

from __future__ import annotations

from include.warehouse.night_summary import Language

MINUS = "−"
NO_BREAK = "\u00a0"
# From here on minutes are told in hours. Never in days: a day of business minutes is not a day.
_LONG_MINUTES = 120
# Below this a share needs a second decimal place to show that it moves.
_SMALL_SHARE = 0.1
_UNITS: dict[str, dict[Language, str]] = {
    "minutes": {"en": f"{NO_BREAK}min", "zh": f"{NO_BREAK}分钟"},
    "hours": {"en": f"{NO_BREAK}h", "zh": f"{NO_BREAK}小时"},
    "days": {"en": f"{NO_BREAK}d", "zh": f"{NO_BREAK}天"},
    "share": {"en": f"{NO_BREAK}%", "zh": "%"},
    "percentage_points": {"en": f"{NO_BREAK}pp", "zh": f"{NO_BREAK}个百分点"},
    "per_1000": {"en": f"{NO_BREAK}‰", "zh": "‰"},
    "per_10000": {"en": " per 10,000", "zh": "（每万）"},
}


def amount(
    value: float,
    unit: str,
    language: Language,
    currency: str,
    *,
    signed: bool = False,
    beside: float | None = None,
) -> str:
    """A value with its unit.

    Args:
        value: in the unit; a share is 0-1, durations are minutes.
        unit: as `dim_metric` names it.
        language: of the words for units.
        currency: of the installation, for the unit `currency`.
        signed: the value is a change: it gets its sign, and a change of shares is in percentage points.
        beside: the value that a change or an end of an interval stands beside; both are told in the same unit.
    """
    scale, digits, suffix = _way(value if beside is None else beside, unit, signed)
    text = f"{value * scale:{'+' if signed else ''},.{digits}f}"
    if not text.strip("+-0.,"):
        text = text.lstrip("+-")  # what rounds to nothing has no sign
    if unit == "currency":
        return f"{text}{NO_BREAK}{currency}".replace("-", MINUS)
    return text.replace("-", MINUS) + (_UNITS[suffix][language] if suffix else "")


def _way(value: float, unit: str, signed: bool) -> tuple[float, int, str]:
    """Factor, decimal places and unit in which a value of this size is told."""
    if unit == "share":
        return 100.0, 2 if abs(value) < _SMALL_SHARE else 1, "percentage_points" if signed else "share"
    if unit == "minutes":
        return (1 / 60, 1, "hours") if abs(value) >= _LONG_MINUTES else (1.0, 1, "minutes")
    if unit in ("count", "currency"):
        return 1.0, 0, ""
    return 1.0, 2 if unit in ("score", "ratio") else 1, unit if unit in _UNITS else ""
