"""The flow picture, the lines in tables, and how much of a row is shown: all by figures worked out by hand."""

from __future__ import annotations

import itertools
import json
import re

import pytest

from include.reporting.audit.flow_picture import PLACES, FlowPicture, flow_picture
from include.reporting.audit.ledger_facts import Flow
from include.reporting.audit.sampled_rows import _content, rows_per_rule
from include.reporting.audit.spark_line import spark_line

FLOWS = {
    ("crm", "order"): Flow(100, 60, 20, 0, 20),
    ("desk", "agent"): Flow(0, 0, 0, 0, 0),
    ("desk", "ticket"): Flow(400, 399, 0, 1, 0),
    ("desk", "ticket_event"): Flow(1_000_000, 1_000_000, 0, 0, 0),
}


@pytest.fixture
def picture() -> FlowPicture:
    found = flow_picture(FLOWS)
    assert found is not None
    return found


def test_every_entity_with_rows_has_a_bar_as_high_as_the_root_of_its_rows(picture: FlowPicture) -> None:
    heights = {bar.code: bar.height for bar in picture.entities}
    assert set(heights) == {"order", "ticket", "ticket_event"}
    # 10, 20 and 1000 of 1030 parts of 340; two fifths of the orders' 3.3 are slivers, drawn 1.2 high each.
    assert heights["order"] == pytest.approx(3400 / 1030 * 0.6 + 2 * 1.2)
    assert heights["ticket_event"] == pytest.approx(340_000 / 1030)
    assert [(bar.code, bar.rows) for bar in picture.sources] == [("crm", 100), ("desk", 1_000_400)]


def test_bands_go_where_the_rows_went(picture: FlowPicture) -> None:
    assert [(bar.code, bar.rows) for bar in picture.places] == [
        ("counted", 1_000_459), ("not_counted", 20), ("held", 1), ("quarantined", 20),
    ]  # fmt: skip
    found = sorted((band.place, band.rows) for band in picture.bands if band.place)
    assert found == [
        ("counted", 60), ("counted", 399), ("counted", 1_000_000), ("held", 1), ("not_counted", 20),
        ("quarantined", 20),
    ]  # fmt: skip
    assert len([band for band in picture.bands if band.place is None]) == 3


def test_no_two_bars_of_a_column_overlap_and_all_lie_inside(picture: FlowPicture) -> None:
    for column in (picture.sources, picture.entities, picture.places):
        assert all(bar.y + bar.height <= below.y for bar, below in itertools.pairwise(column))
        assert all(bar.y >= 0 and bar.y + bar.height <= picture.height for bar in column)
    for band in picture.bands:
        assert re.fullmatch(r"M[\d. ]+C[\d. ]+V[\d.]+C[\d. ]+Z", band.path)


def test_names_in_the_picture_are_text_and_never_markup() -> None:
    found = flow_picture({("a<b", "x&y"): Flow(1, 1, 0, 0, 0)})
    assert found is not None
    assert all(name in found.drawn("en") for name in (">a&lt;b</text>", ">x&amp;y 1</text>"))


def test_where_nothing_came_in_there_is_no_picture() -> None:
    assert flow_picture({("desk", "agent"): Flow()}) is None
    assert flow_picture({}) is None
    assert set(PLACES) == {"counted", "not_counted", "held", "quarantined"}


def test_a_line_stands_on_zero_and_breaks_where_nothing_is_known() -> None:
    line = spark_line((0.0, 1.0, None, 0.5), 33, 26)
    # 27 wide in three steps of 9, 20 high; the last point stands alone behind the gap.
    assert '<polyline points="3,23 12,3"/>' in line.drawn
    assert '<circle cx="30" cy="13" r="1.6"/>' in line.drawn
    assert line.drawn.endswith('<circle class="last" cx="30" cy="13" r="2.6"/>')
    assert str(spark_line((None, None)).drawn) == ""
    assert "nan" not in spark_line((0.0, 0.0)).drawn


def test_a_page_has_room_for_so_many_rows() -> None:
    assert [rows_per_rule(rules) for rules in (0, 1, 40, 100, 1000)] == [20, 20, 20, 8, 3]


def test_a_row_shows_what_there_is_room_for_and_runs_nothing() -> None:
    shown = _content(json.dumps({"id": "T1", "empty": "", "none": None, "text": "<b>x</b>"}))
    assert shown == "<span><i>id</i> T1</span> <span><i>text</i> &lt;b&gt;x&lt;/b&gt;</span>"
    long = _content(json.dumps({f"column {number}": "y" * 100 for number in range(9)}))
    assert long.endswith("…") and 200 < long.count("y") <= 240
    assert _content(None) == ""
