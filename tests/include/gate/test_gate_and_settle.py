"""Every row ends in clean or in quarantine, with every reason."""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path

import duckdb
import pytest

from include import files
from include.gate.gating import gate_group
from include.gate.ledger import holding, read_ledger
from include.gate.rules import RuleError
from include.gate.settling import settle_night
from tests.support.mini_company import DESK, EVENT_HEADER, TICKET_HEADER, USER_HEADER, MiniCompany, ticket

FIRST, SECOND = "2026-06-01", "2026-06-02"


def test_verdicts_and_reasons(company: MiniCompany) -> None:
    lines = [
        ticket("T1"),
        ticket("T2", resolved="2026/06/01 08:59"),  # 2: resolved before created
        ticket("", status="处理中"),  # 3: no key
        ticket("T4", status="怪"),  # 4: unmapped status, so the required column is empty
        ticket("T5", created="2026/13/01 09:00"),  # 5: no date, and required
        ticket("T6", created="2026/06/02 00:01"),  # 6: after the night's end
        "T7,too,few\n",  # 7
        ticket("T8", customer=""),  # 8: flag
        ticket("T9", created="2026/06/02 00:00", resolved=""),  # 9: at the night's end is still tonight
    ]
    company.deliver(FIRST, "tickets.csv", TICKET_HEADER + "".join(lines))
    company.deliver(FIRST, "users.csv", USER_HEADER + "C1,K1,,\n")
    company.run(FIRST)
    assert company.reasons("ticket") == [
        (2, "ticket_resolved_before_created", "not_counted"),
        (3, "ticket_missing_key", "quarantined"),
        (4, "ticket_missing_required", "quarantined"),
        (5, "ticket_missing_required", "quarantined"),
        (5, "ticket_unreadable_value", "quarantined"),
        (6, "ticket_created_in_future", "quarantined"),
        (6, "ticket_resolved_before_created", "quarantined"),
        (7, "ticket_unparsable", "quarantined"),
    ]
    assert company.clean("ticket", "ticket_id, is_counted, not_counted_rules, flag_rules") == [
        ("T1", True, None, None),
        ("T2", False, "ticket_resolved_before_created", None),
        ("T8", True, None, "ticket_without_customer"),
        ("T9", True, None, None),
    ]
    count = next(g for g in read_ledger(company.home, company.night(FIRST)) if g.feed == "tickets").entities["ticket"]
    assert (count.rows_in, count.rows_clean, count.rows_quarantined, count.rows_not_counted) == (9, 4, 5, 1)


def test_reasons_are_in_both_languages_with_the_columns(company: MiniCompany) -> None:
    company.deliver(FIRST, "tickets.csv", TICKET_HEADER + ticket("T1", status="怪"))
    company.run(FIRST)
    assert company.reasons("ticket", "reason_en, reason_zh") == [
        ("A column without which the row has no place is empty: status", "必填列为空：status")
    ]


def test_times_are_utc(company: MiniCompany) -> None:
    company.deliver(FIRST, "tickets.csv", TICKET_HEADER + ticket("T1"))
    company.deliver(
        FIRST,
        "events.csv",
        EVENT_HEADER
        + "E1,T1,created,2026-06-01T01:00:00Z\nE2,T1,note,2026-06-01 09:30:00+08:00\nE3,T1,note,2026-06-01 10:00:00\n",
    )
    company.run(FIRST)
    assert company.clean("ticket", "created_at::varchar") == [("2026-06-01 01:00:00",)]
    assert company.clean("ticket_event", "occurred_at::varchar") == [
        ("2026-06-01 01:00:00",),
        ("2026-06-01 01:30:00",),
        ("2026-06-01 02:00:00",),
    ]


def test_of_copies_the_complete_and_later_one_is_kept(company: MiniCompany) -> None:
    lines = [
        ticket("T1", description="first"),
        ticket("T1", description="second"),  # same change time: a copy, and the later one
        ticket("T2", description="full"),
        ticket("T2", description=""),  # less complete: the earlier one is kept
        ticket("T3", description="old"),
        ticket("T3", description="new", updated="2026/06/01 11:00"),  # another change time: a version
    ]
    company.deliver(FIRST, "tickets.csv", TICKET_HEADER + "".join(lines))
    company.run(FIRST)
    assert company.reasons("ticket", "row_number, rule_id, reason_zh") == [
        (1, "ticket_duplicate_in_batch", "同一批次内的重复行：#2"),
        (4, "ticket_duplicate_in_batch", "同一批次内的重复行：#3"),
    ]
    assert company.clean("ticket", "description") == [("second",), ("full",), ("old",), ("new",)]


def test_an_unusable_copy_does_not_push_out_the_good_one(company: MiniCompany) -> None:
    lines = [ticket("T1"), ticket("T1", resolved="never")]
    company.deliver(FIRST, "tickets.csv", TICKET_HEADER + "".join(lines))
    company.run(FIRST)
    assert company.clean("ticket", "row_number") == [(1,)]


def test_personal_columns_are_hashed_and_free_text_is_masked(company: MiniCompany) -> None:
    company.deliver(FIRST, "users.csv", USER_HEADER + "C1,K1, Li@Example.com ,138 1234 5678\n")
    company.deliver(FIRST, "tickets.csv", TICKET_HEADER + ticket("T1", description="call 13812345678", status="怪"))
    company.deliver(FIRST, "tickets_2.csv", TICKET_HEADER + ticket("T2", description="ring 13812345678"))
    company.run(FIRST)
    key = b"a key for tests"
    assert company.clean("customer_identity", "email_hash, phone_hash") == [
        tuple(hmac.new(key, text, hashlib.sha256).hexdigest() for text in (b"li@example.com", b"8613812345678"))
    ]
    assert company.clean("ticket", "description") == [("ring [phone]",)]
    masked, original = company.reasons("ticket", "raw_row_masked, raw_row")[0]
    assert json.loads(masked)["描述"] == "call [phone]"
    assert json.loads(original)["描述"] == "call 13812345678"
    assert (company.home / "quarantine").stat().st_mode & 0o777 == 0o700
    assert (company.home / "landing").stat().st_mode & 0o777 == 0o700


def test_an_event_is_held_until_its_ticket_arrives(company: MiniCompany) -> None:
    company.deliver(FIRST, "tickets.csv", TICKET_HEADER + ticket("T1") + ticket("T2", created="nonsense"))
    events = "".join(f"E{n},T{n},created,2026-06-01T0{n}:00:00Z\n" for n in (1, 2, 3))
    company.deliver(FIRST, "events.csv", EVENT_HEADER + events)
    company.run(FIRST)
    assert company.reasons("ticket_event") == [
        (2, "ticket_event_parent_unusable", "held"),
        (2, "ticket_event_without_ticket", "held"),
        (3, "ticket_event_without_ticket", "held"),
    ]
    company.deliver(SECOND, "tickets.csv", TICKET_HEADER + ticket("T3"))
    company.run(SECOND)
    assert company.clean("ticket_event", "event_id, gate_no", "event_id") == [("E1", 1), ("E3", 2)]
    gates = [gate for gate in read_ledger(company.home, company.night(SECOND)) if gate.feed == "events"]
    assert [
        (g.kind, g.entities["ticket_event"].rows_clean, g.entities["ticket_event"].rows_quarantined) for g in gates
    ] == [
        ("full", 1, 2),
        ("moved", 2, 1),
    ]
    # What held on the first night still holds for it.
    assert len(holding(read_ledger(company.home, company.night(FIRST)))) == 2
    before = company.files()
    company.run(SECOND)
    assert company.files() == before


def test_a_reference_is_checked_only_if_some_source_delivers_its_key_space(company: MiniCompany) -> None:
    company.deliver(FIRST, "tickets.csv", TICKET_HEADER + ticket("T1", customer="C1") + ticket("T2", customer="C9"))
    company.deliver(FIRST, "users.csv", USER_HEADER + "C1,K1,,\n")
    company.run(FIRST)
    assert company.clean("ticket", "ticket_id, flag_rules") == [("T1", None), ("T2", "ticket_unknown_customer")]


def test_a_reference_to_nobodys_key_space_is_not_checked(company: MiniCompany) -> None:
    text = DESK[: DESK.index("  users:")]
    company.write_source("desk.yml", text)
    company.deliver(FIRST, "tickets.csv", TICKET_HEADER + ticket("T1", customer="C9"))
    company.run(FIRST)
    assert company.clean("ticket", "flag_rules") == [(None,)]


def test_a_shrunken_snapshot_stops_and_is_held_whole(company: MiniCompany) -> None:
    company.deliver(FIRST, "users.csv", USER_HEADER + "".join(f"C{n},,a{n}@b.cn,\n" for n in range(10)))
    company.deliver(SECOND, "users.csv", USER_HEADER + "".join(f"C{n},,a{n}@b.cn,\n" for n in range(4)))
    company.run(FIRST)
    company.run(SECOND)
    gate = read_ledger(company.home, company.night(SECOND))[-1]
    told = "customer_identity: the snapshot has 4 keys, the last one had 10 [SM303]"
    assert (gate.status, gate.message) == ("stopped", told)
    count = gate.entities["customer_identity"]
    assert (count.rows_in, count.rows_clean, count.rows_quarantined) == (4, 0, 4)
    assert len(company.clean("customer_identity")) == 10
    assert {status for (status,) in company.reasons("customer_identity", "status")} == {"held"}


def test_half_of_the_keys_is_enough(company: MiniCompany) -> None:
    company.deliver(FIRST, "users.csv", USER_HEADER + "".join(f"C{n},,a{n}@b.cn,\n" for n in range(10)))
    company.deliver(SECOND, "users.csv", USER_HEADER + "".join(f"C{n},,a{n}@b.cn,\n" for n in range(5)))
    company.run(FIRST)
    company.run(SECOND)
    assert read_ledger(company.home, company.night(SECOND))[-1].status == "gated"


def test_a_missing_mandatory_column_stops_its_feed_and_a_corrected_mapping_heals_it(company: MiniCompany) -> None:
    company.deliver(FIRST, "events.csv", "id,ticket_no,type,at\nE1,T1,created,2026-06-01T01:00:00Z\n")
    company.deliver(FIRST, "tickets.csv", TICKET_HEADER + ticket("T1"))
    company.run(FIRST)
    failed = next(g for g in read_ledger(company.home, company.night(FIRST)) if g.feed == "events")
    line = DESK.splitlines().index("          ticket_id: [ticket]") + 1
    assert failed.status == "failed"
    assert failed.message is not None
    assert f"desk.yml:{line}: feeds.events.entities.ticket_event.columns.ticket_id" in failed.message
    assert failed.entities["ticket_event"].rows_quarantined == 1
    assert len(company.clean("ticket")) == 1
    company.write_source("desk.yml", DESK.replace("ticket_id: [ticket]", "ticket_id: [ticket, ticket_no]"))
    company.run(FIRST)
    healed = [g for g in read_ledger(company.home, company.night(FIRST)) if g.feed == "events"][-1]
    assert (healed.status, healed.gate_no, healed.entities["ticket_event"].rows_clean) == ("gated", 2, 1)


def flip_a_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_a_flipped_byte_in_landing_is_healed_from_the_original(company: MiniCompany) -> None:
    company.deliver(FIRST, "tickets.csv", TICKET_HEADER + ticket("T1"))
    company.land(FIRST)
    flip_a_byte(next(company.home.glob("landing/desk/tickets/*/rows.parquet")))
    company.run(FIRST)
    assert company.clean("ticket", "ticket_id") == [("T1",)]


def test_what_can_not_be_healed_waits_for_its_restoration_and_stops_only_itself(company: MiniCompany) -> None:
    company.deliver(FIRST, "tickets.csv", TICKET_HEADER + ticket("T1"))
    company.deliver(FIRST, "users.csv", USER_HEADER + "C1,K1,,\n")
    company.land(FIRST)
    rows, original = (
        next(company.home.glob(f"landing/desk/tickets/*/{name}")) for name in ("rows.parquet", "original.csv.gz")
    )
    received = original.read_bytes()
    flip_a_byte(rows)
    flip_a_byte(original)
    summary = gate_group(company.settings, company.night(FIRST), "tickets")
    assert [text for text in summary.stopped if "original.csv.gz is damaged" in text]
    company.run(FIRST)
    assert [gate.feed for gate in read_ledger(company.home, company.night(FIRST))] == ["users"]
    assert len(company.clean("customer_identity")) == 1

    original.write_bytes(received)
    company.run(SECOND)
    assert company.clean("ticket", "ticket_id") == [("T1",)]


def test_no_delivery_is_to_blame_for_a_full_disk(company: MiniCompany, monkeypatch: pytest.MonkeyPatch) -> None:
    company.deliver(FIRST, "tickets.csv", TICKET_HEADER + ticket("T1"))
    company.land(FIRST)

    def full(*_: object) -> None:
        raise duckdb.IOException('IO Error: Could not write file "judge.duckdb": No space left on device')

    with monkeypatch.context() as patched:
        patched.setattr("include.gate.gating.map_batch", full)
        with pytest.raises(OSError, match="No space left"):
            company.run(FIRST)
    assert read_ledger(company.home, company.night(FIRST)) == []
    company.run(FIRST)
    assert company.clean("ticket", "ticket_id") == [("T1",)]


@pytest.mark.parametrize("pattern", ["clean/ticket/*.parquet", "quarantine/ticket_event/*.held.parquet"])
def test_settle_takes_no_word_from_a_damaged_file(company: MiniCompany, pattern: str) -> None:
    company.deliver(FIRST, "tickets.csv", TICKET_HEADER + ticket("T1"))
    company.deliver(FIRST, "events.csv", EVENT_HEADER + "E1,T2,created,2026-06-01T00:00:00Z\n")
    company.run(FIRST)
    path = next(company.home.glob(pattern))
    flip_a_byte(path)
    company.deliver(SECOND, "tickets.csv", TICKET_HEADER + ticket("T2"))
    with pytest.raises(files.DamagedFileError, match=f"{path.name} is damaged .*SM404"):
        company.run(SECOND)


def _gated(company: MiniCompany, lines: str) -> Path:
    """The rows of a delivery of tickets as the gate left them for settle."""
    company.deliver(FIRST, "tickets.csv", TICKET_HEADER + lines)
    company.land(FIRST)
    gate_group(company.settings, company.night(FIRST), "tickets")
    return next(company.home.glob("work/gate/*.tickets.*/ticket.rows.parquet"))


def test_what_settle_has_nothing_to_say_of_is_clean_as_the_gate_wrote_it(company: MiniCompany) -> None:
    rows = _gated(company, ticket("T2", customer="") + 2 * ticket("T1", customer=""))
    written = rows.read_bytes()
    settle_night(company.settings, company.night(FIRST))
    clean = next(company.home.glob("clean/ticket/*.parquet"))
    assert clean.read_bytes() == written
    count = next(g for g in read_ledger(company.home, company.night(FIRST)) if g.feed == "tickets").entities["ticket"]
    assert count.clean is not None
    assert count.clean.sha256 == hashlib.sha256(written).hexdigest()
    assert (count.rows_in, count.clean.rows, count.rows_quarantined, count.key_count) == (3, 2, 1, 2)
    assert company.clean("ticket", "ticket_id, row_number", "row_id") == [("T2", 1), ("T1", 3)]


@pytest.mark.parametrize("customer", ["", "unknown"])
def test_settle_takes_no_damaged_rows(company: MiniCompany, customer: str) -> None:
    rows = _gated(company, ticket("T1", customer=customer))
    rows.write_bytes(rows.read_bytes().replace(b"T1", b"T7"))
    with pytest.raises(files.DamagedFileError, match="rows that the gate left are damaged"):
        settle_night(company.settings, company.night(FIRST))
    assert not list(company.home.glob("clean/ticket/*"))


def test_gx_count_and_rows_written_must_agree(company: MiniCompany, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    from include.gate import gx_duckdb, judging

    real = gx_duckdb.validate
    monkeypatch.setattr(
        gx_duckdb,
        "validate",
        lambda *args: [replace(one, failed_count=one.failed_count + 1) for one in real(*args)],
    )
    con = duckdb.connect()
    con.execute("create table m_team as select 1::bigint as row_id, null as _unparsable")
    con.execute(f"create table failure ({judging.FAILURE_COLUMNS})")
    rules = [rule for rule in judging.load_rules().of("team", "gate") if rule.id == "team_unparsable"]
    with pytest.raises(RuleError, match="GX counts 1 rows, 0 were written"):
        judging.record_failures(con, "team", "m_team", rules)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (USER_HEADER, None),
        (
            USER_HEADER.replace("crm_id", "colour"),
            "nothing maps: colour; mapped columns that the file lacks: {}external_id",
        ),
        # Where a personal column is lacking, another one may be it, or the header may be a row.
        (
            USER_HEADER.replace("phone", "138 1234 5678"),
            "nothing maps: 1, not named here; mapped columns that the file lacks: {}phone",
        ),
    ],
)
def test_columns_that_do_not_meet_are_reported(company: MiniCompany, header: str, message: str | None) -> None:
    company.deliver(FIRST, "users.csv", header + "C1,K1,,\n")
    company.run(FIRST)
    gate = read_ledger(company.home, company.night(FIRST))[0]
    assert gate.status == "gated"
    assert gate.message == (message and "columns that " + message.format("customer_identity."))
