"""A line of a few dozen figures, small enough to stand in a table's row."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from markupsafe import Markup

_MARGIN = 3
_LINE = '<polyline points="{}"/>'
_POINT = '<circle{} cx="{:g}" cy="{:g}" r="{:g}"/>'


@dataclass(frozen=True)
class SparkLine:
    """Lines without what is unknown, points that stand alone and the last one, as parts of an SVG of this size."""

    drawn: Markup
    width: int
    height: int


@lru_cache(maxsize=512)
def spark_line(values: tuple[float | None, ...], width: int = 120, height: int = 26) -> SparkLine:
    """Lay figures out from left to right, the lowest line being 0; null leaves a gap.

    A page has dozens, in two languages: they are drawn here once, which costs a tenth of drawing them in a template.
    """
    high = max((value for value in values if value is not None), default=0.0) or 1.0
    step = (width - 2 * _MARGIN) / max(len(values) - 1, 1)

    def place(index: int, value: float) -> tuple[float, float]:
        return (
            round(_MARGIN + index * step, 1),
            round(height - _MARGIN - (height - 2 * _MARGIN) * value / high, 1),
        )

    runs: list[list[tuple[float, float]]] = [[]]
    for index, value in enumerate(values):
        if value is None:
            runs.append([])
        else:
            runs[-1].append(place(index, value))
    known = [point for run in runs for point in run]
    parts = [_LINE.format(" ".join(f"{x:g},{y:g}" for x, y in run)) for run in runs if len(run) > 1]
    parts += [_POINT.format("", *run[0], 1.6) for run in runs if len(run) == 1]
    parts += [_POINT.format(' class="last"', *known[-1], 2.6)] if known else []
    # Made of numbers alone.
    return SparkLine(Markup("".join(parts)), width, height)
