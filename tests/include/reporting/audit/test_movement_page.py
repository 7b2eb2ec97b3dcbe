"""The section that says why older numbers moved: both languages, bars that add up, and honest where it is empty."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from html import unescape
from pathlib import Path

import pytest

from include import files
from include.reporting.audit import kept_movement, write_audit_pages
from include.reporting.audit.kept_movement import KeptMovement, keep_movement, read_movement
from include.reporting.audit.movement_view import movement_view
from include.settings import Settings, night_id, parse_instant
from include.tracing.movement import NightMovement, Step
from include.warehouse.publish import history_folder
from tests.support.audited_home import PUBLISHED, QUIET
from tests.support.mini_company import ZONE
from tests.support.moved_numbers import MARKUP, MEDIAN, MOVED, keep
from tests.support.page_checks import assert_well_formed


def kept(home: Path, found: KeptMovement) -> None:
    """Keep a movement of the night that is served."""
    keep(home, night(PUBLISHED), found)


def night(day: str) -> datetime:
    return parse_instant(day, ZONE)


def page(settings: Settings, language: str, day: str = PUBLISHED) -> str:
    path = settings.home / "reports" / "audit" / "night" / f"{night_id(night(day))}.{language}.html"
    return path.read_text(encoding="utf-8")


def section(text: str) -> str:
    return unescape(text.split('<h2 id="movement">')[1].split("<h2 ", maxsplit=1)[0])


@pytest.fixture
def written(copied: Callable[[], Settings], monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Pages of a home whose night has moved something."""
    settings = copied()
    kept(settings.home, KeptMovement(("1",), None, MOVED))
    monkeypatch.setattr("include.reporting.audit.writing.keep_movement", lambda *_: None)
    write_audit_pages(settings)
    return settings


def test_parts_rows_places_and_commands_are_on_the_page(written: Settings) -> None:
    text = page(written, "en")
    assert_well_formed(text)
    assert len(text.encode()) < 1_500_000
    assert MARKUP not in text
    told = section(text)
    assert 'id="moved-first_response_median-2026-05"' in told
    assert 'href="#rows-moved-first_response_median-2026-05"' in told
    assert 'id="rows-moved-first_response_median-2026-05"' in told
    assert "make trace METRIC=first_response_median PERIOD=2026-05" in told
    for words in ("45.0 min → 60.0 min", "change +15.0 min", "Late rows", "−5.0 min", "+20.0 min", "Another mapping"):
        assert words in told.replace("\u00a0", " "), words
    for place in ("工单.csv, line 17", "a.xlsx, sheet 表, row 17", "record 16", "no record of its own changed"):
        assert place in told, place
    assert "no value (too young to judge) → 2.00 %" in told.replace("\u00a0", " ")
    assert told.count("No row moved: the period is judged otherwise") == 1
    assert "Older periods that moved too and are not told here: 4." in told
    assert 'href="#movement"' in text


def test_the_same_in_chinese(written: Settings) -> None:
    told = section(page(written, "zh"))
    for words in ("首次响应时长（中位数）", "迟到的数据", "更新与更正", "映射变化", "第 17 行", "无值（周期尚未成熟"):
        assert words in told, words


def test_bars_point_where_the_number_went() -> None:
    found = movement_view(KeptMovement((), None, MOVED), "en", "Asia/Shanghai")["moved"][0]
    assert [(part.left, part.width) for part in found.parts] == [(37.5, 12.5), (50.0, 50.0), (50.0, 0.0)]
    assert MEDIAN.parts == [-5.0, 20.0, 0.0]
    young = movement_view(KeptMovement((), None, MOVED), "en", "Asia/Shanghai")["moved"][1]
    assert [part.part for part in young.parts] == ["–"]


def test_a_number_that_is_missing_in_between_stays_what_it_was() -> None:
    steps = (Step("late", 1, None, None, None), Step("rule", 1, 60.0, None, None))
    assert replace(MEDIAN, steps=steps).parts == [0.0, 15.0]


def test_the_first_night_and_a_night_that_was_not_compared_say_so(copied: Callable[[], Settings]) -> None:
    settings = copied()
    write_audit_pages(settings)
    assert "no earlier published night to compare with" in section(page(settings, "en"))
    assert "没有更早的已发布批次可供比较" in section(page(settings, "zh"))
    assert "was not compared with the one before" in section(page(settings, "en", QUIET))
    before = page(settings, "en")
    write_audit_pages(settings)
    assert page(settings, "en") == before


def test_a_night_without_movement_says_so() -> None:
    found = movement_view(KeptMovement((), None, NightMovement("2026-06-29T16:00:00+00:00")), "en", "Asia/Shanghai")
    assert found["says"].startswith(
        "No headline number of a week, month, quarter or year that was over when night 2026-06-29"
    )


def test_warehouses_that_cannot_be_compared_cost_no_page(copied: Callable[[], Settings]) -> None:
    settings = copied()
    older = history_folder(settings.home) / night_id(night(QUIET)) / "warehouse.duckdb"
    older.parent.mkdir(parents=True)
    older.write_bytes(b"no warehouse")
    write_audit_pages(settings)
    assert "can't be compared with this one" in section(page(settings, "en"))


def test_what_was_compared_is_not_compared_again(
    copied: Callable[[], Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = copied()
    calls = []

    def compared(*_: object) -> NightMovement:
        calls.append(1)
        return MOVED

    monkeypatch.setattr(kept_movement, "movement_between", compared)
    for day in (QUIET, PUBLISHED):
        folder = history_folder(settings.home) / night_id(night(day))
        files.write_json(folder / "record.json", {"sha256": day})
        files.write_bytes(folder / "warehouse.duckdb", b"")
    served = night(PUBLISHED).astimezone(UTC)
    keep_movement(settings, served, [])
    keep_movement(settings, served, [])
    assert len(calls) == 1
    found = read_movement(settings.home, served)
    assert found == KeptMovement(("2", QUIET, PUBLISHED), None, MOVED)
    files.write_json(history_folder(settings.home) / night_id(served) / "record.json", {"sha256": "published again"})
    keep_movement(settings, served, [])
    assert len(calls) == 2
