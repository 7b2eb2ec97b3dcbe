"""An error in a source YAML names file, line and key."""

from __future__ import annotations

import pytest

from include.sources import SourceConfigError, customer_key_spaces, load_source_results, load_sources
from tests.support.mini_company import DESK, MiniCompany


def line_of(text: str, part: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), start=1) if part in line)


@pytest.mark.parametrize(
    ("old", "new", "key", "problem"),
    [
        ("delivery: snapshot", "delivery: sometimes", "feeds.users.delivery", "incremental"),
        ("      ticket_event:", "      ticket_evnt:", "feeds.events.entities.ticket_evnt", "no such entity"),
        ("          phone: [phone]", "          telephone: [phone]", "telephone", "no column telephone"),
        ("time_zone: Asia/Shanghai", "time_zone: Asia/Peking", "time_zone", "unknown time zone"),
        ("key_spaces: {external_id: crm}", "key_spaces: {email: crm}", "key_spaces.email", "no id column"),
        (
            "          event_type: [type]",
            "          event_type: {values: kinds, from: [type]}",
            "values",
            "no value map",
        ),
        ("encoding: [utf-8, gb18030]", "encoding: [utf-9]", "encoding", "unknown encoding utf-9"),
        ("encoding: [utf-8, gb18030]", "encoding: [base64]", "encoding", "unknown encoding base64"),
        ("time_zone: Asia/Shanghai", "time_zone: localtime", "time_zone", "unknown time zone"),
        ("time_zone: Asia/Shanghai", "time_zone: Asia", "time_zone", "unknown time zone"),
        ('formats: ["%Y/%m/%d %H:%M"]}', 'formats: ["%Q"]}', "created_at.formats", "Failed to parse format"),
        ('folder: "{home}/inbox/desk"', 'folder: "{hme}/inbox/desk"', "folder", "unknown {hme}"),
        ('files: "{night}/events.csv"', 'files: "{date}/events.csv"', "feeds.events.files", "unknown {date}"),
        ('files: "{night}/events.csv"', 'files: "/srv/events.csv"', "feeds.events.files", "is absolute"),
        ("  events:", "  ../events:", "feeds.../events", "a feed's name"),
        ("encoding: [utf-8, gb18030]", "delimiter: '\"'", "feeds.tickets.delimiter", "pattern"),
        ("system: Desk", "sistem: Desk", "sistem", "unknown key"),
    ],
)
def test_error_names_file_line_and_key(company: MiniCompany, old: str, new: str, key: str, problem: str) -> None:
    text = DESK.replace(old, new)
    company.write_source("desk.yml", text)
    with pytest.raises(SourceConfigError) as caught:
        load_sources(company.sources)
    message = str(caught.value)
    if problem != "unknown key":  # a missing `system` is reported before the unknown key
        assert message.startswith(f"desk.yml:{line_of(text, new.strip().split(chr(10))[0])}: ")
        assert key in message
        assert problem in message
    else:
        assert "system" in message


def test_required_column_must_be_mapped(company: MiniCompany) -> None:
    company.write_source("desk.yml", DESK.replace("          occurred_at: [at]\n", ""))
    with pytest.raises(SourceConfigError, match=r"desk.yml:\d+: .*required column occurred_at is not mapped"):
        load_sources(company.sources)


def test_broken_yaml_names_its_line(company: MiniCompany) -> None:
    company.write_source("desk.yml", "source: desk\nfeeds: [\n")
    with pytest.raises(SourceConfigError, match=r"^desk.yml:3: "):
        load_sources(company.sources)


def test_one_bad_file_stops_only_itself(company: MiniCompany) -> None:
    company.write_source("bad.yml", "source: bad\n")
    loaded, errors = load_source_results(company.sources)
    assert [one.source.name for one in loaded] == ["desk"]
    assert [error.path.name for error in errors] == ["bad.yml"]


@pytest.mark.parametrize("text", ["source: \x07", "source: 2026-02-30", "? [a]\n: b"])
def test_what_yaml_itself_trips_over_stops_only_itself(company: MiniCompany, text: str) -> None:
    company.write_source("bad.yml", text)
    (company.sources / "folder.yml").mkdir()
    loaded, errors = load_source_results(company.sources)
    assert [one.source.name for one in loaded] == ["desk"]
    assert [error.path.name for error in errors] == ["bad.yml", "folder.yml"]


def test_a_folder_is_relative_to_its_yaml(company: MiniCompany) -> None:
    from include.landing import land_feed

    company.write_source("desk.yml", DESK.replace('"{home}/inbox/desk"', "../files"))
    path = company.sources.parent / "files" / "2026-06-01" / "users.csv"
    path.parent.mkdir(parents=True)
    path.write_text("id,crm_id,mail,phone\nC1,,,\n", encoding="utf-8")
    assert land_feed(company.settings, company.night("2026-06-01"), "desk", "users").records == 1


def test_keys_and_mapped_words_stay_text(company: MiniCompany) -> None:
    company.write_source("desk.yml", DESK.replace("{已解决: resolved, 处理中: open}", "{01: resolved, yes: open}"))
    values = load_sources(company.sources)[0].source.feeds["tickets"].entities["ticket"].columns["status"].values
    assert values == {"01": "resolved", "yes": "open"}


def test_key_spaces_follow_the_installation_then_the_groups(company: MiniCompany) -> None:
    crm = DESK.replace("source: desk", "source: shop").replace("group: tickets", "group: crm")
    company.write_source("shop.yml", crm)
    loaded = load_sources(company.sources)
    assert customer_key_spaces(company.sources, loaded) == ["shop", "desk"]
    company.write_source("installation.yml", "key_spaces: [desk, shop]\n")
    assert customer_key_spaces(company.sources, loaded) == ["desk", "shop"]
