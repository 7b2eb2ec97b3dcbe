"""The picture of a night's rows: bands from source over entity to where the rows ended."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from markupsafe import Markup

from include.reporting.audit.ledger_facts import Flow
from include.reporting.audit.patterns import pattern
from include.reporting.audit.words import entity_name, named, number, share
from include.reporting.rendering import escaped
from include.warehouse.night_summary import Language

PLACES = ("counted", "not_counted", "held", "quarantined")
WIDTH = 900
_SOURCE_X, _ENTITY_X, _PLACE_X, _BAR = 116, 372, 712, 10
_SLOT, _ROW_GAP, _SOURCE_GAP, _PLACE_GAP, _TOP = 20, 5, 14, 34, 8
# Room that the bars of all entities share; the label of each needs a slot of its own.
_BARS = 340
_THINNEST = 1.2
# Between a bar and its label.
_BESIDE = 8


@dataclass(frozen=True)
class Bar:
    """An upright bar of the picture; `code` is the source, the entity or the place."""

    code: str
    rows: int
    x: float
    y: float
    height: float

    @property
    def middle(self) -> float:
        """Where its label stands."""
        return self.y + self.height / 2

    def drawn(self, css: str) -> str:
        """The bar as a part of an SVG."""
        y, height = round(self.y, 1), round(self.height, 1)
        return _shape("node").format(css=css, x=self.x, y=y, width=_BAR, height=height)


@dataclass(frozen=True)
class Band:
    """A band between two bars, as the path of an SVG; `place` is null between source and entity."""

    path: str
    place: str | None
    rows: int


@dataclass(frozen=True)
class FlowPicture:
    """All of it, in the units of the view box."""

    sources: list[Bar]
    entities: list[Bar]
    places: list[Bar]
    bands: list[Band]
    height: float
    width: int = WIDTH

    def drawn(self, language: Language) -> Markup:
        """What stands within the SVG."""
        rows_in = sum(bar.rows for bar in self.sources)
        parts = [self._without_words]
        for bar in self.entities:
            words = f"{entity_name(language, bar.code)} {number(bar.rows)}"
            parts += [bar.drawn("node"), _label(bar.x - _BESIDE, bar.middle + 4, words, "halo", at_end=True)]
        for bar in self.places:
            x, rows = bar.x + _BAR + _BESIDE, f"{number(bar.rows)} ({share(language, bar.rows, rows_in)})"
            parts += [
                bar.drawn(f"swatch-{bar.code}"),
                _label(x, bar.middle - 2, named(language, "place", bar.code), "strong"),
                _label(x, bar.middle + 13, rows),
            ]
        return Markup("".join(parts))

    @cached_property
    def _without_words(self) -> str:
        """What is the same in both languages: the bands, and the sources by their names."""
        band = _shape("band")
        parts = [band.format(place=one.place or "in", path=one.path, rows=one.rows) for one in self.bands]
        for bar in self.sources:
            x = bar.x - _BESIDE
            parts += [
                bar.drawn("node"),
                _label(x, bar.middle - 3, bar.code, "strong", at_end=True),
                _label(x, bar.middle + 12, number(bar.rows), at_end=True),
            ]
        return "".join(parts)


def flow_picture(flows: Mapping[tuple[str, str], Flow]) -> FlowPicture | None:
    """Lay the picture out; none where no rows came in.

    Heights are the square root of an entity's rows (a night may bring a million answers and a hundred agents); within
    an entity bands are true shares, save that none is thinner than can be seen.
    """
    shown = {place: flow for place, flow in sorted(flows.items()) if flow.rows_in}
    if not shown:
        return None
    scale = _BARS / sum(math.sqrt(flow.rows_in) for flow in shown.values())
    widths = {place: _widths(flow, scale * math.sqrt(flow.rows_in)) for place, flow in shown.items()}
    entities = _entities(shown, {place: sum(parts.values()) for place, parts in widths.items()})
    bottom = max(bar.y + max(bar.height, _SLOT) for bar in entities.values())
    sources, bands = _sources(shown, entities)
    places, more = _places(shown, entities, widths, bottom)
    height = max(bottom, *(bar.y + bar.height + _SLOT for bar in places)) + _TOP
    return FlowPicture(sources, list(entities.values()), places, [*bands, *more], round(height))


def _shape(name: str) -> str:
    """A pattern that has no words, and is the same in every language."""
    return pattern("en", name)


def _label(x: float, y: float, words: str, css: str = "", *, at_end: bool = False) -> str:
    """Words beside a bar; `at_end` where they end at `x`."""
    kind, end = f' class="{css}"' if css else "", ' text-anchor="end"' if at_end else ""
    return _shape("label").format(css=kind, x=x, y=round(y, 1), end=end, words=escaped(words))


def _widths(flow: Flow, height: float) -> dict[str, float]:
    rows = {place: getattr(flow, place) for place in PLACES}
    return {place: max(height * n / flow.rows_in, _THINNEST) for place, n in rows.items() if n}


def _entities(
    flows: Mapping[tuple[str, str], Flow], heights: Mapping[tuple[str, str], float]
) -> dict[tuple[str, str], Bar]:
    bars = {}
    y = float(_TOP)
    source = next(iter(flows))[0]
    for place, flow in flows.items():
        y += _SOURCE_GAP if place[0] != source else 0
        source = place[0]
        slot = max(heights[place], _SLOT)
        bars[place] = Bar(place[1], flow.rows_in, _ENTITY_X, y + (slot - heights[place]) / 2, heights[place])
        y += slot + _ROW_GAP
    return bars


def _sources(
    flows: Mapping[tuple[str, str], Flow], entities: Mapping[tuple[str, str], Bar]
) -> tuple[list[Bar], list[Band]]:
    """A bar per source, in the middle of its entities, and its bands to them."""
    bars, bands = [], []
    for source, group in groupby(flows, key=lambda place: place[0]):
        own = list(group)
        height = sum(entities[place].height for place in own)
        top, end = entities[own[0]].y, entities[own[-1]].y + entities[own[-1]].height
        y = top + (end - top - height) / 2
        bars.append(Bar(source, sum(flows[place].rows_in for place in own), _SOURCE_X, y, height))
        for place in own:
            bar = entities[place]
            bands.append(Band(_path(_SOURCE_X + _BAR, y, _ENTITY_X, bar.y, bar.height), None, bar.rows))
            y += bar.height
    return bars, bands


def _places(
    flows: Mapping[tuple[str, str], Flow],
    entities: Mapping[tuple[str, str], Bar],
    widths: Mapping[tuple[str, str], Mapping[str, float]],
    bottom: float,
) -> tuple[list[Bar], list[Band]]:
    """A bar per place that has rows, and the bands of the entities to it."""
    used = [place for place in PLACES if any(place in parts for parts in widths.values())]
    heights = {place: sum(parts.get(place, 0.0) for parts in widths.values()) for place in used}
    y = _TOP + max((bottom - _TOP - sum(heights.values()) - _PLACE_GAP * (len(used) - 1)) / 2, 0)
    bars, bands = [], []
    left = {place: bar.y for place, bar in entities.items()}
    for name in used:
        bars.append(Bar(name, sum(getattr(flow, name) for flow in flows.values()), _PLACE_X, y, heights[name]))
        at = y
        for place, bar in entities.items():
            width = widths[place].get(name)
            if width:
                rows = getattr(flows[place], name)
                bands.append(Band(_path(bar.x + _BAR, left[place], _PLACE_X, at, width), name, rows))
                left[place] += width
                at += width
        y += heights[name] + _PLACE_GAP
    return bars, bands


def _path(x: float, y: float, to_x: float, to_y: float, width: float) -> str:
    """A band of one width between two points, bent halfway."""
    bend = (x + to_x) / 2
    return (
        f"M{x:g} {y:.1f}C{bend:g} {y:.1f} {bend:g} {to_y:.1f} {to_x:g} {to_y:.1f}"
        f"V{to_y + width:.1f}C{bend:g} {to_y + width:.1f} {bend:g} {y + width:.1f} {x:g} {y + width:.1f}Z"
    )
