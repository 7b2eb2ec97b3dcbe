"""The pages as files: what stands in them for every kind of headline, in both languages, and what must not."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html import unescape
from pathlib import Path

import duckdb
import pytest

from include.reporting import ReportError, metrics_page_file, write_reports
from include.settings import Settings
from include.warehouse.night_summary import HEADLINES
from include.warehouse.publish import serve_file
from tests.support.page_checks import assert_well_formed
from tests.support.reported_home import HOSTILE, make_reported_home

LIMIT = 1_500_000
PAGES = ["dictionary.en.html", "dictionary.zh.html", "index.en.html", "index.zh.html"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = make_reported_home(tmp_path_factory.mktemp("reported") / "home")
    write_reports(settings_of(home), datetime(2026, 6, 30, 16, tzinfo=UTC))
    return home


def settings_of(home: Path) -> Settings:
    return Settings(home=home, language="zh")


def page(home: Path, name: str) -> str:
    return (home / "reports" / "metrics" / name).read_text(encoding="utf-8")


def card(home: Path, metric: str, language: str = "en") -> str:
    """The text of a card, spaces joined, with `|` between elements."""
    found = re.search(
        rf'<article class="card ([^"]+)" id="card-{metric}">(.*?)</article>',
        page(home, f"index.{language}.html"),
        re.DOTALL,
    )
    assert found, metric
    text = unescape(re.sub(r"<[^>]+>", "|", found[2])).replace("\u00a0", " ")
    return re.sub(r"(\s*\|\s*)+", "|", f"{found[1]}|{text}")


def test_four_small_pages_are_written_whole(home: Path) -> None:
    folder = home / "reports" / "metrics"
    assert sorted(path.name for path in folder.iterdir()) == PAGES
    assert metrics_page_file(home, "zh") == folder / "index.zh.html"
    for name in PAGES:
        text = page(home, name)
        assert len(text.encode()) <= LIMIT
        assert_well_formed(text)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_loads_nothing_and_runs_nothing(home: Path, name: str) -> None:
    text = page(home, name)

    assert not re.findall(r"<(?:script|iframe|img|object|embed)|\bon\w+=|https?://|url\(|@import", text)
    assert "default-src 'none'" in text
    targets = set(re.findall(r'href="([^"#]+)', text)) - {"data:,"}
    assert targets <= set(PAGES)


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_to_what_is_there_and_names_stand_once(home: Path, name: str) -> None:
    text = page(home, name)

    ids = re.findall(r'\bid="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    for target, anchor in re.findall(r'href="([^"#]*)#([^"]+)"', text):
        assert f'id="{anchor}"' in page(home, target or name), anchor


def test_what_a_source_delivered_is_text(home: Path) -> None:
    text = page(home, "index.en.html")
    assert HOSTILE not in text
    assert "tickets.csv: &lt;script&gt;" in text


@pytest.mark.parametrize(
    ("metric", "wanted"),
    [
        # Outside its limits, a change without a test, no interval for a median.
        (
            "first_response_median",
            ["base-sound|", "|58.0 min|June 2026|n 300|", "|▲|+8.0 min against the month before"],
        ),
        ("first_response_median", ["before, not tested|", "above the usual range, 44.9 min to 56.0 min"]),
        ("first_response_median", ["Outside it: 1 of 24 periods."]),
        ("churn_rate", ["|1.25 %|May 2026|", "95 % interval 1.13 % to 1.38 %"]),
        ("churn_rate", ["Later periods have no value: too young to judge."]),
        ("ltv_margin_mean", ["|12,346 CNY|as of 2026-06-30|", "no earlier period to compare with", "is no trend"]),
        ("service_cycle_median", ["base-none|", "|No value|no data|"]),
        ("ces_transactional", ["base-none|", "|No value|answers on different scales|"]),
        ("first_response_within_2h", ["base-low|", "|50.0 %|June 2026|low base: n under 30"]),
        ("first_response_within_2h", ["too few cases to hold against the usual range"]),
        ("reopen_rate", ["base-very_low|", "very low base: n under 10, do not rely on it"]),
        ("nps_relationship", ["Fewer than 12 periods with enough cases: no usual range yet."]),
        ("csat_transactional", ["|90.0 %|", "target 80.0 %", "+10.0 pp against the month before, more than chance"]),
        ("csat_transactional", ["base-sound|", "more than chance, better|"]),
        ("complaint_rate", ["unchanged against the month before"]),
        ("response_rate_transactional", ["the last 26 complete weeks", "Week of 2026-06-22: above the usual range"]),
    ],
)
def test_a_card_says_what_there_is(home: Path, metric: str, wanted: list[str]) -> None:
    text = card(home, metric)
    assert [words for words in wanted if words not in text] == [], text


def test_no_value_is_never_zero(home: Path) -> None:
    for metric in ("service_cycle_median", "ces_transactional"):
        assert not re.search(r"\|0(\.0+)?[ |%]", card(home, metric))
        assert "<data" not in page(home, "index.en.html").split(f'id="card-{metric}"')[1].split("</article>")[0]


def test_the_chinese_page_says_it_in_chinese(home: Path) -> None:
    text = page(home, "index.zh.html")
    assert '<html lang="zh-CN">' in text
    assert "|指标 churn_rate|1.25%|2026 年 5 月|" in card(home, "churn_rate", "zh")
    assert "之后的周期暂无数值：周期尚未成熟，暂不能判定。" in card(home, "churn_rate", "zh")
    assert "较上月 +8.0 分钟，未作检验" in card(home, "first_response_median", "zh")
    for word in ("What stands out", "usual range", "month before", "Region", "The numbers"):
        assert word not in text


def test_what_stands_out_comes_first(home: Path) -> None:
    text = page(home, "index.en.html")
    found = re.findall(r'<li><a href="#card-(\w+)">', text)
    # The response rate rises by a point a week: far beyond what its first twelve weeks vary by.
    assert found == ["first_response_median", "csat_transactional", "response_rate_transactional"]
    assert text.index("What stands out") < text.index('id="strategic"')


def test_every_headline_has_a_card_in_its_layer(home: Path) -> None:
    text = page(home, "index.en.html")
    assert re.findall(r'id="card-(\w+)"', text) == [name for names in HEADLINES.values() for name in names]


def test_the_heat_map_counts_the_last_quarter_only(home: Path) -> None:
    text = page(home, "index.en.html")
    (row,) = re.findall(r'id="map-transactional".*?North</th>(.*?)</tr>', text, re.DOTALL)
    assert re.findall(r'class="cell-(\w+)".*?<b>([\d.]+)</b>', row) == [("sound", "80.0"), ("low", "100.0")]
    assert "97 answers" in text and "Q2 2026" in text
    assert "map-pretest" not in text
    assert "own dimension" in text, "an installation's own dimension is shown as it is"


def test_the_state_of_the_night_is_told(home: Path, tmp_path: Path) -> None:
    assert "All sources are in." in page(home, "index.en.html")
    assert "As of 2026-07-01 00:00 (Asia/Shanghai)" in page(home, "index.en.html")
    assert "not in these figures: 1." in page(home, "index.en.html")

    partial = make_reported_home(tmp_path / "home", missing="desk,survey")
    write_reports(settings_of(partial))

    assert "Incomplete: this night lacks desk, survey." in page(partial, "index.en.html")
    assert "本批次缺少 desk、survey" in page(partial, "index.zh.html")


def test_the_dictionary_has_every_metric_in_both_languages(home: Path) -> None:
    english, chinese = page(home, "dictionary.en.html"), page(home, "dictionary.zh.html")
    metrics = {name for names in HEADLINES.values() for name in names}
    assert set(re.findall(r'class="entry" id="(\w+)"', english)) == metrics
    assert set(re.findall(r'class="entry" id="(\w+)"', chinese)) == metrics
    assert "What churn_rate says." in english
    assert "churn_rate 的含义。" in chinese
    entries = english.split('<article class="entry" id="')
    adds_up = {entry.split('"')[0]: re.findall(r"<dt>Adds up</dt><dd>([^<]+)", entry) for entry in entries[1:]}
    assert adds_up["churn_rate"] == ["no: only its parts do"]
    assert adds_up["first_response_median"] == ["no"], "a median has no parts"
    # Without a Chinese text the English one stands in, and says that it is English.
    assert '<p class="definition" lang="en">What reopen_rate says.</p>' in chinese


def test_the_same_night_gives_the_same_bytes(home: Path) -> None:
    before = {name: page(home, name) for name in PAGES}
    write_reports(settings_of(home))
    assert {name: page(home, name) for name in PAGES} == before


def test_a_home_without_a_warehouse_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match=r"there is no warehouse yet.*\[SM601\]"):
        write_reports(settings_of(tmp_path))


def test_another_night_than_the_served_one_is_refused(home: Path) -> None:
    with pytest.raises(ReportError, match="night 2026-06-30T16:00:00Z is served, not 2026-06-29T16:00:00Z"):
        write_reports(settings_of(home), datetime(2026, 6, 29, 16, tzinfo=UTC))


def test_a_warehouse_of_an_older_version_is_refused_and_the_old_pages_stay(tmp_path: Path) -> None:
    home = make_reported_home(tmp_path / "home")
    write_reports(settings_of(home))
    before = page(home, "index.en.html")
    with duckdb.connect(str(serve_file(home))) as con:
        con.execute("alter table metrics.dim_metric drop column description_zh")

    with pytest.raises(ReportError, match=r"description_zh.*run a night with this one \[SM601\]"):
        write_reports(settings_of(home))

    assert page(home, "index.en.html") == before
