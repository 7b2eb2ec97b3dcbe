"""Decisions of people: released, discarded, taken back; in force from the next night on, and applied once."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pytest

from include import files
from include.failpoints import VARIABLE
from include.gate.decisions import Decision, read_decisions
from include.gate.ledger import Gate, holding, read_ledger
from include.gate.release_command import main
from include.gate.releasing import Asked, DecisionError, take_decision
from include.gate.waiting import waiting
from include.settings import PROJECT_ROOT
from include.warehouse.past_night import judge_again
from tests.support.faults_night import PRELOAD
from tests.support.mini_company import DESK, EVENT_HEADER, TICKET_HEADER, USER_HEADER, MiniCompany, ticket

FIRST, SECOND, THIRD, FOURTH = "2026-06-01", "2026-06-02", "2026-06-03", "2026-06-04"
ORPHAN = "ticket_event_without_ticket"


def events(*tickets: str) -> str:
    return EVENT_HEADER + "".join(
        f"E{n},{key},created,2026-06-01T0{n}:00:00Z\n" for n, key in enumerate(tickets, start=1)
    )


def decide(company: MiniCompany, batch: str, verdict: str, **more: Any) -> Decision:
    return take_decision(company.settings, Asked(batch, verdict, "Chen Wei", "agreed with the desk", **more))


def gates_of(company: MiniCompany, feed: str, night: str = FOURTH) -> list[Gate]:
    return [gate for gate in read_ledger(company.home, company.night(night)) if gate.feed == feed]


def batch_of(company: MiniCompany, feed: str) -> str:
    return gates_of(company, feed)[-1].batch_id


def standing_clean(company: MiniCompany, entity: str, column: str) -> list[str]:
    """Values of the clean rows of the gates that hold."""
    found = []
    for gate in holding(read_ledger(company.home, company.night(FOURTH))):
        count = gate.entities.get(entity)
        if count and count.clean:
            found += company._rows(count.clean.path, column, column)
    return sorted(value for (value,) in found)


def statuses(company: MiniCompany, entity: str) -> dict[int, set[str]]:
    """Row number -> statuses of the rows in quarantine files of the gates that hold."""
    found: dict[int, set[str]] = {}
    for gate in holding(read_ledger(company.home, company.night(FOURTH))):
        count = gate.entities.get(entity)
        if count and count.quarantine:
            for row, status in company._rows(count.quarantine.path, "row_number, status", "row_number"):
                found.setdefault(row, set()).add(status)
    return found


def check_accounts(company: MiniCompany) -> None:
    """Of every gate: rows in = clean + quarantined, and the files say the same."""
    for gate in read_ledger(company.home, company.night(FOURTH)):
        for entity, count in gate.entities.items():
            assert count.rows_in == count.rows_clean + count.rows_quarantined, (gate.batch_id, entity)
            if gate.kind == "full":
                assert count.rows_clean == (count.clean.rows if count.clean else 0)
                assert (count.held.rows if count.held else 0) <= count.rows_quarantined


@pytest.fixture
def orphans(company: MiniCompany) -> MiniCompany:
    """Three events: of a known ticket, of two that nobody has delivered."""
    company.deliver(FIRST, "tickets.csv", TICKET_HEADER + ticket("T1"))
    company.deliver(FIRST, "events.csv", events("T1", "T2", "T3"))
    company.run(FIRST)
    return company


@pytest.fixture
def shrunken(company: MiniCompany) -> MiniCompany:
    """A snapshot of four users, and on the second night one of a single user, which is stopped."""
    company.deliver(FIRST, "users.csv", USER_HEADER + "".join(f"C{n},K{n},,\n" for n in range(4)))
    company.run(FIRST)
    company.deliver(SECOND, "users.csv", USER_HEADER + "C9,K9,,\n")
    company.run(SECOND)
    assert gates_of(company, "users")[-1].status == "stopped"
    return company


def test_what_waits_is_listed(shrunken: MiniCompany) -> None:
    shrunken.deliver(THIRD, "events.csv", events("T7", "T8"))
    shrunken.run(THIRD)
    shrunken.run(FOURTH)
    stopped, held = waiting(shrunken.home)
    assert (stopped.batch_id, stopped.entity, stopped.rows, stopped.nights) == (batch_of(shrunken, "users"), None, 1, 2)
    assert stopped.message and "[SM303]" in stopped.message
    assert (held.feed, held.entity, held.rule_id, held.rows, held.nights) == ("events", "ticket_event", ORPHAN, 2, 1)
    assert held.keys == ("#1 E1", "#2 E2")


def test_a_released_row_counts_without_its_parent_from_the_next_night_on(orphans: MiniCompany) -> None:
    decision = decide(orphans, batch_of(orphans, "events"), "release", rule=ORPHAN, rows="2")
    assert (decision.rows, decision.row_count, decision.after) == ({"ticket_event": "2"}, 1, orphans.night(FIRST))
    before = orphans.files()
    orphans.run(FIRST)  # the night that had begun is what it was
    assert orphans.files() == before
    orphans.run(SECOND)
    assert standing_clean(orphans, "ticket_event", "event_id") == ["E1", "E2"]
    assert statuses(orphans, "ticket_event") == {2: {"released"}, 3: {"held"}}
    gate = gates_of(orphans, "events")[-1]
    assert (gate.gate_no, gate.kind, gate.decisions) == (2, "full", [decision.decision_id])
    check_accounts(orphans)
    after = orphans.files()
    orphans.run(SECOND)  # once is enough
    assert orphans.files() == after
    orphans.run(THIRD)
    assert len(gates_of(orphans, "events")) == 2


def test_a_late_parent_still_releases_by_itself(orphans: MiniCompany) -> None:
    decide(orphans, batch_of(orphans, "events"), "release", rows="2")
    orphans.run(SECOND)
    orphans.deliver(THIRD, "tickets.csv", TICKET_HEADER + ticket("T3"))
    orphans.run(THIRD)
    assert standing_clean(orphans, "ticket_event", "event_id") == ["E1", "E2", "E3"]
    last = gates_of(orphans, "events")[-1]
    assert (last.gate_no, last.kind, last.entities["ticket_event"].rows_quarantined) == (3, "moved", 0)
    assert waiting(orphans.home) == []
    check_accounts(orphans)


def test_a_discarded_row_waits_no_more_even_if_its_parent_arrives(orphans: MiniCompany) -> None:
    decide(orphans, batch_of(orphans, "events"), "discard", rows="2-3")
    assert [one.decided[0].verdict for one in waiting(orphans.home)] == ["discard"]
    orphans.deliver(SECOND, "tickets.csv", TICKET_HEADER + ticket("T2") + ticket("T3"))
    orphans.run(SECOND)
    orphans.run(THIRD)
    assert standing_clean(orphans, "ticket_event", "event_id") == ["E1"]
    assert statuses(orphans, "ticket_event") == {2: {"discarded"}, 3: {"discarded"}}
    assert waiting(orphans.home) == []
    gate = gates_of(orphans, "events")[-1]
    assert gate.entities["ticket_event"].held is None
    assert gate.entities["ticket_event"].rows_quarantined == 2
    check_accounts(orphans)
    # and it stays so when the batch is judged again for another reason
    decide(orphans, gate.batch_id, "release")
    orphans.run(FOURTH)
    assert statuses(orphans, "ticket_event") == {2: {"discarded"}, 3: {"discarded"}}


def test_without_rows_all_that_waits_is_discarded(orphans: MiniCompany) -> None:
    decision = decide(orphans, batch_of(orphans, "events"), "discard")
    assert (decision.rows, decision.row_count) == ({"ticket_event": "2-3"}, 2)


def test_a_later_decision_replaces_an_earlier_one(orphans: MiniCompany) -> None:
    batch = batch_of(orphans, "events")
    decide(orphans, batch, "release", rows="2,3")
    orphans.run(SECOND)
    assert standing_clean(orphans, "ticket_event", "event_id") == ["E1", "E2", "E3"]
    decide(orphans, batch, "discard", rows="3")
    orphans.run(THIRD)
    assert standing_clean(orphans, "ticket_event", "event_id") == ["E1", "E2"]
    assert statuses(orphans, "ticket_event") == {2: {"released"}, 3: {"discarded"}}
    decide(orphans, batch, "release", rows="3")
    orphans.run(FOURTH)
    assert standing_clean(orphans, "ticket_event", "event_id") == ["E1", "E2", "E3"]
    assert [len(gate.decisions) for gate in gates_of(orphans, "events")] == [0, 1, 2, 3]
    check_accounts(orphans)


def test_a_stopped_delivery_is_released_in_spite_of_its_stop(shrunken: MiniCompany) -> None:
    decision = decide(shrunken, batch_of(shrunken, "users"), "release")
    assert decision.is_whole
    shrunken.run(THIRD)
    gate = gates_of(shrunken, "users")[-1]
    assert (gate.status, gate.gate_no, gate.decisions) == ("gated", 2, [decision.decision_id])
    assert gate.waived and "[SM303]" in gate.waived
    assert gate.message and "released by Chen Wei: agreed with the desk" in gate.message
    assert gate.entities["customer_identity"].rows_clean == 1
    assert waiting(shrunken.home) == []
    # taken back: the delivery leaves clean, and is not waited for
    decide(shrunken, gate.batch_id, "discard")
    shrunken.run(FOURTH)
    gate = gates_of(shrunken, "users")[-1]
    assert (gate.status, gate.entities["customer_identity"].rows_clean) == ("discarded", 0)
    assert statuses(shrunken, "customer_identity") == {1: {"discarded"}}
    check_accounts(shrunken)


def test_a_discarded_delivery_is_never_judged_again(shrunken: MiniCompany) -> None:
    batch = batch_of(shrunken, "users")
    decide(shrunken, batch, "discard")
    shrunken.run(THIRD)
    assert gates_of(shrunken, "users")[-1].status == "discarded"
    assert waiting(shrunken.home) == []
    shrunken.write_source("desk.yml", DESK + "# changed, so a stopped delivery would be judged again\n")
    shrunken.run(FOURTH)
    assert len(gates_of(shrunken, "users")) == 3
    with pytest.raises(DecisionError, match="discarded already"):
        decide(shrunken, batch, "discard")


def test_what_could_not_be_mapped_is_discarded_record_by_record(company: MiniCompany) -> None:
    company.deliver(FIRST, "events.csv", EVENT_HEADER.replace("id", "什么", 1) + "E1,T1,note,2026-06-01\n" * 2)
    company.run(FIRST)
    batch = batch_of(company, "events")
    assert gates_of(company, "events")[-1].status == "failed"
    with pytest.raises(DecisionError, match="which no decision mends"):
        decide(company, batch, "release")
    decide(company, batch, "discard")
    company.run(SECOND)
    gate = gates_of(company, "events")[-1]
    assert (gate.status, gate.entities["ticket_event"].rows_quarantined) == ("discarded", 2)
    assert statuses(company, "ticket_event") == {1: {"discarded"}, 2: {"discarded"}}


def test_released_under_a_corrected_mapping(company: MiniCompany) -> None:
    company.deliver(FIRST, "tickets.csv", TICKET_HEADER + ticket("T1") + ticket("T2", status="搞定") + ticket(""))
    company.run(FIRST)
    assert standing_clean(company, "ticket", "ticket_id") == ["T1"]
    company.write_source("desk.yml", DESK.replace("已解决: resolved", "已解决: resolved, 搞定: resolved"))
    company.run(SECOND)
    assert standing_clean(company, "ticket", "ticket_id") == ["T1"], "a corrected mapping alone changes nothing"
    decide(company, batch_of(company, "tickets"), "release")
    company.run(THIRD)
    assert standing_clean(company, "ticket", "ticket_id") == ["T1", "T2"]
    assert statuses(company, "ticket") == {3: {"quarantined"}}, "what still fails stays, with its reasons"
    check_accounts(company)


def test_released_under_a_corrected_rule(company: MiniCompany) -> None:
    from include.gate.rules import holding_rules, load_rules

    company.deliver(FIRST, "tickets.csv", TICKET_HEADER + ticket("T1") + ticket("T2", created="2026/06/09 09:00"))
    company.run(FIRST)
    assert statuses(company, "ticket")[2] == {"quarantined"}
    decide(company, batch_of(company, "tickets"), "release")
    kept = json.loads(load_rules().text)
    for rule in kept["ticket"]:
        if rule["id"] == "ticket_created_in_future":
            rule["verdict"] = "flag"
    corrected = json.dumps(kept, ensure_ascii=False, sort_keys=True)
    with holding_rules(corrected):
        company.run(SECOND)
    assert standing_clean(company, "ticket", "ticket_id") == ["T1", "T2"]
    assert gates_of(company, "tickets")[-1].rules_hash != gates_of(company, "tickets")[0].rules_hash


def test_a_mapping_that_no_longer_fits_takes_nothing_away(orphans: MiniCompany) -> None:
    decide(orphans, batch_of(orphans, "events"), "discard", rows="2")
    orphans.write_source("desk.yml", DESK.replace("event_id: [id]", "event_id: [gone]"))
    orphans.run(SECOND)
    assert standing_clean(orphans, "ticket_event", "event_id") == ["E1"]
    assert len(gates_of(orphans, "events")) == 1
    orphans.write_source("desk.yml", DESK)
    orphans.run(THIRD)
    assert statuses(orphans, "ticket_event") == {2: {"discarded"}, 3: {"held"}}


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"batch_id": "desk.events.x"}, "no delivery desk.events.x was judged"),
        ({"verdict": "drop"}, "release or discard, not drop"),
        ({"who": " "}, "WHO is missing"),
        ({"why": ""}, "WHY is missing"),
        ({"rule": "ticket_missing_key"}, f"rules by which rows wait: {ORPHAN}"),
        ({"rows": "1"}, "these rows don't wait: 1"),
        ({"rows": "2,7-9"}, "these rows don't wait: 7, 8, 9"),
        ({"rows": "all"}, "are not row numbers"),
        ({"rows": "3-2"}, "these rows don't wait: 3-2"),
    ],
)
def test_what_can_not_be_decided_is_said_in_one_line(orphans: MiniCompany, asked: dict[str, str], message: str) -> None:
    given = {"batch_id": batch_of(orphans, "events"), "verdict": "release", "who": "Chen", "why": "so"} | asked
    with pytest.raises(DecisionError, match=message) as error:
        take_decision(orphans.settings, Asked(**given))
    assert "\n" not in str(error.value) and str(error.value).endswith("[SM307]")
    assert read_decisions(orphans.home) == []


def test_nothing_waits_of_a_delivery_that_was_taken_in_whole(orphans: MiniCompany) -> None:
    with pytest.raises(DecisionError, match="nothing of it waits"):
        decide(orphans, batch_of(orphans, "tickets"), "release")
    with pytest.raises(DecisionError, match=r"nothing of .* waits"):
        decide(orphans, batch_of(orphans, "tickets"), "discard")


def test_an_answer_has_no_place_without_its_response(company: MiniCompany) -> None:
    company.add_survey()
    survey = (company.sources / "survey.yml").read_text(encoding="utf-8")
    company.write_source(
        "survey.yml",
        survey
        + """\
  answers:
    delivery: incremental
    files: "{night}/answers.csv"
    entities:
      survey_answer:
        columns:
          response_id: [response]
          question_id: [question]
          answer_value: [value]
""",
    )
    company.deliver(FIRST, "answers.csv", "response,question,value\nR9,s1.score,4\n", source="survey")
    company.run(FIRST)
    with pytest.raises(DecisionError, match="survey_answer has no place in the marts without its parent"):
        decide(company, batch_of(company, "answers"), "release", rows="1")
    assert decide(company, batch_of(company, "answers"), "discard", rows="1").row_count == 1


def test_the_same_decision_again_is_one(orphans: MiniCompany) -> None:
    first = decide(orphans, batch_of(orphans, "events"), "discard", rows="2")
    assert decide(orphans, batch_of(orphans, "events"), "discard", rows="2") == first
    assert [one.decision_id for one in read_decisions(orphans.home)] == [first.decision_id]


def test_a_decision_that_was_changed_by_hand_is_noticed(orphans: MiniCompany) -> None:
    decision = decide(orphans, batch_of(orphans, "events"), "discard", rows="2")
    path = orphans.home / "decisions" / f"{decision.decision_id}.json"
    path.write_text(path.read_text(encoding="utf-8").replace("Chen", "Zhao"), encoding="utf-8")
    with pytest.raises(files.DamagedFileError, match=decision.decision_id):
        orphans.run(SECOND)


def test_past_nights_are_what_they_were(orphans: MiniCompany, tmp_path: Path) -> None:
    orphans.run(SECOND)
    decide(orphans, batch_of(orphans, "events"), "discard", rows="2")
    decide(orphans, batch_of(orphans, "events"), "release", rows="3")
    orphans.run(THIRD)
    decide(orphans, batch_of(orphans, "events"), "release", rows="2")
    orphans.run(FOURTH)
    for night, count in ((SECOND, 1), (THIRD, 2), (FOURTH, 3)):
        again = judge_again(orphans.settings, orphans.night(night), tmp_path / night, say=lambda _: None)
        found = [gate.model_dump() for gate in read_ledger(again.home, orphans.night(night))]
        assert found == [gate.model_dump() for gate in read_ledger(orphans.home, orphans.night(night))]
        assert sum(gate["feed"] == "events" for gate in found) == count


def test_a_night_that_was_passed_over_is_passed_over_again(orphans: MiniCompany, tmp_path: Path) -> None:
    """The second night died before it judged; the decision was applied on the third, and a replay does as much."""
    from include.gate.context import prepare_night

    decide(orphans, batch_of(orphans, "events"), "release", rows="2")
    prepare_night(orphans.settings, orphans.night(SECOND))
    orphans.run(THIRD)
    assert gates_of(orphans, "events")[-1].night == orphans.night(THIRD)
    again = judge_again(orphans.settings, orphans.night(THIRD), tmp_path / "again", say=lambda _: None)
    assert [gate.model_dump() for gate in read_ledger(again.home, orphans.night(THIRD))] == [
        gate.model_dump() for gate in read_ledger(orphans.home, orphans.night(THIRD))
    ]
    assert len(read_decisions(again.home)) == 1


@pytest.mark.parametrize("place", ["decision:before_rename", "decision:after_rename"])
def test_killed_while_a_decision_is_written(orphans: MiniCompany, place: str) -> None:
    batch = batch_of(orphans, "events")
    asked = Asked(batch, "release", "Chen Wei", "agreed", rows="2")
    assert _killed(place, partial(take_decision, orphans.settings, asked))
    kept = read_decisions(orphans.home)
    assert len(kept) == (place == "decision:after_rename")
    take_decision(orphans.settings, asked)
    assert len(read_decisions(orphans.home)) == 1
    orphans.run(SECOND)
    assert statuses(orphans, "ticket_event") == {2: {"released"}, 3: {"held"}}


@pytest.mark.parametrize("place", ["candidate_record:after_rename", "settle:before_commit", "clean:after_rename",
                                   "ledger:before_rename", "ledger:after_rename"])  # fmt: skip
def test_killed_while_a_decision_is_applied(orphans: MiniCompany, place: str) -> None:
    decide(orphans, batch_of(orphans, "events"), "release", rows="2")
    assert _killed(place, partial(orphans.run, SECOND))
    orphans.run(SECOND)
    orphans.run(THIRD)
    assert [gate.gate_no for gate in gates_of(orphans, "events")] == [1, 2]
    assert standing_clean(orphans, "ticket_event", "event_id") == ["E1", "E2"]
    check_accounts(orphans)


def _killed(place: str, step: Callable[[], object]) -> bool:
    """Whether a step died at a place."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOAD)
    process = context.Process(target=_die_at, args=(place, step))
    process.start()
    process.join()
    return process.exitcode == -signal.SIGKILL


def _die_at(place: str, step: Callable[[], object]) -> None:
    """In a session of its own, which a failpoint kills."""
    os.setsid()
    os.environ[VARIABLE] = place
    step()


def test_the_command_lists_decides_and_says_from_when_on(
    orphans: MiniCompany, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("METRICS_HOME", str(orphans.home))
    monkeypatch.setenv("METRICS_SOURCES", str(orphans.sources))
    batch = batch_of(orphans, "events")
    assert main([]) == 0
    told = capsys.readouterr().out
    assert batch in told and ORPHAN in told and "#2 E2, #3 E3" in told

    monkeypatch.setenv("METRICS_LANGUAGE", "zh")
    decided = ["--batch", batch, "--decision", "discard", "--who", "陈伟", "--why", "与客服确认", "--rows", "3"]
    assert main(decided) == 0
    assert "ticket_event 3" in (told := capsys.readouterr().out) and "2026-06-01 之后的第一夜" in told
    assert main([]) == 0
    assert "等待人工决定" in (told := capsys.readouterr().out) and "作废（陈伟）" in told

    assert main(["--why", "so"]) == 2
    error = capsys.readouterr().err.strip()
    assert "\n" not in error and error.endswith("[SM307]") and "BATCH is missing" in error


def test_make_hands_quotation_marks_on(orphans: MiniCompany) -> None:
    why = """agreed: "no ticket", it's theirs"""
    given = [f"BATCH={batch_of(orphans, 'events')}", "DECISION=discard", "WHO=O'Hara", f"WHY={why}", "ROWS=2, 3"]
    home = {"METRICS_HOME": str(orphans.home), "METRICS_SOURCES": str(orphans.sources)}
    done = subprocess.run(
        ["make", "-s", "release", *given],
        cwd=PROJECT_ROOT,
        env={**os.environ, **home},
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert [(one.who, one.why, one.rows) for one in read_decisions(orphans.home)] == [
        ("O'Hara", why, {"ticket_event": "2-3"})
    ]


def test_the_warehouse_is_told_of_decisions_in_force(orphans: MiniCompany) -> None:
    from include.sources.loading import load_source_results
    from include.warehouse.inputs import inputs_folder, write_inputs
    from include.warehouse.night_records import begin_night

    def told(night: str, columns: str) -> list[tuple[Any, ...]]:
        as_of = orphans.night(night)
        begin_night(orphans.home, as_of, load_source_results(orphans.sources)[0], [])
        write_inputs(orphans.settings, as_of, set())
        path = inputs_folder(orphans.home) / "decision.parquet"
        return duckdb.connect().execute(f"select {columns} from '{path}' order by decision_number").fetchall()

    asked = Asked(batch_of(orphans, "events"), "release", "Chen", "ring 13812345678", rule=ORPHAN)
    decision = take_decision(orphans.settings, asked)
    assert told(FIRST, "*") == [], "the night that had begun knows nothing of it"
    orphans.run(SECOND)
    decide(orphans, decision.batch_id, "discard", rows="3")
    names = "decision_id, verdict, entity, row_numbers, rule_id, row_count, who, why, effect_gate_no"
    first = (decision.decision_id, "release", "ticket_event", "2-3", ORPHAN, 2, "Chen", "ring [phone]", 2)
    assert told(SECOND, names) == [first]
    orphans.run(THIRD)
    assert [row[-1] for row in told(THIRD, names)] == [2, 3]
