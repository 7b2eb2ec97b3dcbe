"""Means from additive parts, few answers greyed, and text that can be read on every colour."""

from __future__ import annotations

from datetime import date

import pytest

from include.reporting.heat_map import Score, colour_at, contrast, heat_maps, ink_on

START = date(2026, 4, 1)
SCORES = [
    Score("transactional", "attitude", "north", 40, 3200.0),
    Score("transactional", "attitude", "south", 60, 3600.0),
    Score("transactional", "speed", "north", 29, 2900.0),
    Score("transactional", "speed", "(none)", 9, 0.0),
    Score("relationship", "attitude", "north", 30, 1500.0),
]


def test_the_total_pools_answers_and_not_means() -> None:
    first, second = heat_maps(SCORES, START)

    # (3200 + 3600) / 100, and not the mean of 80 and 60.
    assert first.cells["all"]["attitude"].mean == pytest.approx(68)
    assert (first.purpose, second.purpose) == ("transactional", "relationship"), "purposes are never pooled"
    assert first.regions == ["all", "north", "south", "(none)"]
    assert (first.low, first.high, first.n) == (60, 80, 138)


@pytest.mark.parametrize(
    ("region", "dimension", "base", "is_coloured"),
    [
        ("north", "attitude", "sound", True),
        ("north", "speed", "low", False),
        ("(none)", "speed", "very_low", False),
        ("south", "speed", "none", False),
    ],
)
def test_few_answers_have_no_colour(region: str, dimension: str, base: str, is_coloured: bool) -> None:
    cell = heat_maps(SCORES, START)[0].cells[region][dimension]

    assert (cell.base, cell.fill is not None) == (base, is_coloured)
    assert (cell.mean is None) == (base == "none"), "no answers are no mean, never 0"


def test_text_can_be_read_on_every_colour_and_darker_is_always_higher() -> None:
    colours = [colour_at(step / 200) for step in range(201)]

    assert min(contrast(colour, ink_on(colour)) for colour in colours) >= 4.5
    on_white = [contrast(colour, (255, 255, 255)) for colour in colours]
    assert on_white == sorted(on_white)
