"""What cleaning should come close to: headline metrics as they truly were, by night and month.

True is what happened and what was meant, also where a row that tells of it contradicts itself.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from include.sample_company.nights import CUTS, LAST_NIGHT, NEVER, NIGHTS, Ints, local_day
from include.sample_company.surveys import TRANSACTIONAL, Invitations, Responses
from include.sample_company.tickets import Tickets
from include.sample_company.truth import (
    Values,
    completed_and_reachable,
    countable_tickets,
    minutes_of,
    month_labels,
    scores_of,
    share_of,
    ticket_outcomes,
)


def headline_truth(
    tickets: Tickets,
    invitations: Invitations,
    transactional: Responses,
    relationship: Responses,
    at_the_end: Values,
) -> Values:
    """Night -> metric -> month -> value; of the last night also what `at_the_end` tells of customers by month."""
    told: Values = {night.isoformat(): {} for night in NIGHTS}
    for night, end in zip(NIGHTS, CUTS.tolist(), strict=True):
        values = told[night.isoformat()]
        values |= _of_tickets(tickets, end)
        values |= {"response_rate_transactional": _response_rate(invitations, transactional, end)}
        for purpose, responses in (("transactional", transactional), ("relationship", relationship)):
            values |= {f"{score}_{purpose}": months for score, months in _meant(responses, end).items()}
    told[LAST_NIGHT.isoformat()] |= at_the_end
    return told


def customer_headlines(tickets: Tickets, contracts: Values, value: Values, activity: Values) -> Values:
    """Churn, complaints and lifetime value at the end of the last night: metric -> month -> value.

    The others are what `contract_truth`, `value_truth` and `activity_truth` tell.
    """
    complaints = countable_tickets(tickets) & tickets.is_complaint
    months = month_labels(local_day(tickets.created_at))
    margin = sum(
        (
            value["ltv_margin_orders"],
            value["contracts"]["margin_by_day_share"],
            value["converted"]["margin_orders"],
            value["converted"]["margin_contracts"],
        )
    )
    return {
        "churn_rate": {
            month: parts["churned_of_active_at_start"] / parts["active_at_start"]
            for month, parts in contracts["by_month"].items()
            if parts["active_at_start"] and not parts["undecided"]
        },
        "ltv_margin_mean": {LAST_NIGHT.isoformat()[:7]: margin / value["customers_with_business"]},
        "complaint_rate": {
            month: 1000 * int(complaints[months == month].sum()) / customers
            for month, customers in activity["active_customers_by_month"].items()
            if customers
        },
    }


def _of_tickets(tickets: Tickets, end: int) -> Values:
    """Response, resolution and reopens of real tickets, by month of creation."""
    real = countable_tickets(tickets, end) & (tickets.created_at < end)
    told = ticket_outcomes(tickets, end)
    is_solved = told.last_end < NEVER
    figures: dict[str, Callable[[Any], float | None]] = {
        "first_response_median": lambda of: minutes_of(told.wait[of & told.is_answered])["median"],
        "first_response_within_2h": lambda of: share_of(told.is_answered_in_2h, of & told.is_2h_old)["value"],
        "service_cycle_median": lambda of: minutes_of((told.last_end - tickets.created_at)[of & is_solved])["median"],
        "resolution_rate": lambda of: share_of(told.was_solved_in_30d, of & told.is_30d_old)["value"],
        "reopen_rate": lambda of: share_of(told.was_reopened, of & (told.first_end < end))["value"],
    }
    by_month = list(_by_month(tickets.created_at, real))
    return {name: _known({month: figure(of) for month, of in by_month}) for name, figure in figures.items()}


def _response_rate(invitations: Invitations, responses: Responses, end: int) -> Values:
    """Completed of those that could be reached, by month of sending."""
    complete, reachable = completed_and_reachable(invitations, TRANSACTIONAL, responses, end)
    return _known({month: share_of(complete, of)["value"] for month, of in _by_month(invitations.sent_at, reachable)})


def _meant(responses: Responses, end: int) -> Values:
    """Scores of what everybody who had answered meant, by month of the answer.

    The careless and the incomplete are in it as they meant to answer.
    """
    meant = responses.as_meant()
    told: Values = {score: {} for score in responses.felt}
    for month, of in _by_month(meant.submitted_at, meant.submitted_at < end):
        scores = scores_of(meant, of)
        for score, months in told.items():
            months[month] = round(_score_value(score, scores[score]), 9)
    return told


def _score_value(score: str, parts: Values) -> float:
    """CSAT as a share, CES as a mean, NPS in points, from the parts that `scores_of` gives."""
    if score == "nps":
        return float(100 * (parts["promoters"] - parts["detractors"]) / parts["answered"])
    return float(parts["satisfied" if score == "csat" else "sum"] / parts["answered"])


def _by_month(times: Ints, among: Any) -> Iterator[tuple[str, Any]]:
    """The local months of the chosen, and which of them are of each."""
    months = month_labels(local_day(times))
    for month in np.unique(months[among]):
        yield str(month), among & (months == month)


def _known(values: dict[str, float | None]) -> Values:
    return {month: value for month, value in values.items() if value is not None}
