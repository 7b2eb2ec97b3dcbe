"""The auditors' pages: sums that hold, nothing personal, failed nights too, and written only when they changed."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from pathlib import Path

import pytest

from include import files
from include.gate.ledger import CheckResult, commit, read_ledger
from include.gate.rules import holding_rules, load_rules
from include.gate.versions import keep_versions
from include.reporting.audit import audit_index_file, write_audit_pages
from include.reporting.audit.cleaning_effect import effect_file
from include.settings import Settings, night_id
from include.sources.loading import load_source_results
from include.warehouse.night_records import begin_night
from include.warehouse.publish import serve_file
from tests.support.audited_home import (
    EMAIL,
    FAILED,
    FAULT,
    GOOD,
    MARKUP,
    NIGHTS,
    PHONE,
    PUBLISHED,
    QUIET,
    record_decision,
)
from tests.support.mini_company import DESK, MiniCompany
from tests.support.page_checks import assert_well_formed, dead_links

LANGUAGES = ("en", "zh")
TAGS = re.compile(r"<[^>]+>")


@pytest.fixture(scope="module")
def pages(audited: MiniCompany) -> Path:
    write_audit_pages(audited.settings)
    return audited.home / "reports" / "audit"


def pages_of(settings: Settings) -> Path:
    return settings.home / "reports" / "audit"


def night_page(pages: Path, audited: MiniCompany, night: str, language: str = "en") -> str:
    return (pages / "night" / f"{night_id(audited.night(night))}.{language}.html").read_text(encoding="utf-8")


def cells(text: str) -> list[list[str]]:
    """The rows of a part of a page, as the words of their cells."""
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", text, re.DOTALL)
    found = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in rows]
    return [[words(cell) for cell in row] for row in found]


def words(html: str) -> str:
    return " ".join(unescape(TAGS.sub(" ", html)).split())


def part(text: str, name: str) -> str:
    """A section of a page, up to the next one."""
    return text.split(f'<h2 id="{name}">')[1].split("<h2 ", maxsplit=1)[0]


def test_there_is_a_page_for_every_night_rule_and_source_in_both_languages(pages: Path, audited: MiniCompany) -> None:
    for language in LANGUAGES:
        assert audit_index_file(audited.home, language).exists()
        for night in NIGHTS:
            assert night_page(pages, audited, night, language)
    names = {kind: {path.name.rsplit(".", 2)[0] for path in (pages / kind).iterdir()} for kind in ("rule", "source")}
    assert names["source"] == {"desk"}
    assert {"ticket_missing_key", "survey_response_straight_lined", "batch_stopped"} <= names["rule"]
    assert len(list((pages / "rule").iterdir())) == 2 * len(names["rule"])


def test_the_sums_are_on_the_page(pages: Path, audited: MiniCompany) -> None:
    text = night_page(pages, audited, GOOD)
    assert "10 rows in = 5 counted + 1 not counted + 1 held + 3 quarantined." in text
    flow = cells(part(text, "flow"))
    assert ["desk 10 records", "Customer identity", "1", "1", "0", "0", "0"] in flow
    assert ["Ticket", "7", "3", "1", "0", "3"] in flow
    assert ["Ticket event", "2", "1", "0", "1", "0"] in flow
    assert ["Total", "10", "5", "1", "1", "3"] in flow
    assert "later nights brought 1 into clean" in text
    assert "接收 10 行 = 计入 5 + 不计分 1 + 暂挂 1 + 隔离 3。" in night_page(pages, audited, GOOD, "zh")


def test_rules_are_told_with_counts_shares_and_words(pages: Path, audited: MiniCompany) -> None:
    rows = {row[0]: row[1:6] for row in cells(part(night_page(pages, audited, GOOD), "findings")) if len(row) == 7}
    assert rows["The key is missing. Ticket"] == ["Unusable", "1", "7", "14.3 %", "–"]
    stop = "stops a delivery of 50 rows or more above 50%"
    assert rows[f"Resolved before it was created. Ticket · {stop}"] == ["Not counted", "1", "7", "14.3 %", "–"]
    assert rows["No customer is named. Ticket"] == ["Marked", "1", "7", "14.3 %", "–"]
    assert "缺少主键" in night_page(pages, audited, GOOD, "zh")


def test_rows_are_shown_masked(pages: Path, audited: MiniCompany) -> None:
    text = night_page(pages, audited, GOOD)
    samples = part(text, "samples")
    assert "[e-mail]" in samples and "[phone]" in samples, "the planted rows are among those shown"
    assert "T2" in samples and "T5" in samples
    everything = "".join(path.read_text(encoding="utf-8") for path in pages.rglob("*.html"))
    for secret in (EMAIL, PHONE, "li.si"):
        assert secret not in everything
    assert MARKUP not in everything and "&lt;script&gt;" in everything


def test_a_flagged_row_is_shown_from_clean(pages: Path, audited: MiniCompany) -> None:
    text = part(night_page(pages, audited, GOOD), "samples").split('id="rows-ticket_without_customer"')[1]
    assert cells(text.split("</details>")[0])[1][:4] == ["desk.tickets", "4", "T4", "marked"]


def test_a_failed_night_has_its_page(pages: Path, audited: MiniCompany) -> None:
    text = night_page(pages, audited, FAILED)
    assert "Not published: readers of the metrics do not see this night." in text
    assert FAULT in unescape(text)
    assert "It also lacks desk." in text
    troubles = cells(part(text, "troubles"))
    assert troubles[1][:3] == ["desk", "events", "could not be judged"]
    assert "id" in troubles[1][3]
    assert "has no figures of its own" in text
    assert "desk.users" in text, "what came again without a change is named"
    assert "1 Ticket event of desk" in text


def test_zero_rows_say_so_in_words(pages: Path, audited: MiniCompany) -> None:
    text = night_page(pages, audited, QUIET)
    assert "zero rows came in" in text and "zero rows failed" in text
    assert "0 行" in night_page(pages, audited, QUIET, "zh")
    assert "nothing new came in" in audit_index_file(audited.home, "en").read_text(encoding="utf-8")


def test_the_effect_of_cleaning_stands_beside_each_metric(pages: Path, audited: MiniCompany) -> None:
    rows = cells(part(night_page(pages, audited, PUBLISHED), "effect"))
    (csat,) = [row for row in rows if "csat_transactional" in row[0]]
    assert csat[1:] == ["June 2026", "90.0 %", "200", "80.0 %", "220", "+10.0 pp"]
    # its funnel is that of all invitations
    (rate,) = [row for row in rows if "response_rate_transactional" in row[0]]
    assert rate[1:] == ["June 2026", "62.0 %", "300", "62.0 %", "300", "none"]


def test_the_index_tells_of_every_night(pages: Path, audited: MiniCompany) -> None:
    rows = cells(part(audit_index_file(audited.home, "en").read_text(encoding="utf-8"), "nights"))
    states = {row[0]: row[1:3] for row in rows[1:]}
    assert states == {
        PUBLISHED: ["✓ Published", "2"],
        QUIET: ["○ Built", "0"],
        FAILED: ["✗ Failed desk", "3"],
        GOOD: ["○ Built", "10"],
    }


def test_a_source_says_when_it_last_came(pages: Path) -> None:
    text = (pages / "source" / "desk.en.html").read_text(encoding="utf-8")
    rows = {row[0]: row[1:3] for row in cells(text.split("<h2>Volume")[0])}
    assert (rows["tickets"], rows["events"], rows["users"]) == ([PUBLISHED, "0"], [FAILED, "2"], [GOOD, "3"])
    assert "could not be judged" in text


def test_a_source_says_how_it_drifts(pages: Path, audited: MiniCompany, copied: Callable[[], Settings]) -> None:
    before = (pages / "source" / "desk.en.html").read_text(encoding="utf-8")
    assert "it takes five of a usual size before it" in part(before, "drift")
    settings = copied()
    for night, failed in ((GOOD, 2), (PUBLISHED, 0)):
        gates = read_ledger(settings.home, audited.night(night))
        gate = next(one for one in gates if one.night == audited.night(night) and one.feed == "tickets")
        found = [
            CheckResult(entity="ticket", rule_id=rule, verdict=verdict, failed_count=failed_count, checked_count=8)
            for rule, verdict, failed_count in (
                ("batch_break", "stop", 0), ("batch_category_drift", "note", failed),
            )
        ]  # fmt: skip
        commit(settings.home, gate.model_copy(update={"checks": [*gate.checks, *found]}))
    write_audit_pages(settings)
    for language, none in (("en", "lowest 0, highest 25.0 %, last 0"), ("zh", "最低 0，最高 25.0%，最近 0")):
        text = part((pages_of(settings) / "source" / f"desk.{language}.html").read_text(encoding="utf-8"), "drift")
        text = " ".join(text.split("<h2>")[0].split())
        assert [row[2:5] for row in cells(text)[1:]] == [["2", "16", GOOD], ["0", "16", "–"]]
        assert f'href="../rule/batch_category_drift.{language}.html"' in text
        assert none in text


def test_a_first_night_is_told_of_as_one(audited: MiniCompany, copied: Callable[[], Settings]) -> None:
    settings = copied()
    files.remove(settings.home / "reports")
    write_audit_pages(settings, audited.night(GOOD))
    for language, one in (("en", "the last night"), ("zh", "最近一个批次")):
        told = [path.read_text(encoding="utf-8") for path in pages_of(settings).rglob(f"*.{language}.html")]
        assert one in audit_index_file(settings.home, language).read_text(encoding="utf-8")
        assert not any(re.search(r"last 1 nights|最近 1 个", text) for text in told)


def test_a_rule_is_told_over_time(pages: Path) -> None:
    text = (pages / "rule" / "ticket_duplicate_in_batch.en.html").read_text(encoding="utf-8")
    assert [PUBLISHED, "1", "2", "50.0 %"] in cells(text)
    assert [GOOD, "0", "7", "0"] in cells(text)
    never = (pages / "rule" / "survey_response_straight_lined.zh.html").read_text(encoding="utf-8")
    assert "尚未检查过任何行" in never and "run_length = 10" in never


def test_every_page_is_well_formed_and_its_links_lead_somewhere(pages: Path) -> None:
    paths = [*pages.glob("*.html"), *pages.glob("*/*.html")]
    assert len(paths) > 100
    for path in paths:
        text = path.read_text(encoding="utf-8")
        assert_well_formed(text)
        assert dead_links(path) == [], path
        for table in re.findall(r"<table.*?</table>", text, re.DOTALL):
            assert "<caption" in table and 'scope="col"' in table, path
        assert "<script" not in text and "http" not in text.replace("http-equiv", "")
        assert len(text.encode()) < 1_500_000


def test_nothing_is_written_twice_and_only_what_changed(audited: MiniCompany, copied: Callable[[], Settings]) -> None:
    settings = copied()
    first = write_audit_pages(settings)
    again = write_audit_pages(settings)
    assert again.pages == 0
    assert again.unchanged == first.pages + first.unchanged

    # What E2 waits for came on the second night; a decision belongs to one night alone.
    record_decision(settings.home, audited.night(GOOD))
    before = stamps(settings)
    write_audit_pages(settings)
    after = stamps(settings)
    changed = {name for name, stamp in after.items() if before[name] != stamp}
    assert {name for name in changed if name.startswith("night/")} == {
        f"night/{night_id(audited.night(GOOD))}.{language}.html" for language in LANGUAGES
    }
    text = night_page(settings.home / "reports" / "audit", audited, GOOD)
    assert "<dd>Chen</dd>" in text and "<dd>release</dd>" in text and "<dd>1: Ticket event 2</dd>" in text
    assert "agreed &lt;script&gt;" in text and "<script" not in text
    text = night_page(settings.home / "reports" / "audit", audited, GOOD, "zh")
    assert "<dd>释放</dd>" in text and "决定人" in text


def stamps(settings: Settings) -> dict[str, int]:
    folder = settings.home / "reports" / "audit"
    return {path.relative_to(folder).as_posix(): path.stat().st_mtime_ns for path in folder.rglob("*.html")}


def test_a_page_that_is_gone_is_written_again_with_the_figures_that_were_kept(
    audited: MiniCompany, copied: Callable[[], Settings]
) -> None:
    settings = copied()
    write_audit_pages(settings)
    path = settings.home / "reports/audit/night" / f"{night_id(audited.night(PUBLISHED))}.en.html"
    before = path.read_bytes()
    path.unlink()
    files.remove(serve_file(settings.home))
    # An earlier version kept something else of a metric.
    kept = effect_file(settings.home, audited.night(PUBLISHED))
    content = files.read_json(kept)
    content["effects"] = [{**one, "has_twin": True} for one in content["effects"]]
    files.write_json(kept, content)
    # Nothing is served any more, yet that the night was published is known by the effect that was kept.
    assert write_audit_pages(settings).pages > 0
    assert b"+10.0" in path.read_bytes()
    assert b"Published" in before and b"Published" in path.read_bytes()
    assert [night for night in NIGHTS if effect_file(settings.home, audited.night(night)).exists()] == [PUBLISHED]


def test_a_served_file_that_cannot_be_read_stops_no_page(audited: MiniCompany, copied: Callable[[], Settings]) -> None:
    settings = copied()
    files.remove(settings.home / "reports")
    files.remove(effect_file(settings.home, audited.night(PUBLISHED)))
    files.write_bytes(serve_file(settings.home), b"torn" * 4096)
    write_audit_pages(settings)
    text = night_page(settings.home / "reports" / "audit", audited, PUBLISHED)
    assert "Nothing that can be read is served." in text and "no longer kept" in text


def test_rows_of_a_damaged_file_are_not_shown_until_it_is_restored(
    audited: MiniCompany, copied: Callable[[], Settings]
) -> None:
    settings = copied()
    files.remove(settings.home / "reports")
    night = night_id(audited.night(GOOD))
    flipped = next((settings.home / "clean" / "ticket").glob(f"*{night}*"))
    gone = next((settings.home / "quarantine" / "ticket").glob(f"*{night}*.1.parquet"))
    content, kept = flipped.read_bytes(), gone.read_bytes()
    flipped.write_bytes(content[:100] + bytes([content[100] ^ 1]) + content[101:])
    gone.unlink()

    write_audit_pages(settings)

    text = night_page(settings.home / "reports" / "audit", audited, GOOD)
    samples = part(text, "samples")
    assert flipped.name in samples and gone.name in samples and "[e-mail]" not in samples
    assert "E2" in samples, "other files are shown"
    assert "10 rows in = 5 counted" in text

    flipped.write_bytes(content)
    gone.write_bytes(kept)
    write_audit_pages(settings)
    assert "[e-mail]" in part(night_page(settings.home / "reports" / "audit", audited, GOOD), "samples")


def test_changes_of_rules_and_mappings_are_told(tmp_path: Path) -> None:
    company = MiniCompany(tmp_path)
    desk = company.sources / "desk.yml"
    rules = load_rules()
    for night, word_for_none, extra in (("2026-06-01", "N/A", ""), ("2026-06-02", "无", " or so")):
        text = DESK.replace('"N/A"', f'"{word_for_none}"')
        desk.write_text(text, encoding="utf-8")
        begin_night(company.home, company.night(night), *load_source_results(company.sources))
        with holding_rules(rules.text.replace("The key is missing.", f"The key is missing{extra}.")):
            keep_versions(company.settings, company.night(night))
    write_audit_pages(company.settings, company.night("2026-06-02"))

    text = unescape(part(night_page(company.home / "reports" / "audit", company, "2026-06-02"), "changes"))
    assert "desk.yml: 1 lines added, 1 removed" in text
    assert '+missing: ["", "无"]' in text and '-missing: ["", "N/A"]' in text
    assert "changed: The key is missing or so" in text
    assert "before: The key is missing; Unusable; now: The key is missing or so; Unusable" in text
    assert "There is no night before" in night_page(company.home / "reports" / "audit", company, "2026-06-01")


def test_a_rule_that_looks_at_something_else_is_told_although_its_words_stay(tmp_path: Path) -> None:
    company = MiniCompany(tmp_path)
    rules = load_rules()
    assert '"type": "ExpectTimeBeforeNightEnd"' in rules.text
    for night, kind in (("2026-06-01", "ExpectTimeBeforeNightEnd"), ("2026-06-02", "ExpectOther")):
        begin_night(company.home, company.night(night), *load_source_results(company.sources))
        with holding_rules(rules.text.replace("ExpectTimeBeforeNightEnd", kind)):
            keep_versions(company.settings, company.night(night))
    write_audit_pages(company.settings)

    text = part(night_page(company.home / "reports" / "audit", company, "2026-06-02"), "changes")
    assert "what it looks at was changed" in text and "before:" not in text


def test_a_home_without_nights_says_so(tmp_path: Path) -> None:
    summary = write_audit_pages(Settings(home=tmp_path))
    assert summary.pages == 2
    assert "No night has begun" in audit_index_file(tmp_path, "en").read_text(encoding="utf-8")


def test_a_damaged_ledger_is_named(copied: Callable[[], Settings]) -> None:
    settings = copied()
    path = next((settings.home / "ledger").glob("desk.tickets.20260627*/1.json"))
    path.write_text(path.read_text(encoding="utf-8").replace('"rows_in": 7', '"rows_in": 8'), encoding="utf-8")
    with pytest.raises(files.DamagedFileError, match=str(path.name)):
        write_audit_pages(settings)
