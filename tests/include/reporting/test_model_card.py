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

TABLES = """
create table marts.fct_churn_model (
    customer_kind varchar, fit_date date, model_kind varchar, horizon_days bigint, test_from_date date,
    test_to_date date, test_row_count bigint, test_lost_count bigint, naive_rate double, auc double, brier double,
    naive_brier double, brier_gain_low double, brier_gain_high double, calibration_error double,
    lift_top_decile double, is_used boolean, reason_en varchar, reason_zh varchar);
create table marts.fct_churn_calibration (
    customer_kind varchar, fit_date date, bin_number bigint, predicted_rate double, observed_rate double,
    row_count bigint);
create table marts.fct_cohort_retention (
    segment varchar, is_mature boolean, cohort_month date, month_number bigint, active_count bigint,
    cohort_size bigint);
create table marts.fct_customer_value_model (
    is_current boolean, model_kind varchar, is_fitted boolean, term_months bigint, alpha double, beta double,
    case_count bigint);
create table marts.fct_contract_renewal (
    term_months bigint, decision_number bigint, is_due_decided boolean, is_renewed boolean);
create table marts.fct_customer_value (
    customer_key bigint, customer_version_key bigint, is_current boolean, predicted_ltv_12m double,
    order_count bigint, age_days bigint, recency_days bigint, p_alive double);
create or replace table marts.dim_customer_version (customer_version_key bigint, tier varchar);
create or replace table marts.dim_customer (customer_key bigint, customer_id varchar);
create table marts.fct_customer_health (
    call_rank bigint, customer_key bigint, customer_version_key bigint, health_score double, churn_probability double,
    value_12m double, expected_value_saved double, reason_1_en varchar, reason_2_en varchar, reason_3_en varchar,
    reason_1_zh varchar, reason_2_zh varchar, reason_3_zh varchar);
create table marts.fct_satisfaction_link (
    score_kind varchar, purpose varchar, outcome varchar, customer_count bigint, spearman double, spearman_low double,
    spearman_high double, odds_ratio double, odds_ratio_low double, odds_ratio_high double, adjusted_for varchar);
"""
ROWS = f"""
insert into marts.fct_churn_model values
    ('contract', '2025-12-31', 'boosting', 90, '2025-01-31', '2025-04-30', 1, 1, 0.5, 0.5, 0.5, 0.5, 0, 0, 0, 1, true,
     null, null),
    ('contract', '2026-06-30', 'logistic', 90, '2025-11-30', '2026-02-28', 3061, 97, 0.0367, 0.9148, 0.02715, 0.03071,
     0.0018, 0.0045, 0.0067, 5.05, true, null, null),
    ('order', '2026-06-30', null, 180, null, null, 0, 0, 0.3, null, null, null, null, null, null, null, false,
     'Too few lost customers', '流失客户过少');
insert into marts.fct_churn_calibration values
    ('contract', '2026-06-30', 1, 0.01, 0.0, 100), ('contract', '2026-06-30', 2, 0.2, 0.3, 100),
    ('contract', '2025-12-31', 1, 0.9, 0.9, 100);
insert into marts.fct_cohort_retention values
    ('all', true, '2026-01-01', 0, 40, 40), ('all', true, '2026-01-01', 1, 30, 40),
    ('all', true, '2026-05-01', 0, 8, 10),
    ('tier', true, '2026-01-01', 2, 1, 40), ('all', false, '2026-06-01', 0, null, 5);
insert into marts.fct_customer_value_model values
    (true, 'sbg', true, 12, 0.6681, 3.8061, 900), (true, 'sbg', true, 3, 1.0, 1.0, 10),
    (true, 'sbg', true, 0, 1.0, 1.0, 999);
-- 40 came to the first decision and 30 renewed, 24 of the 30 once more; of the third too few are decided
insert into marts.fct_contract_renewal
    select 12, 1, true, n < 30 from range(40) as numbers (n) union all
    select 12, 2, true, n < 24 from range(30) as numbers (n) union all
    select 12, 3, n < 19, true from range(24) as numbers (n) union all
    select 3, 1, true, false from range(50) as numbers (n);
insert into marts.dim_customer_version values (1, 'vip'), (2, '{HOSTILE}');
insert into marts.dim_customer values (1, 'C-0001'), (2, 'C-0002');
insert into marts.fct_customer_value
    select n, 1 + n % 2, true, n * 10, 1 + n % 3, 400, 400 - n, case when n % 3 = 0 then 1 else 0.5 end
    from range(90) as numbers (n);
insert into marts.fct_customer_health values
    (1, 1, 1, 34.6, 0.302, 8727, 527.1, 'Contract is due for renewal', 'Low satisfaction when last asked', null,
     '合同即将到期待续', '最近一次满意度低', null),
    (11, 2, 2, 50, 0.2, 10, 1, 'Not shown', null, null, '不显示', null, null);
insert into marts.fct_satisfaction_link values
    ('csat', 'transactional', 'retained', 254, 0.14, 0.017, 0.26, 1.18, 1.01, 1.38, 'tenure,tier'),
    ('nps', 'relationship', 'retained', 3, null, null, null, null, null, null, null);
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = make_reported_home(tmp_path_factory.mktemp("card") / "home")
    with duckdb.connect(str(serve_file(home))) as con:
        con.execute(TABLES)
        con.execute(ROWS)
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
    assert re.search(r'>2026-01</th><td>40</td>\s*<td style="background: hsl\([^"]*"><b>100%</b>', page)
    assert '<td class="cell-low"><b>80%</b><small>10</small></td>' in page
    assert "2026-06</th>" not in page


def test_observed_survival_stands_beside_the_fitted_one(home: Path) -> None:
    page = card_file(home, "en").read_text(encoding="utf-8")
    assert "contracts of 12 months" in page
    survival = page[page.index("Who renews") :]
    survival = survival[: survival.index("</figure>")]
    dots = [(float(x), float(y)) for x, y in re.findall(r'<circle[^>]* cx="([\d.]+)" cy="([\d.]+)"', survival)]
    ((line,),) = (re.findall(r'points="([^"]+)"', survival),)
    fitted = [tuple(map(float, point.split(","))) for point in line.split()]
    top, bottom = dots[0][1], float(re.findall(r'class="grid" x1="52" x2="346" y1="([\d.]+)"', survival)[0])

    # of all: 1, three quarters, and four fifths of those; by sBG b/(a+b), and times (b+1)/(a+b+1)
    shares = [(bottom - y) / (bottom - top) for _, y in dots]
    assert shares == pytest.approx([1, 0.75, 0.6], abs=0.001)
    assert [(bottom - y) / (bottom - top) for _, y in fitted] == pytest.approx([1, 0.8507, 0.7469], abs=0.001)


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
        con.execute(TABLES)
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
