"""A data home of four nights with known counts: a good one, a failed one, one on which nothing came, a published one.

Rows are few and every place has some: counted, not counted, held, quarantined. An e-mail address and a telephone
number stand in them to be hidden.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from pathlib import Path

import duckdb

from include.gate.decisions import Decision, write_decision
from include.gate.ledger import commit, read_ledger
from include.progress import Event, append, progress_file
from include.sources.loading import load_source_results
from include.warehouse.night_records import begin_night, mark_built, mark_gated, mark_landed
from include.warehouse.publish import serve_file
from tests.support.mini_company import EVENT_HEADER, TICKET_HEADER, USER_HEADER, MiniCompany, ticket
from tests.support.reported_home import make_reported_home

NIGHTS = ("2026-06-27", "2026-06-28", "2026-06-29", "2026-06-30")
GOOD, FAILED, QUIET, PUBLISHED = NIGHTS
EMAIL, PHONE = "li.si@example.com", "13812345678"
# What a formula in a delivered cell could do to whoever opens a spreadsheet.
FORMULA = "=cmd|'/c calc'!A1"
FAULT = "dbt failed at is_key_fct_ticket_ticket_key: 2 rows share a key [SM403]"
MARKUP = "<script>alert(1)</script>"


def make_audited_home(folder: Path) -> MiniCompany:
    """Make it: the ledger by real gates, the served warehouse by hand. Returns the company."""
    company = MiniCompany(folder)
    make_reported_home(company.home)
    _add_uncleaned(company)
    _deliver(company)
    for night in NIGHTS:
        as_of = company.night(night)
        loaded, broken = load_source_results(company.sources)
        begin_night(company.home, as_of, loaded, broken)
        company.run(night)
        for feed in ("tickets", "events", "users"):
            mark_landed(company.home, as_of, "desk", feed)
        mark_gated(company.home, as_of, "tickets")
        if night != FAILED:
            mark_built(company.home, as_of)
    failing = progress_file(company.home, company.night(FAILED))
    append(failing, Event(time.time(), "build", "", "begin"))
    append(failing, Event(time.time(), "build", "", "fail", 1.0, {"message": FAULT}))
    return company


def _deliver(company: MiniCompany) -> None:
    """Tickets: 7 rows in, 3 counted (1 of them marked), 1 not counted, 3 quarantined; events: 2 in, 1 held."""
    company.deliver(
        GOOD,
        "tickets.csv",
        TICKET_HEADER
        + ticket("T1")
        + ticket("T2", resolved="2026/06/01 08:59", description=f"写信给 {EMAIL}")
        + ticket("", description=f"电话 {PHONE}")
        + ticket("T4", customer="")
        + ticket("T5", status="怪", description=FORMULA)
        + ticket("T6", created="2026/07/09 00:01", resolved="2026/07/09 09:00", description=MARKUP)
        + ticket("T7"),
    )
    company.deliver(
        GOOD,
        "events.csv",
        EVENT_HEADER + "E1,T1,created,2026-06-01T01:00:00Z\nE2,T9,created,2026-06-01T02:00:00Z\n",
    )
    users = USER_HEADER + f"C1,K1,{EMAIL},{PHONE}\n"
    company.deliver(GOOD, "users.csv", users)
    # The ticket that E2 waits for, and a file that lacks the column of the key.
    company.deliver(FAILED, "tickets.csv", TICKET_HEADER + ticket("T9"))
    company.deliver(FAILED, "events.csv", EVENT_HEADER.replace("id", "什么", 1) + "E3,T1,note,2026-06-02\n" * 2)
    company.deliver(FAILED, "users.csv", users)
    company.deliver(PUBLISHED, "tickets.csv", TICKET_HEADER + ticket("T11") + ticket("T11", description="again"))


def _add_uncleaned(company: MiniCompany) -> None:
    """CSAT over all answers beside CSAT."""
    with duckdb.connect(str(serve_file(company.home))) as con:
        con.execute(
            """
            insert into metrics.dim_metric
            select 'csat_transactional_uncleaned', * exclude (metric) from metrics.dim_metric
            where metric = 'csat_transactional';
            insert into metrics.fct_metric_period
            select 'csat_transactional_uncleaned', * exclude (metric) replace (value - 0.1 as value, n + 20 as n)
            from metrics.fct_metric_period where metric = 'csat_transactional';
            """
        )


def record_decision(home: Path, night: datetime) -> Decision:
    """A person's decision, and a gate of a night that followed it."""
    gate = next(one for one in read_ledger(home, night) if one.night == night and one.feed == "events")
    decision = Decision(
        batch_id=gate.batch_id,
        source=gate.source,
        feed=gate.feed,
        verdict="release",
        rows={"ticket_event": "2"},
        row_count=1,
        who="Chen",
        why=f"agreed {MARKUP}",
        decided_at=night,
        after=night - timedelta(days=1),
        number=1,
    )
    write_decision(home, decision)
    commit(home, gate.model_copy(update={"decisions": [decision.decision_id]}))
    return decision
