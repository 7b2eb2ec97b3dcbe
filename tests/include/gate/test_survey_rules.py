"""Careless answers: runs, speed, gaps and scales, at their boundaries."""

from __future__ import annotations

import math
import random
from datetime import datetime, timedelta
from typing import Any

import duckdb
import pytest

from include.gate.context import median_durations, read_context
from include.gate.ledger import read_ledger
from tests.support.mini_company import RESPONSE_HEADER, TICKET_HEADER, MiniCompany, response

FIRST = "2026-06-01"
HONEST = "454345443454"


def judged(company: MiniCompany, *lines: str, **survey: Any) -> dict[str, tuple[object, ...]]:
    company.add_survey(**survey)
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


def test_a_constant_row_at_the_top_is_marked_where_nothing_is_reverse_keyed(company: MiniCompany) -> None:
    """From ten equal answers in a row on, whatever is missing beside them; no such row slips between the two rules."""
    answers = {
        "all at the top": "555555555555",
        "and a gap": "55555555555-",
        "and one that does not apply": "x55555555555",
        "ten in a row": "5555555555--",
        "nine in a row": "555555555---",
        "a gap between": "55555-555555",
        "one below the top": "555555555554",
        "nearly at the top": "444444444444",
        "nearly at the top and a gap": "44444444444-",
    }
    found = judged(company, *(response(key, line) for key, line in answers.items()), reverse_keyed=())
    straight, constant = "survey_response_straight_lined", "survey_response_constant_block"
    assert {key: row[:2] for key, row in found.items()} == {
        "all at the top": (None, constant),
        "and a gap": (None, constant),
        "and one that does not apply": (None, constant),
        "ten in a row": (None, constant),
        "nine in a row": (None, None),
        "a gap between": (None, None),
        "one below the top": (straight, None),
        "nearly at the top": (straight, None),
        "nearly at the top and a gap": (straight, None),
    }


@pytest.mark.parametrize(
    ("blocks", "answers", "conflicts", "is_constant"),
    [
        ((4, 8), "444434354345", True, True),
        ((4, 8), "333334354345", False, True),  # at the middle the reversed items agree
        ((4, 8), "444334354345", False, False),
        ((4, 8), "44-434354345", False, False),  # not the whole block
        ((3, 9), "444343543454", False, False),  # three items are too few
        ((9, 3), "444444444543", True, True),
        ((10, 2), "444444444434", False, False),  # ten: straight-lined
        ((2, 4, 6), "434444345345", True, True),  # a block in the middle of the questionnaire
        ((8, 4), "454345344444", False, True),  # nothing of this block is reverse-keyed
        ((8, 4), "454345344445", False, False),
        ((9, 3), "454345345444", False, False),
    ],
)
def test_a_short_block_with_reversed_items_conflicts_off_the_middle(
    company: MiniCompany, blocks: tuple[int, ...], answers: str, conflicts: bool, is_constant: bool
) -> None:
    found = judged(company, response("1", answers), *(response(str(n), HONEST) for n in range(2, 6)), blocks=blocks)
    not_counted, flags = (str(one).split(",") for one in found["1"][:2])
    assert ("survey_response_reversed_items_conflict" in not_counted) == conflicts
    assert ("survey_response_constant_block" in flags) == is_constant
    assert ("survey_response_straight_lined" in not_counted) == (blocks[0] == 10)


def test_opposites_are_agreed_to_above_the_middle(company: MiniCompany) -> None:
    answers = {"44": True, "45": True, "43": False, "34": False, "33": False, "-4": False, "42": False}
    lines = [response(pair, pair + "4345443454") for pair in answers]
    found = judged(company, *lines, opposites={1: 2})
    assert {key: "opposites_agreed" in str(row[1]) for key, row in found.items()} == answers


def test_irv_is_the_sample_standard_deviation(company: MiniCompany) -> None:
    """METHODS: (1,5,1,5) has 2.309401; here on twelve answers, half 1 and half 5."""
    found = judged(company, response("1", "151515151515"))
    assert math.isclose(float(str(found["1"][3])), math.sqrt(48 / 11), rel_tol=1e-9)


def test_where_answers_stand_beside_their_responses_every_rule_checks_all_rows(company: MiniCompany) -> None:
    judged(company, response("1", HONEST), response("2", HONEST))
    (gate,) = (one for one in read_ledger(company.home, company.night(FIRST)) if one.feed == "responses")
    checked = {(check.entity, check.checked_count) for check in gate.checks if check.rule_id.startswith(check.entity)}
    assert checked == {("survey_response", 2), ("survey_answer", len(company.clean("survey_answer")))}


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


def test_a_median_needs_ten_times() -> None:
    """Neither a response without a time nor those of another survey are among them."""
    nine, tenth = [f"('s1', {seconds})" for seconds in [*[120] * 8, 59]], "('s1', 120)"
    others = ["('s1', null)", "('s2', 120)"]
    with duckdb.connect() as con:
        found = [
            median_durations(con, f"(values {', '.join(rows)}) response(survey_id, duration_seconds)")
            for rows in ([*nine, *others], [*nine, *others, tenth])
        ]
    assert found == [{}, {"s1": 120.0}]


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
    careless = "coalesce(contains(not_counted_rules, 'survey_response_careless'), false)"
    columns = f"response_id, {careless}, careless_sign_count, quality_score"
    found = {row[0]: row[1:] for row in company.clean("survey_response", columns)}
    assert {key: found[key][:2] for key in "1234567"} == {
        "1": (True, 2),
        "2": (False, 1),
        "3": (False, 1),
        "4": (False, 1),
        "5": (True, 2),
        "6": (False, 1),
        "7": (True, 2),
    }
    assert found["1"][2] == 0.0, "of two that can be judged: one block has no halves, 18 people make no covariance"
    assert found["2"][2] == 50.0
    told = dict(company.reasons("survey_response", "row_number, reason_en"))
    assert told[12] == "At least 2 signs of a careless answer: fast, no_variation"


def test_gaps_contradictions_and_speed_per_rating(company: MiniCompany) -> None:
    """13 ratings are shown, a 14th after a low score."""
    found = judged(
        company,
        *[response(str(n), HONEST, seconds="60秒") for n in range(10, 15)],
        response("1", "454345------"),  # 6 of 13
        response("2", "45434-------"),  # 7 of 13
        response("3", "45434-------", score="2", why="3"),  # 7 of 14
        response("4", "154345443454", score="5"),  # the top score beside a 1
        response("5", "154345443454", score="4"),
        response("6", HONEST, seconds="26秒"),
        response("7", HONEST, seconds="25秒"),
    )
    gaps, contradicted, fast = (f"survey_response_{name}" for name in ("too_many_gaps", "contradicted", "fast"))
    assert {key: found[key][:2] for key in "1234567"} == {
        "1": (None, None),
        "2": (gaps, None),
        "3": (None, None),
        "4": (None, contradicted),
        "5": (None, None),
        "6": (None, fast),  # of a median of 60 s
        "7": (None, f"{fast},{fast}_per_rating"),
    }
    counted = dict(company.clean("survey_response", "response_id, optional_gap_count"))
    assert [counted[key] for key in ("10", "1", "2", "3")] == [0, 6, 7, 7]


def test_what_is_extreme_is_there_to_be_read(company: MiniCompany) -> None:
    """Times of 60, 120 and 240 s: of their logarithms the median deviation is ln 2, so five are a factor of 32."""
    usual = [response(f"u{n}{s}", HONEST, seconds=f"{s}秒") for s in (60, 120, 240) for n in range(11)]
    found = judged(
        company,
        *usual,
        response("1", HONEST, seconds="3841秒"),
        response("2", HONEST, seconds="3839秒"),
        response("3", HONEST, score="1", why="3", text="气" * 30),
        response("4", HONEST, score="1", why="3", text="气" * 29),
        response("5", HONEST, score="2", why="3", text="气" * 30),
        response("6", HONEST, score="1", why="3", text="a" * 90),
    )
    long, complaint = "survey_response_extreme_duration", "survey_response_lowest_with_complaint"
    assert [found[key][1] for key in "123456"] == [long, None, complaint, None, None, complaint]
    spread = read_context(company.home, company.night(FIRST), "survey").response_spread["s1"]
    assert math.isclose(math.exp(spread.log_median), 120)
    assert math.isclose(math.exp(spread.log_mad), 2)


def test_a_cycle_far_from_the_usual_is_extreme(company: MiniCompany) -> None:
    """Cycles of 60, 120 and 240 minutes, as above: beyond 3,840 minutes and under 3.75."""
    created = datetime(2026, 5, 20, 8)
    cycles = [*[60, 120, 240] * 11, 3841, 3839, 3, 4]
    lines = [
        f"T{n},C1,已解决,{created:%Y/%m/%d %H:%M},{created + timedelta(minutes=cycle):%Y/%m/%d %H:%M},,\n"
        for n, cycle in enumerate(cycles)
    ]
    company.deliver(FIRST, "tickets.csv", TICKET_HEADER + "".join(lines))
    company.run(FIRST)
    extreme = "ticket_id, contains(flag_rules, 'ticket_extreme_cycle')"
    assert [key for key, is_extreme in company.clean("ticket", extreme) if is_extreme] == ["T33", "T35"]
    second = "2026-06-02"
    line = f"T99,C1,已解决,{created:%Y/%m/%d %H:%M},{created + timedelta(minutes=3841):%Y/%m/%d %H:%M},,\n"
    company.deliver(second, "tickets.csv", TICKET_HEADER + line)
    company.run(second)
    assert ("T99", True) in company.clean("ticket", extreme), "one ticket is measured by the last nights"


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
    judged(company, *(response(score, HONEST, score=score) for score in ("6", "5", "1", "0")))
    rows = company.clean("survey_answer", "response_id, question_id, is_counted, not_counted_rules")
    rule = "survey_answer_out_of_scale"
    assert [(row[0], *row[2:]) for row in rows if row[1] == "s1.score"] == [
        ("6", False, rule),
        ("5", True, None),
        ("1", True, None),
        ("0", False, rule),
    ]


def test_a_recommendation_without_a_stated_scale_is_judged_on_0_to_10(company: MiniCompany) -> None:
    company.add_survey()
    path = company.sources / "survey.yml"
    stated = 'scale: [1, 5], role: csat, satisfied_min: 4, required: true,\n         contradicted_by: "s1.q01 = 1"'
    assert stated in path.read_text(encoding="utf-8")
    path.write_text(path.read_text(encoding="utf-8").replace(stated, "role: nps"), encoding="utf-8")
    scores = {"1": "11", "2": "-1", "3": "0", "4": "10"}
    lines = [response(number, HONEST, score=score) for number, score in scores.items()]
    company.deliver(FIRST, "responses.csv", RESPONSE_HEADER + "".join(lines), source="survey")
    company.run(FIRST)
    rows = company.clean("survey_answer", "response_id, question_id, is_counted")
    assert {row[0]: row[2] for row in rows if row[1] == "s1.score"} == {"1": False, "2": False, "3": True, "4": True}
    (question,) = company.clean("survey_question", "question_id, scale_min, scale_max")[12:13]
    assert (question[0], float(question[1]), float(question[2])) == ("s1.score", 0, 10)


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
