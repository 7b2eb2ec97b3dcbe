"""The model card: every picture of a small made-up warehouse, in both languages, and nothing where nothing is known."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import duckdb
import pytest
import yaml

from include.reporting.strategic import card_file, write_model_card
from include.reporting.strategic.charts import Series, boxes_of, chart_of
from include.warehouse.publish import serve_file
from tests.support.page_checks import assert_well_formed
from tests.support.reported_home import HOSTILE, make_reported_home
from tests.support.strategic_home import CARD_TABLES, add_strategic_marts


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = make_reported_home(tmp_path_factory.mktemp("card") / "home")
    add_strategic_marts(home)
    write_model_card(home)
    return home


def text(home: Path, language: str) -> str:
    """The page without its tags."""
    page = card_file(home, language).read_text(encoding="utf-8")  # type: ignore[arg-type]
    assert_well_formed(page)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", "|", page)).replace("|", " "))


def test_figures_of_the_last_model_and_its_verdict_in_words(home: Path) -> None:
    page = text(home, "en")
    assert "The model is used: it beat the naive rate." in page
    assert "2025-11-30 – 2026-02-28" in page
    assert "0.0272 / 0.0307" in page or "0.0271 / 0.0307" in page
    assert "97 / 3,061" in page
    assert "The naive rate is used for everybody. Too few lost customers" in page
    assert "Customers in their days of grace (30), no renewal before these end" in page
    assert "2025-01-31" not in page
    chinese = text(home, "zh")
    assert "全部采用平均流失率。 流失客户过少" in chinese
    assert "Too few" not in chinese


def test_calls_name_the_customer_and_the_reasons(home: Path) -> None:
    page = text(home, "en")
    call = "1 C-0001 VIP 35 30.2 % 8,727 CNY 527 CNY Contract is due for renewal, Low satisfaction when last asked"
    assert call in page
    assert "C-0002" not in page
    assert "合同即将到期待续、最近一次满意度低" in text(home, "zh")


def test_cohorts_are_a_triangle_and_few_customers_are_grey(home: Path) -> None:
    page = card_file(home, "en").read_text(encoding="utf-8")
    assert re.search(r'>2026-01</th><td>40</td>\s*<td style="background: #[^"]*"><b>100%</b>', page)
    assert '<td class="cell-low"><b>80%</b><small>10</small></td>' in page
    assert "2026-06</th>" not in page


def test_observed_survival_stands_beside_the_fitted_one(home: Path) -> None:
    page = card_file(home, "en").read_text(encoding="utf-8")
    section = page[page.index('id="survival"') : page.index('id="losses"')]
    figures = section.split("</figure>")[:-1]
    # those of 6 months came to the first decision 19 times
    assert [re.findall(r"Contracts of (\d+) months", figure)[-1] for figure in figures] == ["3", "12"]
    survival = figures[1]
    dots = [(float(x), float(y)) for x, y in re.findall(r'<circle[^>]* cx="([\d.]+)" cy="([\d.]+)"', survival)]
    ((line,),) = (re.findall(r'points="([^"]+)"', survival),)
    fitted = [tuple(map(float, point.split(","))) for point in line.split()]
    top, bottom = dots[0][1], float(re.findall(r'class="grid" x1="52" x2="346" y1="([\d.]+)"', survival)[0])

    # of all: 1, three quarters, and four fifths of those; by sBG b/(a+b), and times (b+1)/(a+b+1)
    shares = [(bottom - y) / (bottom - top) for _, y in dots]
    assert shares == pytest.approx([1, 0.75, 0.6], abs=0.001)
    assert [(bottom - y) / (bottom - top) for _, y in fitted] == pytest.approx([1, 0.8507, 0.7469], abs=0.001)


def test_losses_have_reasons_and_who_ended_them(home: Path) -> None:
    page, chinese = text(home, "en"), text(home, "zh")
    assert "Price 3 60.0 % 2 0 1 800 CNY" in page
    assert "(no reason given) 1 20.0 % 0 1 0 30 CNY" in page
    assert "价格 3 60.0% 2 0 1 800 CNY （未说明原因） 1 20.0% 0 1 0 30 CNY" in chinese


def test_models_of_value_stand_there_with_their_errors_and_warnings(home: Path) -> None:
    page, chinese = text(home, "en"), text(home, "zh")
    orders = (
        "Orders (BG/NBD) 1,235 alpha 2,148 ± 420 -5,322.7 365 days: AUC 0.77, Brier score model / naive 0.1500 / 0.1745"
    )
    assert f"{orders} Nobody seems to stop ordering" in page
    assert "Renewal of contracts of 24 months (sBG) 41 not fitted Too few renewal decisions of this term" in page
    assert "Renewal of contracts of 12 months (sBG) 900 alpha 0.6681, beta 3.806" in page
    assert "7,777" not in page, "an earlier day has its own models"
    assert "24 个月期合同的续约（sBG） 41 未拟合 该期限的续约决定过少" in chinese
    assert "续约，各期限合并（sBG） 999 alpha 1、beta 1" in chinese


def test_what_somebody_put_into_a_source_is_not_run(home: Path) -> None:
    assert HOSTILE not in card_file(home, "en").read_text(encoding="utf-8")


def test_links_say_what_they_are_compared_in_and_that_they_are_no_proof(home: Path) -> None:
    page = text(home, "en")
    assert "254 0.14 [0.02, 0.26] 1.18 [1.01, 1.38] tenure, tier" in page
    assert "No figure here says that satisfaction keeps customers" in page
    assert "不表明满意度带来留存" in text(home, "zh")


def test_where_nothing_is_known_the_page_says_so(tmp_path: Path) -> None:
    home = make_reported_home(tmp_path / "home")
    assert write_model_card(home) == {}
    with duckdb.connect(str(serve_file(home))) as con:
        con.execute(CARD_TABLES)
    assert len(write_model_card(home)) == 2
    assert text(home, "en").count("Nothing is known yet.") >= 4


def test_every_phrase_is_there_in_both_languages() -> None:
    folder = Path(write_model_card.__code__.co_filename).parent
    phrases = yaml.safe_load((folder / "words.yml").read_text(encoding="utf-8"))["phrases"]
    assert all(set(words) == {"en", "zh"} and all(words.values()) for words in phrases.values())


def test_axes_begin_at_zero_and_reach_beyond_the_largest() -> None:
    chart = chart_of([Series("point", [(0.1, 0.2), (0.35, 0.31)], is_joined=False)], True, True)
    assert chart.x_labels[0].text == "0%"
    assert chart.dots[0].points[0][0] < chart.dots[0].points[1][0] <= chart.right
    boxes = boxes_of([("a", [-5, 0, 10, 20, 40]), ("b", [1, 2, 3, 4, 5])]).boxes
    assert list(boxes[0].at) == sorted(boxes[0].at)
    assert boxes[0].y < boxes[1].y
