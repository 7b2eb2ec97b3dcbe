"""The pages of a published night: their figures are those of the warehouse, and none holds personal data."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from include.warehouse.night_summary import HEADLINES
from tests.e2e.conftest import NIGHT, Night
from tests.support.page_checks import assert_well_formed, dead_links

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(900)]
METRICS = [metric for metrics in HEADLINES.values() for metric in metrics]
# Of a metric with months the latest month that has a value; of others the snapshot.
LATEST = """
    select metric, coalesce(max_by(value, period_start) filter (grain = 'month'), max(value))
    from metrics.fct_metric_period
    where segment = 'all' and member = 'all' and grain in ('month', 'snapshot') and value is not null
    group by metric
"""


def page(night: Night, name: str) -> str:
    return (night.home / "reports" / "metrics" / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_cards_show_what_the_warehouse_says(night: Night, language: str) -> None:
    text = page(night, f"index.{language}.html")
    shown = dict(re.findall(r'id="card-(\w+)">(?:(?!</article>).)*?<data value="([^"]+)"', text, re.DOTALL))
    known = dict(night.con.execute(LATEST).fetchall())
    assert set(shown) == set(METRICS) & set(known)
    assert {metric: float(value) for metric, value in shown.items()} == {metric: known[metric] for metric in shown}
    assert len(shown) >= 10


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_heat_map_has_every_answer_that_counts(night: Night, language: str) -> None:
    text = page(night, f"index.{language}.html")
    found = {}
    for purpose, table in re.findall(r'id="map-(\w+)".*?<tr class="total">(.*?)</tr>', text, re.DOTALL):
        found[purpose] = [int(n.replace(",", "")) for n in re.findall(r"n </span>([\d,]+)", table)]
    known: dict[str, list[int]] = {}
    rows = night.con.execute(
        "select r.purpose, a.dimension, count(*) from marts.fct_survey_answer as a "
        "join marts.fct_survey_response as r using (response_key) "
        "where a.is_counted and coalesce(a.metric_role, 'dimension') = 'dimension' and a.dimension is not null "
        "and a.answer_pomp is not null and r.purpose <> 'pretest' "
        "and r.submitted_date between date '2026-04-01' and date '2026-06-30' group by all order by all"
    ).fetchall()
    for purpose, _, count in rows:
        known.setdefault(purpose, []).append(count)
    assert found == known


@pytest.mark.parametrize(("language", "says"), [("en", "Who may leave"), ("zh", "流失预警")])
def test_the_metrics_lead_to_the_model_card(night: Night, language: str, says: str) -> None:
    (link,) = re.findall(r'href="(\.\./strategic/[^"]+)"', page(night, f"index.{language}.html"))
    card = (night.home / "reports" / "metrics" / link).read_text(encoding="utf-8")
    assert_well_formed(card)
    assert says in card
    (customers,) = night.one("select count(*) from marts.fct_customer_health where call_rank <= 10")
    assert customers > 0 and card.count("<tr") > customers


def test_every_link_of_the_pages_leads_somewhere(night: Night) -> None:
    pages = [path for room in ("metrics", "strategic") for path in (night.home / "reports" / room).glob("*.html")]
    assert len(pages) >= 4 + 2 + 2 * 10
    assert {path.name: dead for path in pages if (dead := dead_links(path))} == {}


def test_the_truth_stands_beside_the_figures_with_and_without_cleaning(night: Night) -> None:
    text = (night.home / "reports" / "audit" / "night" / "20260630T160000Z.en.html").read_text(encoding="utf-8")
    shown = dict(re.findall(r'<tr id="effect-(\w+)".*?<td class="number">([^<]*)</td></tr>', text))
    meant = night.known["headlines"][NIGHT]
    assert set(shown) > {*meant, *METRICS} and shown["csi_transactional"] == "–"
    month = {metric: values.get(NIGHT[:7], float("nan")) for metric, values in meant.items()}
    assert shown["nps_relationship"] == f"{month['nps_relationship']:.1f}".replace("-", "−")
    assert shown["csat_transactional"] == f"{100 * month['csat_transactional']:.1f}\N{NO-BREAK SPACE}%"
    assert shown["ces_transactional"] == f"{month['ces_transactional']:.2f}"
    assert {metric: shown[metric] for metric in METRICS if shown[metric] == "–"} == {}
    assert shown["first_response_median"] == f"{month['first_response_median']:.1f}\N{NO-BREAK SPACE}min"
    for metric in ("churn_rate", "ltv_margin_mean", "response_rate_transactional"):
        # all that cleaning takes out of them in the sample never was
        found = dict(
            night.con.execute(
                "select strftime(period_start, '%Y-%m'), value from metrics.fct_metric_period "
                "where metric = ? and segment = 'all' and grain in ('month', 'snapshot') and value is not null",
                [metric],
            ).fetchall()
        )
        assert found == pytest.approx(meant[metric], abs=1e-5)


def test_the_dictionary_has_every_metric(night: Night) -> None:
    known = {metric for (metric,) in night.con.execute("select metric from metrics.dim_metric").fetchall()}
    for language in ("en", "zh"):
        assert set(re.findall(r'class="entry" id="(\w+)"', page(night, f"dictionary.{language}.html"))) == known


def test_the_pages_name_nobody(night: Night) -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in Path(night.home / "reports").rglob("*.html"))
    assert len(text) > 100_000
    assert not re.search(r"[\w.]+@[\w.]+\.\w+", text)
    # eleven digits of a hash (an id of a delivery, say) are no number of a telephone
    assert not re.search(r"(?<![\da-f.])1[3-9]\d{9}(?![\da-f])", text)


def test_a_source_has_received_all_its_deliveries_of_the_night(night: Night) -> None:
    """Of a feed that had several, too; what came once more is told apart."""
    text = (night.home / "reports" / "audit" / "source" / "crm.en.html").read_text(encoding="utf-8")
    (records,) = night.one(
        "select sum(records_received) from "
        "(select distinct batch_id, records_received from audit.audit_batch "
        "where source = 'crm' and status <> 'identical')"
    )
    assert f'<td class="number">{int(records):,}</td>' in text
