"""A line of a few dozen figures, small enough to stand in a table's row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_MARGIN = 3


@dataclass(frozen=True)
class SparkLine:
    """Lines (points of SVG polylines) without what is unknown, points that stand alone, and the last one."""

    lines: list[str]
    dots: list[tuple[float, float]]
    last: tuple[float, float] | None
    width: int
    height: int


def spark_line(values: Sequence[float | None], width: int = 120, height: int = 26) -> SparkLine:
    """Lay figures out from left to right, the lowest line being 0; null leaves a gap."""
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
    return SparkLine(
        lines=[" ".join(f"{x:g},{y:g}" for x, y in run) for run in runs if len(run) > 1],
        dots=[run[0] for run in runs if len(run) == 1],
        last=known[-1] if known else None,
        width=width,
        height=height,
    )
