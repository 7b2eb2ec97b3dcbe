"""Wide survey records become answers: ticked options, free text beside them, sentinels, each question's scale."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from include.sources.loading import SourceConfigError, load_source
from include.sources.questionnaires import questionnaire_rows
from tests.support.mapped_rows import map_records

SURVEY = """\
source: survey
system: Survey
group: surveys
missing: ["", "-99"]
questionnaires:
  s:
    survey_name: 调查
    purpose: relationship
    questions:
      - id: s.hobby
        headers: ["6、爱好"]
        zh: 爱好
        en: Hobbies
        required: true
        free_text: 〖〗
        other: [other]
        not_applicable: ["-3", 跳过]
        multiple:
          separator: ┋
          options: {sport: [运动, Sports], food: 美食, other: 其他【请注明】}
          option_headers: ["第6题({option})"]
      - {id: s.price, headers: [价格], role: choice, free_text: "()", missing: [77],
         values: {便宜: 1, 其他: 9}, other: [其他]}
      - {id: s.recommend, headers: [推荐], role: nps, scale: [1, 10], not_applicable: [98]}
      - {id: s.easy, headers: [容易], role: ces, scale: [1, 7], shown_if: "s.hobby.sport = 1"}
feeds:
  feed:
    delivery: snapshot
    files: a.csv
    entities:
      survey_response:
        columns: {response_id: [id], survey_id: {constant: s}}
      survey_answer:
        questionnaire: s
        columns: {response_id: [id]}
"""


def answers(folder: Path, *records: dict[str, str | None]) -> list[dict[str, tuple[Any, ...]]]:
    """Per record: question → value, text, not applicable, columns that could not be read."""
    rows = map_records(folder, SURVEY, "survey_answer", [{"id": str(n), **one} for n, one in enumerate(records)])
    found: list[dict[str, tuple[Any, ...]]] = [{} for _ in records]
    for row in rows:
        assert row["question_id"] not in found[row["record"] - 1]
        value = None if row["answer_value"] is None else float(row["answer_value"])
        found[row["record"] - 1][row["question_id"]] = (
            value,
            row["answer_text"],
            row["is_not_applicable"],
            row["_untyped"],
        )
    return found


def ticks(*values: int | None) -> dict[str, tuple[Any, ...]]:
    names = ("s.hobby.sport", "s.hobby.food", "s.hobby.other")
    return {name: (value, None, False, None) for name, value in zip(names, values, strict=True) if value is not None}


def test_a_cell_of_ticked_options_answers_each_option(tmp_path: Path) -> None:
    cells = ["运动┋美食", " Sports ┋ 其他【请注明】〖 做┋饭 〗", "美食┋", "", "-99", None]
    found = answers(tmp_path, *({"6、爱好": cell} for cell in cells))
    assert found[0] == ticks(1, 1, 0)
    assert found[1] == ticks(1, 0, 1) | {"s.hobby.text": (None, "做┋饭", False, None)}
    assert found[2] == ticks(0, 1, 0)
    assert found[3:] == [{}, {}, {}]  # not answered: nothing is known of any option


def test_what_is_not_applicable_is_so_for_each_option(tmp_path: Path) -> None:
    for record in ({"6、爱好": "跳过"}, {"第6题(运动)": "-3", "第6题(美食)": "-3", "第6题(其他【请注明】)": "-3"}):
        [found] = answers(tmp_path, record)
        assert found == dict.fromkeys(ticks(0, 0, 0), (None, None, True, None))


def test_an_unknown_option_is_kept_as_an_answer_that_can_not_be_read(tmp_path: Path) -> None:
    for cell, unknown in (("运动┋足球", "answer_value"), ("运动┋12", "answer_value"), ("运动〖", "answer_value")):
        [found] = answers(tmp_path, {"6、爱好": cell})
        assert found["s.hobby"] == (None, None, False, unknown)
    assert found["s.hobby.sport"][0] == 0  # 〖 without its pair is no bracket: the option is not 运动


def test_a_column_per_option_gives_the_same_answers(tmp_path: Path) -> None:
    names = ("第6题(运动)", "第6题(美食)", "第6题(其他【请注明】)")
    cells = [("1", "1", "0"), ("Sports", "", "√"), ("0", "true", None), ("0", "0", "0"), (None, "", "-99")]
    found = answers(tmp_path, *(dict(zip(names, one, strict=True)) for one in cells))
    assert found == [ticks(1, 1, 0), ticks(1, 0, 1), ticks(0, 1, 0), {}, {}]


def test_a_column_per_option_may_hold_what_is_not_known_or_can_not_be_read(tmp_path: Path) -> None:
    # The file has no column for 其他: it is not known, not unticked. So is one with a sentinel.
    found = answers(tmp_path, {"第6题(运动)": "1", "第6题(美食)": "-99"}, {"第6题(运动)": "2", "第6题(美食)": "0"})
    assert found[0] == ticks(1, None, None)
    assert found[1] == ticks(None, 0, None) | {"s.hobby.sport": (2, None, False, None)}
    [torn] = answers(tmp_path, {"第6题(运动)": "x", "第6题(美食)": "0"})
    assert torn == ticks(None, 0, None) | {"s.hobby.sport": (None, None, False, "answer_value")}


def test_free_text_beside_the_option_of_a_single_choice(tmp_path: Path) -> None:
    found = answers(tmp_path, *({"价格": cell} for cell in ("便宜", "其他(我妈买的)", "其他()", "77", "贵")))
    assert found[0] == {"s.price": (1, None, False, None)}
    assert found[1] == {"s.price": (9, None, False, None), "s.price.text": (None, "我妈买的", False, None)}
    assert found[2] == {"s.price": (9, None, False, None)}
    assert found[3] == {}
    assert found[4] == {"s.price": (None, None, False, "answer_value")}


def test_sentinels_and_not_applicable_codes_of_a_scale(tmp_path: Path) -> None:
    cells = ["10", "98", "-99", "", "１"]
    found = answers(tmp_path, *({"推荐": cell} for cell in cells))
    assert [one.get("s.recommend") for one in found] == [
        (10, None, False, None),
        (None, None, True, None),
        None,
        None,
        (1, None, False, None),
    ]


def test_a_question_with_options_is_one_question_per_option(tmp_path: Path) -> None:
    path = tmp_path / "source.yml"
    path.write_text(SURVEY, encoding="utf-8")
    rows = [row for row in questionnaire_rows(load_source(path).source) if row["entity"] == "survey_question"]
    columns = ("question_id", "position", "metric_role", "is_required", "scale_max", "question_text_zh")
    assert [tuple(row[name] for name in columns) for row in rows] == [
        ("s.hobby.sport", "1", "choice", "true", None, "爱好: 运动"),
        ("s.hobby.food", "2", "choice", "false", None, "爱好: 美食"),
        ("s.hobby.other", "3", "choice", "false", None, "爱好: 其他【请注明】"),
        ("s.hobby.text", "4", "open", "false", None, "爱好: 自填"),
        ("s.price", "5", "choice", "false", None, None),
        ("s.price.text", "6", "open", "false", None, None),
        ("s.recommend", "7", "nps", "false", "10", None),
        ("s.easy", "8", "ces", "false", "7", None),
    ]


def test_which_answers_mean_other(tmp_path: Path) -> None:
    path = tmp_path / "source.yml"
    path.write_text(SURVEY, encoding="utf-8")
    rows = questionnaire_rows(load_source(path).source)
    codes = {row["question_id"]: row["other_codes"] for row in rows if row["entity"] == "survey_question"}
    # an option is ticked, a single choice is what its words stand for
    assert {question: code for question, code in codes.items() if code} == {"s.hobby.other": "1", "s.price": "9"}


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("other: [other]", "other: [music]", "`other` names music, which is none of the options"),
        ("其他: 9}", "其他: x}", "其他 is no whole number"),
        ("其他: 9}, other: [其他]", "其他: 9}, other: [别的]", "别的 is no whole number"),
        ("role: nps,", "role: nps, other: [9],", "`other` is for questions of role choice, not nps"),
    ],
)
def test_what_means_other_is_an_answer(tmp_path: Path, old: str, new: str, problem: str) -> None:
    path = tmp_path / "source.yml"
    assert old in SURVEY
    path.write_text(SURVEY.replace(old, new), encoding="utf-8")
    with pytest.raises(SourceConfigError, match=problem):
        load_source(path)


OPTIONS = ("运动", "美食", "其他【请注明】")


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sets(st.sampled_from(OPTIONS)), min_size=1, max_size=30))
def test_text_and_coded_exports_agree(tmp_path: Path, people: list[set[str]]) -> None:
    text = answers(tmp_path, *({"6、爱好": "┋".join(sorted(one))} for one in people))
    coded = answers(tmp_path, *({f"第6题({option})": str(int(option in one)) for option in OPTIONS} for one in people))
    assert text == coded
    expected = [ticks(*(int(option in one) for option in OPTIONS)) if one else {} for one in people]
    assert text == expected
