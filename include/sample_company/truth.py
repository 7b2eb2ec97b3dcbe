"""True metric values, worked out from the company's own truth and not from its files.

Every function returns plain numbers; what they mean stands in `docs/sample_company.md`.
Times are UTC seconds, durations minutes, amounts of money units (two decimals) of the stated currency.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from include.sample_company import assumptions as a
from include.sample_company.commerce import CNY, Contracts, Orders, month_start
from include.sample_company.customers import (
    EXTERNAL_ID,
    METHODS,
    NEVER_DELETED,
    NONE,
    Customers,
    Flags,
    People,
)
from include.sample_company.deliver_desk import DeskDefects
from include.sample_company.nights import DAY, END, HISTORY_DAY, LAST_DAY, NEVER, Ints, local_day
from include.sample_company.surveys import (
    CONTACT_OTHER,
    KIND,
    RELATIONSHIP,
    RESPONSE_KINDS,
    SURVEY_CHANNELS,
    TRANSACTIONAL,
    Invitations,
    Pretest,
    Responses,
)
from include.sample_company.tickets import NORMAL, Tickets

GRACE_DAYS = 30
RESOLUTION_DAYS = 30
ACTIVE_ORDER_DAYS = 365
# What these answers take for granted: rows with such a defect are out of the scores, all others are in.
NOT_COUNTED_TICKETS = ("resolved_before_created", "response_before_created")
NOT_COUNTED_RESPONSES = ("straight_lined", "speeder_not_counted", "missing_required_answer")

Values = dict[str, Any]


def _ratio(numerator: float, denominator: float) -> float | None:
    return None if denominator == 0 else round(float(numerator) / float(denominator), 9)


def shares(numerator: int, denominator: int) -> Values:
    """The parts of a rate and its value."""
    return {"numerator": numerator, "denominator": denominator, "value": _ratio(numerator, denominator)}


def share_of(flags: Flags, among: Flags) -> Values:
    """How many of `among` have the flag."""
    return shares(int((flags & among).sum()), int(among.sum()))


def minutes_of(seconds: Ints) -> Values:
    """Count, median and mean of durations, in minutes."""
    if not len(seconds):
        return {"count": 0, "median": None, "mean": None}
    minutes = seconds / 60.0
    return {
        "count": len(minutes),
        "median": round(float(np.median(minutes)), 6),
        "mean": round(float(minutes.mean()), 6),
    }


def countable_tickets(tickets: Tickets, end: int = END) -> Flags:
    """Not spam, test, cancelled, deleted or merged away before the end."""
    return (tickets.exclusion == NORMAL) & ~(tickets.merged_at < end) & ~(tickets.deleted_at < end)


def counted_tickets(tickets: Tickets, defects: DeskDefects) -> Flags:
    """Countable, and without a contradiction in the summary row."""
    counted = countable_tickets(tickets)
    counted[np.concatenate([defects.resolved_before_created, defects.response_before_created])] = False
    return counted


def last_resolution(tickets: Tickets, limit: Ints) -> Ints:
    """Last resolution of tickets resolved before `limit` and not reopened by then; NEVER for others."""
    resolved = np.where(tickets.ends < limit[:, None], tickets.ends, -NEVER).max(axis=1)
    reopened = np.where(tickets.reopens < limit[:, None], tickets.reopens, -NEVER).max(axis=1)
    return np.where(resolved > reopened, resolved, NEVER)


@dataclass(frozen=True)
class TicketOutcomes:
    """What became of each ticket until an end; times NEVER where it did not."""

    wait: Ints  # seconds to the first response
    is_answered: Flags
    is_2h_old: Flags
    resolved_at: Ints
    is_closed_unsolved: Flags
    first_end: Ints
    last_end: Ints
    is_30d_old: Flags
    was_solved_in_30d: Flags
    deadline: Ints
    was_reopened: Flags

    @property
    def is_answered_in_2h(self) -> Flags:
        """Whether the first response came within two hours."""
        return self.is_answered & (self.wait <= 2 * 3600)


def ticket_outcomes(tickets: Tickets, end: int) -> TicketOutcomes:
    """What an observer knows of each ticket at `end`."""
    resolved_at = last_resolution(tickets, np.full(len(tickets), end))
    unsolved_close = tickets.closed_without_resolution & (tickets.closes[:, 0] < end)
    first_end = np.where(tickets.closed_without_resolution, tickets.closes[:, 0], tickets.ends[:, 0])
    deadline = tickets.created_at + RESOLUTION_DAYS * DAY
    closed_in_time = tickets.closed_without_resolution & (first_end <= deadline)
    return TicketOutcomes(
        wait=tickets.responded_at - tickets.clock_start,
        is_answered=tickets.responded_at < end,
        is_2h_old=tickets.created_at <= end - 2 * 3600,
        resolved_at=resolved_at,
        is_closed_unsolved=unsolved_close,
        first_end=first_end,
        last_end=np.where(unsolved_close, first_end, resolved_at),
        is_30d_old=tickets.created_at <= end - RESOLUTION_DAYS * DAY,
        was_solved_in_30d=(last_resolution(tickets, deadline + 1) < NEVER) | closed_in_time,
        deadline=deadline,
        was_reopened=tickets.reopens.min(axis=1) < end,
    )


def ticket_truth(tickets: Tickets, defects: DeskDefects) -> Values:
    """First response, resolution, reopens and complaints of all tickets at the end of the last night."""
    countable = countable_tickets(tickets)
    counted = counted_tickets(tickets, defects)
    outcomes = ticket_outcomes(tickets, END)
    resolved = (outcomes.resolved_at < NEVER) & counted
    month = month_labels(local_day(tickets.created_at))
    return {
        "tickets": len(tickets),
        "countable": int(countable.sum()),
        "counted": int(counted.sum()),
        "excluded": {name: int((tickets.exclusion == n).sum()) for n, name in enumerate(a.EXCLUSIONS)},
        "merged": int((tickets.merged_at < END).sum()),
        "deleted": int((tickets.deleted_at < END).sum()),
        "first_response_minutes": minutes_of(outcomes.wait[outcomes.is_answered & counted]),
        "first_response_within_2h": share_of(outcomes.is_answered_in_2h, counted & outcomes.is_2h_old),
        "unanswered": int((counted & ~outcomes.is_answered).sum()),
        "resolved": int(resolved.sum()),
        "closed_without_resolution": int((counted & outcomes.is_closed_unsolved).sum()),
        "open": int((counted & ~resolved & ~outcomes.is_closed_unsolved).sum()),
        "service_cycle_minutes": minutes_of(
            (outcomes.last_end - tickets.created_at)[counted & (outcomes.last_end < NEVER)]
        ),
        "service_cycle_minutes_of_resolved": minutes_of((outcomes.resolved_at - tickets.created_at)[resolved]),
        "first_resolution_minutes": minutes_of(
            (outcomes.first_end - tickets.created_at)[counted & (outcomes.first_end < END)]
        ),
        "resolved_at_30d": share_of(outcomes.was_solved_in_30d, counted & outcomes.is_30d_old),
        "first_resolved_within_30d": share_of(outcomes.first_end <= outcomes.deadline, counted & outcomes.is_30d_old),
        "reopen_rate": {
            **share_of(outcomes.was_reopened, counted & (outcomes.first_end < END)),
            "reopen_transitions": int(((tickets.reopens < END) & counted[:, None]).sum()),
        },
        "complaints": int((tickets.is_complaint & counted).sum()),
        "complaints_by_month": _by_label(month, tickets.is_complaint & counted),
        "created_by_month": _by_label(month, counted),
        "transferred": int(((tickets.transferred_at < END) & counted).sum()),
        "escalated": int(((tickets.middle["escalated"] < END) & counted).sum()),
        "bot_handovers": int(((tickets.handover_at < END) & counted).sum()),
    }


def month_labels(days: Ints) -> Any:
    """The month of each local day, as yyyy-mm."""
    return days.astype("datetime64[D]").astype("datetime64[M]").astype(str)


def _by_label(names: Any, chosen: Flags) -> dict[str, int]:
    found, many = np.unique(names[chosen], return_counts=True)
    return {str(name): int(count) for name, count in zip(found, many, strict=True)}


def survey_truth(invitations: Invitations, transactional: Responses, relationship: Responses) -> Values:
    """Scores of counted responses, of all responses and of each defect; invitations and their answers."""
    answers = {}
    for survey, name, responses in (
        (TRANSACTIONAL, "transactional", transactional),
        (RELATIONSHIP, "relationship", relationship),
    ):
        out = [KIND[kind] for kind in NOT_COUNTED_RESPONSES]
        counted = ~np.isin(responses.kind, out)
        everyone = np.ones(len(responses), bool)
        answers[name] = {
            "responses": len(responses),
            "counted_responses": int(counted.sum()),
            "counted": scores_of(responses, counted),
            "uncleaned": scores_of(responses, everyone),
            "by_defect": {
                kind: scores_of(responses, responses.kind == KIND[kind])
                for kind in RESPONSE_KINDS
                if (responses.kind == KIND[kind]).any()
            },
            "invitations": _funnel(invitations, survey, responses),
            "duration_median_seconds": float(np.median(responses.duration)) if len(responses) else None,
        }
    return answers


def pretest_truth(pretest: Pretest) -> Values:
    """What a pretest is judged by, as additive parts."""
    return {
        "responses": len(pretest),
        "ambiguity": {"numerator": int(pretest.is_unclear.sum()), "denominator": len(pretest)},
        "seconds": {"numerator": int(pretest.duration.sum()), "denominator": len(pretest)},
        "other": {"numerator": int((pretest.contact == CONTACT_OTHER).sum()), "denominator": len(pretest)},
    }


def scores_of(responses: Responses, chosen: Flags) -> Values:
    """Additive parts of the scores; an answer off its scale is no answer here."""
    csat, ces, nps = (values[chosen] for values in (responses.csat, responses.ces, responses.nps))
    valid_ces = ces[(ces >= 1) & (ces <= 7)]
    valid_nps = nps[(nps >= 0) & (nps <= 10)]
    return {
        "responses": int(chosen.sum()),
        "csat": {
            "satisfied": int((csat >= 4).sum()),
            "answered": int((csat > 0).sum()),
            "sum": int(csat.sum()),
        },
        "ces": {"sum": int(valid_ces.sum()), "answered": len(valid_ces)},
        "nps": {
            "promoters": int((valid_nps >= 9).sum()),
            "passives": int(((valid_nps >= 7) & (valid_nps <= 8)).sum()),
            "detractors": int((valid_nps <= 6).sum()),
            "answered": len(valid_nps),
        },
    }


def completed_and_reachable(
    invitations: Invitations, survey: int, responses: Responses, end: int
) -> tuple[Flags, Flags]:
    """Invitations whose questionnaire was completed before an end, and those that the response rate is of."""
    complete = np.zeros(len(invitations), bool)
    complete[responses.invitation[responses.is_complete & (responses.submitted_at < end)]] = True
    reachable = (invitations.survey == survey) & (invitations.delivered != 0) & (invitations.sent_at < end)
    return complete, reachable


def _funnel(invitations: Invitations, survey: int, responses: Responses) -> Values:
    of_survey = invitations.survey == survey
    complete, reachable = completed_and_reachable(invitations, survey, responses, END)
    started = np.zeros(len(invitations), bool)
    started[responses.invitation] = True
    return {
        "sent": int(of_survey.sum()),
        "delivered": int((of_survey & (invitations.delivered == 1)).sum()),
        "not_delivered": int((of_survey & (invitations.delivered == 0)).sum()),
        "delivery_unknown": int((of_survey & (invitations.delivered < 0)).sum()),
        "opened": int((of_survey & (invitations.opened_at < END)).sum()),
        "started": int(started.sum()),
        "completed": int(complete.sum()),
        "response_rate": share_of(complete, reachable),
        "response_rate_by_channel": {
            name: share_of(complete, reachable & (invitations.channel == number))
            for number, name in enumerate(SURVEY_CHANNELS)
        },
        "vip_sent": int((of_survey & (invitations.tier == 0)).sum()),
    }


def _covered_until(contracts: Contracts) -> list[tuple[int, int, int]]:
    """Runs of cover (customer, first day, last day): gaps of at most the grace days are bridged."""
    order = np.lexsort((contracts.start_day, contracts.customer))
    runs: list[tuple[int, int, int]] = []
    columns = (contracts.customer, contracts.start_day, contracts.end_day)
    for customer, start, end in zip(*(column[order].tolist() for column in columns), strict=True):
        if runs and runs[-1][0] == customer and start <= runs[-1][2] + GRACE_DAYS:
            runs[-1] = (customer, runs[-1][1], max(runs[-1][2], end))
        else:
            runs.append((customer, start, end))
    return runs


def contract_truth(contracts: Contracts) -> Values:
    """Per month: customers with a contract in force on the first day, churned, and not yet decided."""
    runs = np.array(_covered_until(contracts), np.int64).reshape(-1, 3)
    first_month = month_start(contracts.start_day).min()
    months = np.arange(
        first_month.astype("datetime64[D]").astype("datetime64[M]"),
        np.int64(LAST_DAY).astype("datetime64[D]").astype("datetime64[M]") + 1,
    )
    by_month: dict[str, Values] = {}
    for month in months:
        start = int(month.astype("datetime64[D]").astype(np.int64))
        stop = int((month + 1).astype("datetime64[D]").astype(np.int64))
        active = (runs[:, 1] <= start) & (runs[:, 2] >= start)
        ends = (runs[:, 2] >= start) & (runs[:, 2] < stop)
        decided = runs[:, 2] + GRACE_DAYS <= LAST_DAY
        # Who has not yet churned for good may be waiting for a renewal: its month stays open.
        by_month[str(month)] = {
            "active_at_start": int(active.sum()),
            "churned": int((ends & decided).sum()),
            "churned_of_active_at_start": int((ends & decided & active).sum()),
            "undecided": int((ends & ~decided & (runs[:, 2] <= LAST_DAY)).sum()),
        }
    return {
        "grace_days": GRACE_DAYS,
        "contracts": len(contracts),
        "by_month": by_month,
        "renewals": renewal_truth(contracts),
    }


def renewal_truth(contracts: Contracts) -> Values:
    """Contracts whose grace days are over, those renewed by name among them, and monthly amounts of both in CNY.

    A contract renewed at a lower amount is renewed by that amount, at a higher one by its own.
    """
    due = contracts.end_day + GRACE_DAYS <= LAST_DAY
    renewal = np.flatnonzero(contracts.renews >= 0)
    renewed_by = np.full(len(contracts), -1)
    renewed_by[contracts.renews[renewal]] = renewal
    renewed = renewed_by >= 0
    kept = np.where(renewed, np.minimum(contracts.amount, contracts.amount[renewed_by]), 0)
    own = due & (contracts.currency == CNY)
    lost = due & ~renewed
    return {
        "renewed": share_of(renewed, due),
        "amount_renewed": shares(int(kept[own].sum()) // 100, int(contracts.amount[own].sum()) // 100),
        "voluntary": share_of(contracts.is_voluntary, lost & (contracts.end_reason >= 0)),
    }


def value_truth(customers: Customers, contracts: Contracts, orders: Orders, strangers: Ints) -> Values:
    """Historical value to the end; contracts by calendar-day share of their months. What is in USD stands apart, in CNY
    at the rate of the order's day or of the first day of the month."""
    valid = (orders.voided_at >= END) & (orders.ordered_at < END)
    refund = np.where(orders.refunded_at < END, orders.refund, 0)
    local = valid & (orders.currency == CNY)
    unknown = np.zeros(len(orders), bool)
    unknown[strangers] = True
    revenue = (orders.amount - refund)[local].sum() / 100
    margin = (orders.amount - refund - orders.cost)[local].sum() / 100
    owner = _order_owners(customers, orders, strangers)
    ours = contracts.currency == CNY
    months = months_in_force(contracts, LAST_DAY)
    abroad = valid & ~local
    rate = usd_rate(local_day(orders.ordered_at))
    converted = months_at_rates(contracts) * ~ours
    return {
        "converted": {
            "orders": int(abroad.sum()),
            "revenue_orders": round(float(((orders.amount - refund) * rate)[abroad].sum() / 100), 2),
            "margin_orders": round(float(((orders.amount - refund - orders.cost) * rate)[abroad].sum() / 100), 2),
            "revenue_contracts": round(float((contracts.amount * converted).sum() / 100), 2),
            "margin_contracts": round(float(((contracts.amount - contracts.cost) * converted).sum() / 100), 2),
        },
        "orders": {
            "count": int(valid.sum()),
            "count_cny": int(local.sum()),
            "amount": round(float(orders.amount[local].sum() / 100), 2),
            "refund": round(float(refund[local].sum() / 100), 2),
            "cost": round(float(orders.cost[local].sum() / 100), 2),
            "voided": int((orders.voided_at < END).sum()),
            "of_unknown_customers": {
                "count": int((local & unknown).sum()),
                "revenue": round(float((orders.amount - refund)[local & unknown].sum() / 100), 2),
                "margin": round(float((orders.amount - refund - orders.cost)[local & unknown].sum() / 100), 2),
            },
        },
        "contracts": {
            "revenue_by_day_share": round(float((contracts.amount * months)[ours].sum() / 100), 2),
            "margin_by_day_share": round(float(((contracts.amount - contracts.cost) * months)[ours].sum() / 100), 2),
            "other_currency_contracts": int((~ours).sum()),
        },
        "ltv_revenue_orders": round(float(revenue), 2),
        "ltv_margin_orders": round(float(margin), 2),
        "customers_with_business": len(np.union1d(customers.survivor[contracts.customer], owner[valid])),
    }


def months_in_force(contracts: Contracts, as_of_day: int) -> np.ndarray[Any, Any]:
    """Months that each contract was in force up to and including a day, part months by share of days.

    A late renewal counts from the day after the last day of the contract that it renews.
    """
    last = np.minimum(contracts.end_day, as_of_day)
    stop = last + 1
    months = np.zeros(len(contracts))
    start = np.where(contracts.renews >= 0, contracts.end_day[contracts.renews] + 1, contracts.start_day)
    running = stop > start
    for days, sign in ((stop, 1), (start, -1)):
        first = month_start(days)
        length = month_start(first + 31) - first
        index = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
        months += sign * (index + (days - first) / length)
    return np.where(running, months, 0.0)


def usd_rate(days: Ints) -> np.ndarray[Any, Any]:
    """What a dollar was worth in CNY on each day; no rate (nan) before the first."""
    since = np.array([day for day, _ in a.USD_RATES], "datetime64[D]").astype(np.int64)
    rates = np.array([np.nan, *(rate for _, rate in a.USD_RATES)])
    return rates[np.searchsorted(since, days, side="right")]


def months_at_rates(contracts: Contracts) -> np.ndarray[Any, Any]:
    """Months in force as `months_in_force`, each times the dollar's rate on its first day (none before the first rate).

    A month has one rate because every rate begins on the first of a month.
    """
    since = np.array([day for day, _ in a.USD_RATES], "datetime64[D]").astype(np.int64)
    steps = np.diff([0.0, *(rate for _, rate in a.USD_RATES)])
    until_end = months_in_force(contracts, LAST_DAY)
    return sum(
        (step * (until_end - months_in_force(contracts, int(day) - 1)) for day, step in zip(since, steps, strict=True)),
        np.zeros(len(contracts)),
    )


def _order_owners(customers: Customers, orders: Orders, strangers: Ints) -> Ints:
    """Customer of every order, merged ones as their survivor; every stranger is somebody else."""
    numbers = np.arange(len(orders))
    known = customers.survivor[orders.customer]
    return np.where(np.isin(numbers, strangers), len(customers) + numbers, known)


def activity_truth(
    customers: Customers, contracts: Contracts, orders: Orders, strangers: Ints, tickets: Tickets
) -> Values:
    """Per month of the ticket history: customers active on any day of it."""
    runs = np.array(_covered_until(contracts), np.int64).reshape(-1, 3)
    owner = _order_owners(customers, orders, strangers)
    valid = orders.voided_at >= END
    day = local_day(orders.ordered_at)
    months = np.unique(month_labels(local_day(tickets.created_at)))
    active: dict[str, int] = {}
    for month in months:
        start = int(np.datetime64(month, "M").astype("datetime64[D]").astype(np.int64))
        stop = min(int((np.datetime64(month, "M") + 1).astype("datetime64[D]").astype(np.int64)), LAST_DAY + 1)
        by_contract = runs[(runs[:, 1] < stop) & (runs[:, 2] >= start), 0]
        by_order = owner[valid & (day < stop) & (day + ACTIVE_ORDER_DAYS >= start)]
        active[str(month)] = len(np.union1d(by_contract, by_order))
    return {"active_customers_by_month": active, "order_days": ACTIVE_ORDER_DAYS}


def identity_truth(
    customers: Customers, people: People, tickets: Tickets, defects: DeskDefects, strangers: Ints
) -> Values:
    """How many records of the ticket system and the survey tool join, and by which method."""
    desk = {name: int((people.desk_method == number).sum()) for number, name in enumerate(METHODS)}
    survey = {name: int((people.survey_method == number).sum()) for number, name in enumerate(METHODS)}
    lost = people.desk_method == NONE
    merged = int((customers.survivor != np.arange(len(customers))).sum())
    unknown = len(defects.unknown_customer) + len(strangers)
    return {
        "customers": len(customers) - merged + desk["none"] + survey["none"] + unknown,
        "desk": {**desk, "records": len(people)},
        "survey": {
            **survey,
            "records": len(people),
            "joined_to_provisional_desk_customer": int((lost & (people.survey_method != NONE)).sum()),
            "joined_through_desk": int(
                (
                    ~lost & ~people.is_primary & (people.survey_method != NONE) & (people.survey_method != EXTERNAL_ID)
                ).sum()
            ),
        },
        "crm": {
            "records": len(customers),
            "merged": merged,
            "deleted": int((customers.deleted_from < NEVER_DELETED).sum()),
            "sharing_a_mailbox": int((customers.shared_mailbox >= 0).sum()),
        },
        "provisional_customers": {
            "desk": desk["none"],
            "survey": survey["none"],
            "unknown_requesters": len(defects.unknown_customer),
            "unknown_order_customers": len(strangers),
        },
        "requesters_with_tickets": len(np.unique(tickets.person)),
    }


def effect_truth(
    customers: Customers,
    tickets: Tickets,
    contracts: Contracts,
    invitations: Invitations,
    responses: Responses,
) -> Values:
    """The built-in effects as they came out, for a look at the data: not exact answers of the pipeline."""
    about = invitations.ticket[responses.invitation]
    wait = tickets.responded_at[about] - tickets.clock_start[about]
    happy = (responses.csat >= 4) & (responses.csat > 0)
    answered = responses.csat > 0
    worse = customers.region == a.REGIONS.index(a.WORSE_REGION)
    response = tickets.responded_at < END
    delay = (tickets.responded_at - tickets.clock_start) / 60
    in_worse = worse[tickets.customer]
    ended = contracts.end_day < HISTORY_DAY - 60
    lost = contracts.end_reason >= 0
    unhappy = customers.dissatisfaction[contracts.customer] > 0.5
    return {
        "csat_answered_within_2h": share_of(happy, answered & (wait <= 7_200)),
        "csat_answered_later": share_of(happy, answered & (wait > 7_200)),
        "lapsed_of_ended_contracts_dissatisfied": share_of(lost, ended & unhappy),
        "lapsed_of_ended_contracts_others": share_of(lost, ended & ~unhappy),
        "first_response_median_worse_region": round(float(np.median(delay[response & in_worse])), 3),
        "first_response_median_other_regions": round(float(np.median(delay[response & ~in_worse])), 3),
    }
