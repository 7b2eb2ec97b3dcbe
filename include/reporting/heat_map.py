"""Mean scores by region and dimension, with a colour that says how high each is among the others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

LOW_BASE, VERY_LOW_BASE = 30, 10  # METHODS "Scores": grey under 30, and strongly under 10
TOTAL, NO_REGION = "all", "(none)"
# Light to dark in one direction and from yellow over green to blue, so that it also reads in grey and to the
# colour-blind; what is grey has too few answers.
_COLOURS = ((255, 246, 200), (176, 221, 181), (88, 180, 190), (40, 118, 174), (18, 44, 108))
_DARK, _LIGHT = (0, 0, 0), (255, 255, 255)
Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Score:
    """One row of `heat_map.sql`: answers of a purpose, dimension and region, and the sum of their POMP (0-100)."""

    purpose: str
    dimension: str
    region: str
    answer_count: int
    pomp_sum: float


@dataclass(frozen=True)
class Cell:
    """A mean (0-100) with its number of answers; without colour where it rests on too few. Null mean: no answer."""

    mean: float | None
    n: int
    fill: str | None = None
    ink: str | None = None

    @property
    def base(self) -> str:
        """`low`, `very_low`, `none` or `sound`."""
        if self.n == 0:
            return "none"
        if self.n < VERY_LOW_BASE:
            return "very_low"
        return "low" if self.n < LOW_BASE else "sound"


@dataclass(frozen=True)
class HeatMap:
    """One purpose, as purposes are never pooled: `cells[region][dimension]`; the first region is all of them."""

    purpose: str
    start: date
    regions: list[str]
    dimensions: list[str]
    cells: dict[str, dict[str, Cell]]
    low: float | None
    high: float | None
    legend: list[str]

    @property
    def n(self) -> int:
        """Answers in it."""
        return sum(cell.n for cell in self.cells[TOTAL].values())


def heat_maps(scores: Iterable[Score], start: date) -> list[HeatMap]:
    """A map per purpose, that with the most answers first."""
    by_purpose: dict[str, list[Score]] = defaultdict(list)
    for score in scores:
        by_purpose[score.purpose].append(score)
    maps = [_heat_map(purpose, found, start) for purpose, found in by_purpose.items()]
    return sorted(maps, key=lambda one: (-one.n, one.purpose))


def colour_at(share: float) -> Colour:
    """The colour at a place of the scale, 0 (lowest) to 1 (highest)."""
    place = min(max(share, 0.0), 1.0) * (len(_COLOURS) - 1)
    index = min(int(place), len(_COLOURS) - 2)
    part = place - index
    red, green, blue = (
        round(low + (high - low) * part) for low, high in zip(_COLOURS[index], _COLOURS[index + 1], strict=True)
    )
    return red, green, blue


def contrast(one: Colour, other: Colour) -> float:
    """The contrast ratio of two colours, 1 to 21 (WCAG 2.2)."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def ink_on(fill: Colour) -> Colour:
    """Dark or light text, whichever is easier to read on a colour."""
    return max((_DARK, _LIGHT), key=lambda ink: contrast(ink, fill))


def style_at(share: float) -> tuple[str, str]:
    """Background and ink at a place of the scale (0 to 1), as CSS."""
    fill = colour_at(share)
    return _css(fill), _css(ink_on(fill))


def _heat_map(purpose: str, scores: Sequence[Score], start: date) -> HeatMap:
    counts: dict[tuple[str, str], int] = defaultdict(int)
    sums: dict[tuple[str, str], float] = defaultdict(float)
    for score in scores:
        for region in (score.region, TOTAL):
            counts[region, score.dimension] += score.answer_count
            sums[region, score.dimension] += score.pomp_sum
    dimensions = sorted({score.dimension for score in scores})
    regions = [TOTAL, *sorted({score.region for score in scores}, key=lambda region: (region == NO_REGION, region))]
    means = {place: sums[place] / count for place, count in counts.items() if count}
    sound = [mean for place, mean in means.items() if counts[place] >= LOW_BASE]
    low, high = (min(sound), max(sound)) if sound else (None, None)

    def cell(region: str, dimension: str) -> Cell:
        n, mean = counts.get((region, dimension), 0), means.get((region, dimension))
        if mean is None or n < LOW_BASE or low is None or high is None:
            return Cell(mean, n)
        return Cell(mean, n, *style_at((mean - low) / (high - low) if high > low else 0.5))

    cells = {region: {dimension: cell(region, dimension) for dimension in dimensions} for region in regions}
    legend = [style_at(step / 8)[0] for step in range(9)]
    return HeatMap(purpose, start, regions, dimensions, cells, low, high, legend)


def _luminance(colour: Colour) -> float:
    parts = [value / 255 for value in colour]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _css(colour: Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)
