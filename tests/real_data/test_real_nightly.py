"""One installation of all real data sets through the whole nightly: nothing but YAML was written for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import duckdb
import pytest

from include.settings import Settings
from include.warehouse.publish import serve_file
from tests.real_data.conftest import installation
from tests.support import nightly_run
from tests.support.nightly_run import assert_published, run_night

# Ten sets of real data take longer than a sample company, on a busy machine much longer.
SECONDS = 1200
pytestmark = [pytest.mark.soak, pytest.mark.nightly, pytest.mark.timeout(SECONDS)]
Query = Callable[[str], list[tuple[Any, ...]]]


@pytest.fixture(scope="module")
def query(tmp_path_factory: pytest.TempPathFactory) -> Query:
    """Queries of the published warehouse."""
    folder = tmp_path_factory.mktemp("real_nightly")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nightly_run, "SECONDS", SECONDS)
        done = run_night(
            folder / "home",
            "2026-06-30",
            METRICS_SOURCES=str(installation(folder / "sources")),
            METRICS_REAL_DATA=str(Settings().real_data),
            METRICS_HASH_KEY="a key for tests",
        )
    assert_published(done, folder / "home")
    con = duckdb.connect(str(serve_file(folder / "home")), read_only=True)
    return lambda sql: con.execute(sql).fetchall()


def test_every_set_is_accounted_for(query: Query) -> None:
    assert query("select is_complete, missing_sources from audit.warehouse_state") == [(True, None)]
    assert query("select source, feed from audit.audit_batch where status <> 'gated'") == []
    wrong = "select source, entity from audit.audit_batch where rows_in <> rows_clean + rows_quarantined"
    assert query(wrong) == []
    assert query("select count(distinct source) from audit.audit_batch") == [(10,)]


def test_facts_of_every_set(query: Query) -> None:
    tickets = dict(query("select source, count(*) from marts.fct_ticket group by 1"))
    assert tickets == {"bpic14": 4000, "cfpb": 3175, "zendesk": 10}
    # Both exports of the survey speak of the same 800 people.
    responses = dict(query("select source, count(*) from marts.fct_survey_response group by 1"))
    assert responses == {"bfi": 2800, "careless": 1210, "cfpb": 3175, "qualtrics": 5, "wjx": 800}
    assert query("select count(*) from marts.fct_survey_answer where source = 'wjx'") == [(800 * 30 + 9,)]
    assert query("select count(*), count(rating), count(reviewed_at) from marts.fct_review") == [(11987, 0, 0)]
    assert query("select count(*) from marts.fct_order") == [(10,)]


def test_reopens_are_those_of_the_log_and_the_summary_s_stand_beside_them(query: Query) -> None:
    events = "select count(distinct ticket_key) from marts.fct_ticket_event where source = 'bpic14' "
    assert query(events + "and event_type = 'reopen'") == [(173,)]
    tickets = "select count(*) filter (reopen_count > 0), count(*) filter (stated_reopen_count > 0) "
    assert query(tickets + "from marts.fct_ticket where source = 'bpic14'") == [(173, 183)]


def test_stated_churn_without_any_date(query: Query) -> None:
    found = query(
        "select distinct grain, numerator, denominator, round(value, 4) from metrics.fct_metric_period "
        "where metric = 'stated_churn_rate' and segment = 'all' and value is not null"
    )
    assert found == [("snapshot", 1869, 7043, 0.2654)]
    dated = "select count(acquired_date) from marts.dim_customer where stated_status is not null"
    assert query(dated) == [(0,)]
    # nor is a month, a renewal or a cohort made up for them
    for mart in ("fct_customer_month", "fct_contract_renewal", "fct_customer_repurchase", "fct_satisfaction_outcome"):
        theirs = f"select count(*) from marts.{mart} join marts.dim_customer using (customer_key) "
        assert query(theirs + "where stated_status is not null") == [(0,)], mart


def test_what_has_no_time_counts_in_the_snapshot_only(query: Query) -> None:
    responses = "select sum(numerator) from metrics.fct_metric_period where metric = 'survey_responses_counted' "
    counted = "select count(*) from marts.fct_survey_response where is_counted"
    [(dated,)] = query(f"{counted} and submitted_at is not null")
    [(everything,)] = query(counted)
    assert query(responses + "and segment = 'all' and grain = 'day'") == [(dated,)]
    assert query(responses + "and segment = 'all' and grain = 'snapshot'") == [(everything,)]


def test_what_nobody_knows_is_null_with_a_reason(query: Query) -> None:
    unknown = "select distinct value, null_reason is not null from metrics.fct_metric_period where metric in "
    # No tickets of customers, no contracts, no scores: nothing to compute them from.
    assert query(unknown + "('nps_relationship', 'churn_rate', 'csat_transactional')") in ([], [(None, True)])
    waits = "select count(requester_wait_minutes) from marts.fct_ticket where source = 'cfpb'"
    assert query(waits) == [(0,)]
