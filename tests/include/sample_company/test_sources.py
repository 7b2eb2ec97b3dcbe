"""The shipped source YAMLs fit the files: every mapped column is there, every code is mapped."""

import pytest

from include.contracts import load_contracts
from include.settings import SAMPLE_SOURCES
from include.sources import load_sources
from include.sources.loading import LoadedSource, customer_key_spaces, feed_entities
from include.sources.schema import Feed
from tests.support.sample_files import NIGHT_NAMES, SampleFiles

SOURCES = load_sources(SAMPLE_SOURCES)
FEEDS = [
    pytest.param(one, feed, id=f"{one.source.name}.{name}")
    for one in SOURCES
    for name, feed in one.source.feeds.items()
    if feed.files
]
UNMAPPED_ON_PURPOSE = {"还行"}
# A pretest is delivered once, with the history.
ONCE = ("{night}/预测试答卷*.csv",)


def file_of(files: SampleFiles, one: LoadedSource, feed: Feed, night: str) -> str:
    """Name of the one file of a night that the feed's pattern finds."""
    pattern = feed.files[0].replace("{night}", night)
    found = sorted((files.folder / one.source.name).glob(pattern))
    assert len(found) == 1, pattern
    return found[0].name


def test_sources_and_their_order() -> None:
    assert [one.source.name for one in SOURCES] == ["crm", "desk", "field", "survey"]
    assert customer_key_spaces(SAMPLE_SOURCES, SOURCES) == ["crm", "desk", "survey"]
    delivered = {entity for one in SOURCES for feed in one.source.feeds.values() for entity in feed_entities(feed)}
    assert set(load_contracts()) - delivered == {
        "improvement_action",
        "metric_target",
        "review",
        "service_partner",
        "usage",
    }


@pytest.mark.parametrize(("one", "feed"), FEEDS)
def test_mapped_columns_exist(files: SampleFiles, one: LoadedSource, feed: Feed) -> None:
    for night in NIGHT_NAMES[:1] if feed.files == ONCE else NIGHT_NAMES:
        header = set(files.lines(file_of(files, one, feed, night), night)[0])
        for entity, mapping in feed.entities.items():
            for name, column in mapping.columns.items():
                assert column.constant is not None or header & set(column.from_), (entity, name)
            if mapping.questionnaire:
                for question in one.source.questionnaires[mapping.questionnaire].questions:
                    assert header & set(question.headers), question.id


@pytest.mark.parametrize(("one", "feed"), FEEDS)
def test_codes_are_mapped_or_permitted(files: SampleFiles, one: LoadedSource, feed: Feed) -> None:
    rows = files.rows(file_of(files, one, feed, NIGHT_NAMES[0]), NIGHT_NAMES[0])
    missing = {*one.source.missing, *feed.missing}
    for entity, mapping in feed.entities.items():
        for name, column in mapping.columns.items():
            contract = load_contracts()[entity].columns[name]
            permitted = contract.values or ()
            if not permitted and contract.type != "boolean":
                continue
            header = next((spelling for spelling in column.from_ if spelling in rows[0]), None)
            if header is None:
                continue
            values = one.source.value_maps[column.values] if isinstance(column.values, str) else column.values or {}
            said = {row[header] for row in rows} - missing - set(column.missing) - set(values)
            assert said <= set(permitted), (entity, name)


def test_answers_are_on_the_questions_maps(files: SampleFiles) -> None:
    survey = next(one for one in SOURCES if one.source.name == "survey").source
    rows = files.rows("答卷_售后服务.csv", NIGHT_NAMES[0])
    strange = set()
    for question in survey.questionnaires["service_2026"].questions:
        if isinstance(question.values, str):
            said = {row[question.headers[0]] for row in rows} - set(survey.missing)
            strange |= said - set(survey.value_maps[question.values]) - set(question.not_applicable)
    assert strange == UNMAPPED_ON_PURPOSE
