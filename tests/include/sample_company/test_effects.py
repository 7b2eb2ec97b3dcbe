"""The built-in effects can be seen in the company."""

from include.sample_company import KnownAnswers


def test_slow_response_lowers_csat(answers: KnownAnswers) -> None:
    effects = answers.effects
    assert effects["csat_answered_within_2h"]["value"] > effects["csat_answered_later"]["value"] + 0.1


def test_dissatisfaction_raises_churn(answers: KnownAnswers) -> None:
    unhappy = answers.effects["lapsed_of_ended_contracts_dissatisfied"]["value"]
    assert unhappy > 1.5 * answers.effects["lapsed_of_ended_contracts_others"]["value"]


def test_one_region_is_slower(answers: KnownAnswers) -> None:
    slow = answers.effects["first_response_median_worse_region"]
    assert slow > 1.3 * answers.effects["first_response_median_other_regions"]
