"""`make check-source`: what a mapping makes of files, shown and told, with nothing landed and nothing personal."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from include.mapping_help.__main__ import main
from include.mapping_help.feed_finding import feeds_taking
from include.mapping_help.preview import FeedPreview, line_of_record, preview_feed
from include.mapping_help.preview_view import print_feed
from include.settings import Settings
from include.sources.loading import load_source, load_sources

DESK = """\
source: desk
system: Desk
group: tickets
folder: in
time_zone: Asia/Shanghai
missing: ["", N/A]
feeds:
  tickets:
    delivery: incremental
    files: "{night}/tickets*.csv"
    entities:
      ticket:
        columns:
          ticket_id: [Ticket ID]
          customer_id: [Customer]
          status: {from: [Status], values: {done: resolved}}
          channel: {from: [Channel], values: {call: phone}}
          created_at: {from: [Created], formats: ["%Y-%m-%d"]}
          closed_at: [Closed]
          handling_minutes: [Minutes]
          subject: [Subject]
      customer:
        columns:
          customer_id: [Customer]
          name: [Name]
          phone: [Phone]
"""
ROWS = """\
Ticket ID,Customer,Status,Channel,Created,Minutes,Subject,Name,Phone,Extra
T1,C1,done,call,2026-06-01,5,"call me on
13800000001",Wang Wu,13800000001,x
T2,C1,lost,fax,2026-06-02,5,ok,Wang Wu,13800000001,x

T3,C2,open,call,3/6/2026,five,ok,Li Si,13800000002,x
T4,C2,open,call,13/6/2026,5,ok,Li Si,13800000002,x
,C3,open,fax,2026-06-05,5,ok,Li Si,13800000003,x
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "desk.yml").write_text(DESK, encoding="utf-8")
    for night in ("2026-06-29", "2026-06-30", "2026-07-01"):
        (tmp_path / "in" / night).mkdir(parents=True)
        (tmp_path / "in" / night / "tickets.csv").write_text(ROWS, encoding="utf-8")
    return Settings(home=tmp_path / "home", sources=tmp_path, as_of="2026-06-30", language="en")


@pytest.fixture
def desk(settings: Settings) -> FeedPreview:
    preview = preview_feed(settings, load_source(settings.sources / "desk.yml"), "tickets")
    assert not settings.home.exists()
    return preview


def shown(settings: Settings, preview: FeedPreview) -> str:
    console = Console(width=100, record=True, file=open(os.devnull, "w"))  # noqa: PTH123, SIM115
    print_feed(console, settings, preview, "in")
    return console.export_text()


def test_counts_columns_and_deliveries(desk: FeedPreview) -> None:
    assert (desk.files, desk.deliveries, desk.waiting) == (("tickets.csv",), 3, 1)
    assert (desk.records, desk.unparsable) == (5, 0)
    assert (desk.unmapped, desk.lacking) == (("Extra",), ("ticket.closed_at",))
    ticket, customer = desk.entities
    assert (ticket.rows, ticket.unusable, customer.rows, customer.unusable) == (5, 4, 5, 0)
    # T2 has no known status, T3 and T4 no readable time, the last row no key.
    assert ticket.required_missing == (("ticket_id", 1), ("status", 1), ("created_at", 2))
    assert not desk.has_failed


def test_texts_that_mean_nothing_are_told_with_their_line(desk: FeedPreview) -> None:
    ticket = desk.entities[0]
    odd = {one.column: one for one in (*ticket.unreadable, *ticket.unknown)}
    assert sorted(odd) == ["channel", "created_at", "handling_minutes", "status"]
    created = odd["created_at"]
    assert (created.rows, created.record, created.line) == (2, 3, 6)  # after a cell of two lines and a blank line
    assert created.formats == ("%d/%m/%Y",)
    assert (odd["status"].texts, odd["status"].line, odd["status"].is_required) == ((("lost", 1),), 4, True)
    assert (odd["channel"].kind, odd["channel"].texts) == ("kept", (("fax", 2),))


def test_nothing_personal_is_shown(settings: Settings, desk: FeedPreview) -> None:
    ticket, customer = desk.entities
    first = dict(zip(ticket.columns, ticket.sample[0], strict=True))
    assert first["subject"] == "call me on\n[phone]" and first["created_at"] == "2026-06-01 00:00:00"
    assert dict(zip(customer.columns, customer.sample[0], strict=True))["name"] == "***"
    text = shown(settings, desk)
    assert "***" in text and "[phone]" in text
    assert not [one for one in ("1380000", "Wang", "Li Si") if one in text]


def test_what_a_person_reads(settings: Settings, desk: FeedPreview) -> None:
    text = shown(settings, desk)
    assert max(map(len, text.splitlines())) <= 100
    for words in (
        "the last of 3 deliveries · 5 records",
        "1 deliveries are of later nights",
        "mapped columns that the file lacks: ticket.closed_at",
        "rows without the mandatory created_at: 2",
        "line 6",
        'created_at: add formats: ["%d/%m/%Y"]',
        "kept as it is",
        "4 of 5 rows would be quarantined for this alone",
    ):
        assert words in text, words
    chinese = shown(settings.model_copy(update={"language": "zh"}), desk)
    assert "缺少必填列 created_at 的行：2" in chinese and "第 6 行" in chinese and "创建时间" in chinese


def test_at_most_20_rows_and_wide_tables_in_parts(settings: Settings) -> None:
    path = settings.sources / "in" / "many.csv"
    header, row = ROWS.splitlines()[0], "T{},C1,done,call,2026-06-01,5,a subject of some length,Wang Wu,1,x"
    path.write_text("\n".join([header, *(row.format(n) for n in range(50))]), encoding="utf-8")
    preview = preview_feed(settings, load_source(settings.sources / "desk.yml"), "tickets", [path])
    assert [len(one.sample) for one in preview.entities] == [20, 20]
    assert "T19" in shown(settings, preview) and "T20" not in shown(settings, preview)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("Ticket ID,Customer,Created\n1,2,2026-06-01\n", "columns.status: required, but none of the file's 3 columns"),
        ("", "empty, a header was expected"),
        ("Ticket ID\xe9,a\n", "not utf-8"),
    ],
)
def test_a_file_that_cannot_be_mapped_fails(settings: Settings, content: str, problem: str) -> None:
    path = settings.sources / "in" / "bad.csv"
    path.write_bytes(content.encode("latin-1"))
    preview = preview_feed(settings, load_source(settings.sources / "desk.yml"), "tickets", [path])
    assert preview.has_failed
    assert problem in " ".join(filter(None, [preview.problem, *(one.problem for one in preview.entities)]))


def test_answers_are_told_by_question_and_questionnaires_shown(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text("id,q1,q2\n1,5,often\n2,x,never\n3,y,never\n", encoding="utf-8")
    path = tmp_path / "survey.yml"
    path.write_text(
        "source: survey\nsystem: S\ngroup: surveys\nquestionnaires:\n  s:\n    survey_name: S\n    purpose: pulse\n"
        "    questions:\n      - {id: s.q1, headers: [q1], scale: [1, 5]}\n"
        "      - {id: s.q2, headers: [q2], role: open}\n"
        "feeds:\n  asked: {delivery: snapshot, questionnaires: true}\n  answers:\n    delivery: incremental\n"
        "    files: s.csv\n    entities:\n      survey_response:\n        columns:\n          response_id: [id]\n"
        "          survey_id: {constant: s}\n      survey_answer:\n        questionnaire: s\n"
        "        columns: {response_id: [id]}\n",
        encoding="utf-8",
    )
    loaded = load_source(path)
    asked = preview_feed(settings, loaded, "asked")
    assert [(one.entity, one.rows) for one in asked.entities] == [("survey", 1), ("survey_question", 2)]
    answer = preview_feed(settings, loaded, "answers").entities[1]
    assert (answer.rows, answer.unusable) == (6, 2)
    [odd] = answer.unreadable
    assert (odd.column, odd.rows, odd.texts, odd.line) == ("s.q1", 2, (("x", 1), ("y", 1)), 3)


def test_which_feed_takes_a_file(settings: Settings, tmp_path: Path) -> None:
    sources = load_sources(settings.sources)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "tickets 2.csv").write_text(ROWS, encoding="utf-8")
    (elsewhere / "renamed.csv").write_text(ROWS, encoding="gb18030")
    (elsewhere / "other.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    places = [settings.sources / "in" / "2026-06-30" / "tickets.csv"]
    places += [elsewhere / name for name in ("tickets 2.csv", "renamed.csv", "other.csv")]
    found = [[(one.feed, one.why) for one in feeds_taking(settings, sources, path)] for path in places]
    assert found == [[("tickets", "by_place")], [("tickets", "by_name")], [("tickets", "by_columns")], []]


def test_line_is_unknown_where_a_file_is_packed_or_one_of_many(settings: Settings) -> None:
    feed = load_source(settings.sources / "desk.yml").source.feeds["tickets"]
    assert line_of_record([Path("a.csv.gz")], feed, "a.csv.gz", 1) is None
    assert line_of_record([Path("a.csv"), Path("b.csv")], feed, "a.csv", 1) is None
    assert line_of_record([Path("a.xlsx")], feed, "a.xlsx", 1) is None


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command in the folder of the sources: its exit code, and what it said where, on one line each."""
    for name, value in {
        "HOME": settings.home,
        "SOURCES": settings.sources,
        "LANGUAGE": "en",
        "AS_OF": "2026-06-30",
    }.items():
        monkeypatch.setenv(f"METRICS_{name}", str(value))
    monkeypatch.chdir(settings.sources)

    def run(*arguments: str) -> tuple[int, str, str]:
        try:
            code = main(arguments)
        except SystemExit as end:
            code = int(end.code or 0)
        said = capsys.readouterr()
        return code, " ".join(said.out.split()), " ".join(said.err.split())

    return run


def test_check_tells_by_its_exit_code(run: Run, settings: Settings) -> None:
    folder = settings.sources
    code, out, _ = run("check", "desk.yml")
    assert code == 0 and "The mapping works, but not for every row." in out

    (folder / "wrong.yml").write_text(DESK.replace("source: desk", "source: wrong").replace("status:", "stauts:"))
    code, _, err = run("check", "wrong.yml")
    assert code == 2
    assert "wrong.yml:16: feeds.tickets.entities.ticket.columns.stauts: ticket has no column stauts [SM102]" in err
    (folder / "wrong.yml").unlink()

    (folder / "other.csv").write_text("a,b\n1,2\n")
    code, out, _ = run("check", "other.csv")
    assert code == 1 and "make new-source FILE=other.csv" in out
    code, out, _ = run("check", "other.csv", "--source", "desk", "--feed", "tickets")
    assert code == 1 and "required, but none of the file's 2 columns" in out
    code, _, err = run("check", "desk.yml", "--feed", "nothing")
    assert code == 2 and "has no feed nothing" in err
    code, _, err = run("check", "other.csv", "--source", "nobody")
    assert code == 2 and "has no source nobody; it has desk" in err
    assert not settings.home.exists()


def test_a_feed_without_files_is_told(run: Run, settings: Settings) -> None:
    (settings.sources / "empty.yml").write_text(DESK.replace("folder: in", "folder: nowhere"))
    code, out, _ = run("check", "empty.yml")
    assert code == 1 and "no file matches {night}/tickets*.csv in" in out


def test_new_writes_once(run: Run, settings: Settings) -> None:
    file, target = "in/2026-06-30/tickets.csv", settings.sources / "again.yml"
    code, out, err = run("new", file, "--name", "again", "--out", target.name)
    assert (code, out) == (0, "") and "make check-source FILE=again.yml" in err
    proposal = target.read_text(encoding="utf-8")
    assert 'files: "{night}/tickets.csv"' in proposal and "folder: in" in proposal
    code, _, err = run("new", file, "--out", target.name)
    assert code == 2 and "nothing is overwritten" in err
    assert target.read_text(encoding="utf-8") == proposal
    target.unlink()
    code, out, _ = run("new", file, "--name", "again")
    assert code == 0 and out == " ".join(proposal.replace("folder: in", f'folder: "{settings.sources}/in"').split())
    assert not settings.home.exists()
