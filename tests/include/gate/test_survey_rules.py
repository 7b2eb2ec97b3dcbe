"""Careless answers: runs, speed, gaps and scales, at their boundaries."""

from __future__ import annotations

import math
import random

import pytest

from include.gate.context import read_context
from tests.support.mini_company import RESPONSE_HEADER, MiniCompany, response

FIRST = "2026-06-01"
HONEST = "454345443454"


def judged(company: MiniCompany, *lines: str) -> dict[str, tuple[object, ...]]:
    company.add_survey()
    company.deliver(FIRST, "responses.csv", RESPONSE_HEADER + "".join(lines), source="survey")
    company.run(FIRST)
    columns = "response_id, not_counted_rules, flag_rules, longest_run, irv, relative_speed, missing_required_count"
    return {str(row[0]): row[1:] for row in company.clean("survey_response", columns)}


@pytest.mark.parametrize(
    ("answers", "run", "rule"),
    [
        ("111111111123", 10, "survey_response_straight_lined"),
        ("111111111234", 9, None),
        ("11111-111112", 5, None),  # a missing answer is a run of its own
        ("11111x111112", 5, None),
        ("211111111112", 10, "survey_response_straight_lined"),
        # A constant row at the top is spared only where no item is reverse-keyed; here two are.
        ("555555555555", 12, "survey_response_straight_lined"),
    ],
)
def test_ten_equal_answers_in_one_block(company: MiniCompany, answers: str, run: int, rule: str | None) -> None:
    found = judged(company, response("1", answers), *(response(str(n), HONEST) for n in range(2, 6)))
    assert found["1"][0] == rule
    assert found["1"][2] == run


def test_irv_is_the_sample_standard_deviation(company: MiniCompany) -> None:
    """METHODS: (1,5,1,5) has 2.309401; here on twelve answers, half 1 and half 5."""
    found = judged(company, response("1", "151515151515"))
    assert math.isclose(float(str(found["1"][3])), math.sqrt(48 / 11), rel_tol=1e-9)


def test_speed_alone_is_a_flag_and_with_a_second_sign_not_counted(company: MiniCompany) -> None:
    honest = [response(str(n), HONEST, seconds="120秒") for n in range(10, 21)]
    found = judged(
        company,
        *honest,
        response("1", HONEST, seconds="60秒"),  # exactly half: not fast
        response("2", HONEST, seconds="59秒"),  # fast
        response("3", HONEST, seconds="39秒"),  # under a third, but answers vary
        response("4", "333333123454", seconds="39秒"),  # under a third and a run of six
        response("5", "333333123454", seconds="41秒"),  # a run of six, but not under a third
    )
    fast, careless = "survey_response_fast", "survey_response_careless"
    assert [found[key][:2] for key in "12345"] == [
        (None, None),
        (None, fast),
        (None, fast),
        (careless, fast),
        (None, fast),
    ]
    assert found["1"][4] == 0.5


def test_two_signs_are_careless_and_one_is_not(company: MiniCompany) -> None:
    """Honest people take 60 s: a third of it is 20 s, but two seconds for each of 13 ratings are 26 s."""
    judged(
        company,
        *[response(str(n), HONEST, seconds="60秒") for n in range(10, 21)],
        response("1", "333333123454", seconds="25秒"),
        response("2", "333333123454", seconds="26秒"),
        response("3", "333331233454", seconds="25秒"),  # a run of five
        response("4", "33333-------", seconds="25秒"),  # constant, but six ratings in 25 s
        response("5", "333333------", seconds="13秒"),  # seven ratings in 13 s
        response("6", "443434344343", seconds="19秒"),  # hardly any variability: irv 0.52
        response("7", "444443444444", seconds="19秒"),  # irv 0.29
    )
    columns = "response_id, not_counted_rules = 'survey_response_careless', careless_sign_count, quality_score"
    found = {row[0]: row[1:] for row in company.clean("survey_response", columns)}
    assert {key: found[key][:2] for key in "1234567"} == {
        "1": (True, 2),
        "2": (None, 1),
        "3": (None, 1),
        "4": (None, 1),
        "5": (True, 2),
        "6": (None, 1),
        "7": (True, 2),
    }
    assert found["1"][2] == 0.0, "of two that can be judged: one block has no halves, 18 people make no covariance"
    assert found["2"][2] == 50.0
    told = dict(company.reasons("survey_response", "row_number, reason_en"))
    assert told[12] == "At least 2 signs of a careless answer: fast, no_variation"


def test_what_is_usual_comes_from_the_first_delivery_and_then_from_the_last_nights(company: MiniCompany) -> None:
    chance = random.Random(3)
    people = ["".join(str(chance.randint(1, 5)) for _ in range(12)) for _ in range(40)]
    first = [response(str(n), answers) for n, answers in enumerate(people)]
    judged(company, *first, response("gap", "-" + people[0][1:]))
    source = "survey"
    tonight = read_context(company.home, company.night(FIRST), source)
    assert tonight.survey_norms["s1"].cases == 40
    second = "2026-06-02"
    company.deliver(second, "responses.csv", RESPONSE_HEADER + response("odd", people[0]), source=source)
    company.run(second)
    assert read_context(company.home, company.night(second), source).survey_norms == tonight.survey_norms
    distances = dict(company.clean("survey_response", "response_id, mahalanobis"))
    assert distances["odd"] == distances["0"] > 0
    assert distances["gap"] is None


def test_a_required_question_is_missing_only_where_it_was_shown(company: MiniCompany) -> None:
    found = judged(
        company,
        response("1", HONEST, score="4"),  # the reason is not shown
        response("2", HONEST, score="2"),  # shown, not answered
        response("3", HONEST, score="2", why="3"),
        response("4", HONEST, score=""),  # the score itself is missing
    )
    assert [found[key][5] for key in "1234"] == [0, 1, 0, 1]
    assert found["2"][0] == found["4"][0] == "survey_response_required_unanswered"


def test_an_answer_off_its_scale_is_not_counted(company: MiniCompany) -> None:
    judged(company, response("1", HONEST, score="6"), response("2", HONEST, score="5"))
    rows = company.clean("survey_answer", "response_id, question_id, is_counted")
    assert [row for row in rows if row[1] == "s1.score"] == [("1", "s1.score", False), ("2", "s1.score", True)]


def test_a_word_that_is_no_answer_is_unusable_and_its_response_stays(company: MiniCompany) -> None:
    judged(company, response("1", HONEST, score="很好"))
    assert company.reasons("survey_answer", "rule_id, status") == [("survey_answer_unreadable_value", "quarantined")]
    assert company.clean("survey_response", "response_id") == [("1",)]


def test_not_applicable_is_an_answer_without_a_value(company: MiniCompany) -> None:
    judged(company, response("1", "x54345443454"))
    rows = company.clean("survey_answer", "question_id, answer_value, is_not_applicable")
    assert rows[0] == ("s1.q01", None, True)


def test_the_answers_of_a_copy_go_with_it(company: MiniCompany) -> None:
    judged(company, response("1", "5-----------", score="4"), response("1", HONEST, score="4", text="好"))
    assert company.clean("survey_response", "row_number") == [(2,)]
    assert {row[0] for row in company.clean("survey_answer", "row_number")} == {2}
    assert ("survey_answer_parent_unusable",) in company.reasons("survey_answer", "rule_id")


def test_questions_come_from_the_yaml(company: MiniCompany) -> None:
    judged(company, response("1", HONEST))
    assert len(company.clean("survey_question")) == 15
    assert company.clean("survey", "survey_id, purpose") == [("s1", "transactional")]
