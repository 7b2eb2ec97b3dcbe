"""Random rubbish: whatever is in a file, every record ends in clean or in quarantine, once, with its reasons."""

from __future__ import annotations

import csv
import io
import random
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from include.gate.ledger import Gate, read_ledger
from include.landing import read_batches
from tests.support.mini_company import EVENT_HEADER, RESPONSE_HEADER, TICKET_HEADER, USER_HEADER, MiniCompany

# source, file, header; the entities of a feed's records, the first of which takes what can't be parsed.
FEEDS = {
    "tickets": ("desk", "tickets.csv", TICKET_HEADER),
    "events": ("desk", "events.csv", EVENT_HEADER),
    "users": ("desk", "users.csv", USER_HEADER),
    "responses": ("survey", "responses.csv", RESPONSE_HEADER),
}
NIGHTS = 13
BATCHES = NIGHTS * len(FEEDS)
ENCODINGS = {"tickets": ("utf-8", "utf-8-sig", "gb18030")}
MOST_ROWS = 40
TEXTS = (
    "", " ", "N/A", "null", "NaN", "inf", "-0", "1e400", "9" * 40, "٣", "１２", "0x1F", "TRUE", "是", "已解决",
    "处理中", "resolved", "2026/06/01 09:00", "2026-06-01T09:00:00Z", "2026/02/30 09:00", "9999/12/31 23:59",
    "0001/01/01 00:00",
    "2026/6/1 12:00:00", "120秒", "完全同意", "不适用", "5", "-1", "6", "C1", "T1", "E1", "S1", "s1.score",
    "王芳 wang@example.cn 13812345678", 'say "hi"', "a,b;c\td", "line\nbreak", "line\r\nbreak", "'; drop table x; --",
    "{{ ref('x') }}", "${HOME}", "../../etc", "=1+1", "@SUM(A1)", "\\N", "\u200b", "\u202e", "é", "e\u0301",
    "😀", "\x07", "x" * 5000,
)  # fmt: skip


@pytest.fixture
def company(tmp_path: Path) -> MiniCompany:
    """The desk and the survey tool."""
    company = MiniCompany(tmp_path)
    company.add_survey()
    return company


def test_every_record_of_fifty_fuzzed_batches_is_accounted_for(company: MiniCompany) -> None:
    _assert_accounted(company, seed=20260616)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(20))
def test_every_record_of_a_thousand_fuzzed_batches_is_accounted_for(company: MiniCompany, seed: int) -> None:
    _assert_accounted(company, seed)


def _assert_accounted(company: MiniCompany, seed: int) -> None:
    chosen = random.Random(seed)
    first = date(2026, 5, 20)
    records: dict[str, Counter[int]] = {feed: Counter() for feed in FEEDS}
    for number in range(NIGHTS):
        night = (first + timedelta(days=number)).isoformat()
        for feed, (source, name, header) in FEEDS.items():
            text, count = _file(chosen, header)
            path = company.deliver(night, name, "", source=source)
            path.write_bytes(text.encode(chosen.choice(ENCODINGS.get(feed, ("utf-8", "utf-8-sig"))), "replace"))
            records[feed][count] += 1
    # All at once, as after a long stop: each folder's file is a batch of its own.
    company.run(night)
    last = company.night(night)
    gates = [gate for gate in read_ledger(company.home, last) if gate.kind == "full" and gate.feed in FEEDS]
    assert len(gates) == BATCHES
    for feed, expected in records.items():
        of_feed = [gate for gate in gates if gate.feed == feed]
        assert not [gate.message for gate in of_feed if gate.status == "unreadable"]
        assert Counter(gate.records_received for gate in of_feed) == expected, feed
    raw = {
        batch.batch_id: company.home / "landing" / batch.source / batch.feed / batch.batch_id / "rows.parquet"
        for source, feed in {(gate.source, gate.feed) for gate in gates}
        for batch in read_batches(company.home, source, feed, last)
    }
    counts = [count for gate in gates for count in gate.entities.values()]
    assert min(sum(one.rows_clean for one in counts), sum(one.rows_quarantined for one in counts)) > BATCHES
    for gate in gates:
        _assert_in_one_place(company, gate, raw[gate.batch_id])


def _file(chosen: random.Random, header: str) -> tuple[str, int]:
    """A CSV of random cells and how many records it has; some cells are what the column expects, some rows copies."""
    columns = header.strip().split(",")
    if chosen.random() < 0.3:
        columns.append("more")
    kept = [*columns]
    if chosen.random() < 0.3:
        kept[1:] = chosen.sample(kept[1:], len(kept) - 1)
    usual = {column: [chosen.choice(TEXTS) for _ in range(3)] for column in kept}
    rows: list[list[str]] = []
    for number in range(chosen.randrange(1, MOST_ROWS)):
        if rows and chosen.random() < 0.2:
            rows.append([*chosen.choice(rows)])
            continue
        row = [chosen.choice(usual[column] if chosen.random() < 0.6 else TEXTS) for column in kept]
        # Keys are mostly there and mostly different, else nothing but the first rule is tried.
        row[0] = f"K{number}" if chosen.random() < 0.8 else chosen.choice(TEXTS)
        if chosen.random() < 0.1:
            row = row[: chosen.randrange(1, len(row) + 1)]
        elif chosen.random() < 0.1:
            row = [*row, "too many"]
        if not any(cell.strip() for cell in row):  # a line of nothing is no record
            row[0] = f"K{number}"
        rows.append(row)
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    writer.writerows([kept, *rows])
    return out.getvalue(), len(rows)


def _assert_in_one_place(company: MiniCompany, gate: Gate, raw: Path) -> None:
    """By the files, not by the ledger's own counts."""
    numbers = _rows(f"select _row_number from '{raw}'")
    placed: Counter[tuple[object, ...]] = Counter()
    for count in gate.entities.values():
        parts = []
        for part, chosen in ((count.clean, "true"), (count.quarantine, "verdict = 'unusable'")):
            kept = (
                _rows(f"select distinct row_id, row_number from '{company.home / part.path}' where {chosen}")
                if part
                else []
            )
            parts.append({row[0] for row in kept})
            placed.update((number,) for number in {row[1] for row in kept})
        clean, unusable = parts
        assert not clean & unusable
        assert (len(clean), len(unusable)) == (count.rows_clean, count.rows_quarantined)
        assert len(clean) + len(unusable) == count.rows_in
        if count.quarantine:
            unsaid = _rows(
                f"select rule_id from '{company.home / count.quarantine.path}' "
                "where coalesce(reason_en, '') = '' or coalesce(reason_zh, '') = '' or status is null"
            )
            assert unsaid == []
    assert set(numbers) == set(placed), gate.batch_id


def _rows(query: str) -> list[tuple[object, ...]]:
    return duckdb.connect().execute(query).fetchall()
