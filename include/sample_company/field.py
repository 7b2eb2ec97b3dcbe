"""Field service: machines at customers, visits of engineers, and the calls after a ticket or a bad answer."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from include.sample_company import assumptions as a
from include.sample_company.commerce import PRODUCTS, Orders
from include.sample_company.customers import Customers, Flags
from include.sample_company.defects import defect_count
from include.sample_company.deliver_desk import DeskDefects, told_products
from include.sample_company.nights import (
    CUTS,
    DAY,
    END,
    HISTORY_DAY,
    LAST_DAY,
    NEVER,
    TICKETS_FROM,
    ZONE_SECONDS,
    Ints,
    local_day,
    local_midnight,
    night_of,
)
from include.sample_company.surveys import Responses
from include.sample_company.tickets import NORMAL, Tickets

NONE = -1  # no ticket, machine or response
OUTCOMES = ("solved", "not_solved", "no_access", "cancelled", "missed")
SOLVED, NOT_SOLVED, NO_ACCESS, CANCELLED, MISSED = range(5)
REASONS = ("spare_part", "second_engineer", "customer_absent")
SLOT_SECONDS = np.array([8, 10, 13, 15, 17]) * 3600  # local beginnings of the promised windows
WINDOW = 2 * 3600
LONGEST_AFTER_WINDOW = 210 * 60  # the latest arrival and the longest work
NO, YES, NOT_SAID = 0, 1, -1
REPAIR, INSTALLATION = (a.ISSUE_TYPES.index(name) for name in ("repair", "installation"))
ON_SITE = {REPAIR: a.REPAIR_VISIT_SHARE, INSTALLATION: a.INSTALLATION_VISIT_SHARE}


@dataclass(frozen=True)
class Assets:
    """One entry per machine; days since 1970-01-01, the last two NEVER where there is none."""

    customer: Ints
    product: Ints
    installed_day: Ints
    warranty_day: Ints  # last day
    retired_day: Ints  # first day out of service

    def __len__(self) -> int:
        return len(self.customer)


@dataclass(frozen=True)
class Visits:
    """One entry per visit, by time of booking. Times are UTC seconds of whole minutes; NEVER: does not happen."""

    ticket: Ints  # NONE: maintenance
    asset: Ints
    engineer: Ints
    booked_at: Ints
    window_from: Ints
    window_to: Ints
    arrived_at: Ints
    finished_at: Ints
    cancelled_at: Ints
    outcome: Ints
    reason: Ints

    def __len__(self) -> int:
        return len(self.ticket)


@dataclass(frozen=True)
class CallBacks:
    """One entry per call-back, by time of planning; about a ticket, a response, or a ticket that nobody knows."""

    ticket: Ints
    response: Ints  # number among the responses after a ticket
    agent: Ints
    planned_at: Ints
    due_at: Ints
    contacted_at: Ints
    reached: Ints  # YES, NO, NOT_SAID
    confirmed: Ints

    def __len__(self) -> int:
        return len(self.ticket)

    @property
    def is_about_nothing(self) -> Flags:
        """Those noted under no ticket's number."""
        return (self.ticket == NONE) & (self.response == NONE)


@dataclass(frozen=True)
class FieldDefects:
    """Defects that stay with a visit, call-back or machine in every delivery of it (indices), known to the truth."""

    finished_before_arrived: Ints  # visits
    window_reversed: Ints  # visits
    unknown_ticket: Ints  # visits of a ticket number that is mistyped
    delayed: Ints  # visits whose last change comes one night late
    confirmed_unreached: Ints  # call-backs
    warranty_reversed: Ints  # machines
    retired_early: Ints  # machines


def simulate_assets(rng: np.random.Generator, orders: Orders, strangers: Ints, oddities: Ints) -> Assets:
    """Machines from delivered orders of known customers and products; the warranty is a year from the order."""
    days = local_day(np.minimum(orders.delivered_at, END)) + rng.integers(0, 4, len(orders))
    sound = (orders.voided_at == NEVER) & (days <= LAST_DAY)
    sound[strangers] = sound[oddities] = False
    many = max(12, round(a.ASSET_SHARE * int(sound.sum())))
    chosen = np.sort(rng.permutation(np.flatnonzero(sound))[:many])
    installed = days[chosen]
    retired = installed + rng.integers(60, 400, len(chosen))
    gone = (rng.random(len(chosen)) < a.RETIRED_ASSET_SHARE) & (retired <= LAST_DAY)
    return Assets(
        customer=orders.customer[chosen],
        product=orders.product[chosen],
        installed_day=installed,
        # Nobody is active for a warranty alone: an order keeps its customer active for as long.
        warranty_day=local_day(orders.ordered_at[chosen]) + 364,
        retired_day=np.where(gone, retired, NEVER),
    )


def ticket_assets(tickets: Tickets, defects: DeskDefects, assets: Assets) -> Ints:
    """The machine that a repair ticket names: the customer's newest of that product, NONE where it names none."""
    product = told_products(tickets, defects, np.arange(len(tickets)))
    names = (tickets.issue_type == REPAIR) & (product >= 0) & (product < PRODUCTS)
    names &= np.arange(len(tickets)) % 5 < 3
    owner = assets.customer * PRODUCTS + assets.product
    order = np.lexsort((assets.installed_day, owner))
    span = 10 * LAST_DAY
    known = (owner * span + assets.installed_day)[order]
    day = local_day(tickets.created_at)
    wanted = tickets.customer * PRODUCTS + np.where(names, product, 0)
    place = np.searchsorted(known, wanted * span + day) - 1  # installed before that day
    found = order[np.maximum(place, 0)]
    fits = names & (place >= 0) & (owner[found] == wanted) & (assets.retired_day[found] > day)
    return np.where(fits, found, NONE)


def engineers_per_team(scale: float) -> int:
    """Engineers of every regional team; grows with the root of the company's size."""
    return max(2, round(a.ENGINEERS_PER_TEAM * scale**0.5))


def simulate_visits(
    rng: np.random.Generator, scale: float, customers: Customers, tickets: Tickets, machine: Ints, assets: Assets
) -> Visits:
    """Visits between the first response and the resolution of on-site tickets, after reopenings, and maintenance."""
    share = np.zeros(len(a.ISSUE_TYPES))
    share[list(ON_SITE)] = list(ON_SITE.values())
    served = (tickets.exclusion == NORMAL) & (tickets.merged_into < 0) & (tickets.responded_at < NEVER)
    ticket = np.flatnonzero(served & (rng.random(len(tickets)) < share[tickets.issue_type]))
    parts = _rounds(rng, ticket, tickets.responded_at[ticket], tickets.first_end_at[ticket])
    again = ticket[(tickets.reopens[ticket, 0] < NEVER) & (rng.random(len(ticket)) < 0.5)]
    parts += _rounds(rng, again, tickets.reopens[again, 0] + 1000, tickets.ends[again, 1])
    for part in parts:
        part["asset"] = machine[part["ticket"]]
        part["customer"] = tickets.customer[part["ticket"]]
    parts.append(_maintenance(rng, scale, assets))
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    order = np.lexsort((columns["ticket"], columns["booked_at"]))
    order = order[columns["booked_at"][order] < END]
    columns = {name: values[order] for name, values in columns.items()}
    team = customers.region[columns.pop("customer")]
    own = engineers_per_team(scale)
    return Visits(**columns, engineer=team * own + rng.integers(0, own, len(team)))


def _slot_after(times: Ints) -> Ints:
    """Number of the first promised window that begins at or after these times."""
    local = times + ZONE_SECONDS
    return local // DAY * len(SLOT_SECONDS) + np.searchsorted(SLOT_SECONDS, local % DAY)


def _slot_start(number: Ints) -> Ints:
    return local_midnight(number // len(SLOT_SECONDS)) + SLOT_SECONDS[number % len(SLOT_SECONDS)]


def _whole_minutes(times: Ints) -> Ints:
    return np.where(times < NEVER, times // 60 * 60, NEVER)


def _rounds(rng: np.random.Generator, ticket: Ints, ready: Ints, limit: Ints) -> list[dict[str, Any]]:
    """Up to three visits of each ticket, as long as the last one did not help and there is time before the limit."""
    parts = []
    for _ in range(3):
        number = _slot_after(ready + 3600)
        later = number + rng.integers(0, 3, len(number))
        fits = _slot_start(later) + WINDOW + LONGEST_AFTER_WINDOW < limit
        start = _slot_start(np.where(fits, later, number))
        there = start + WINDOW + LONGEST_AFTER_WINDOW < limit
        ticket, ready, limit, start = ticket[there], ready[there], limit[there], start[there]
        part = _visit(rng, ready, start, rng.choice(len(OUTCOMES), len(start), p=a.VISIT_OUTCOME_SHARES))
        parts.append({"ticket": ticket, **part})
        goes_on = part["outcome"] != SOLVED
        over = np.where(part["finished_at"] < NEVER, part["finished_at"], part["window_to"] + 3600)
        over = np.where(part["cancelled_at"] < NEVER, part["cancelled_at"], over)
        ticket, ready, limit = ticket[goes_on], over[goes_on], limit[goes_on]
    return parts


def _visit(rng: np.random.Generator, ready: Ints, start: Ints, outcome: Ints) -> dict[str, Any]:
    """One visit each, promised from `start`; in time, early or late, and never just at an end of its window."""
    count = len(start)
    draw = rng.random(count)
    minutes = rng.integers(1, 120, count)
    minutes = np.where(draw < a.LATE_VISIT_SHARE, 120 + rng.integers(5, 91, count), minutes)
    minutes = np.where(draw > 1 - a.EARLY_VISIT_SHARE, -rng.integers(5, 26, count), minutes)
    comes = outcome <= NO_ACCESS
    arrived = np.where(comes, start + 60 * minutes, NEVER)
    work = np.where(outcome == NO_ACCESS, 10, rng.integers(15, 111, count))
    booked = _whole_minutes(ready + rng.integers(300, 1800, count))
    reason = np.where(outcome == NOT_SOLVED, rng.integers(0, 2, count), NONE)
    return {
        "booked_at": booked,
        "window_from": start,
        "window_to": start + WINDOW,
        "arrived_at": arrived,
        "finished_at": np.where(comes, arrived + 60 * work, NEVER),
        "cancelled_at": np.where(outcome == CANCELLED, (booked + start) // 120 * 60, NEVER),
        "outcome": outcome,
        "reason": np.where(outcome == NO_ACCESS, 2, reason),
    }


def _maintenance(rng: np.random.Generator, scale: float, assets: Assets) -> dict[str, Any]:
    """Visits without a ticket; every night sees some, also in a very small company."""
    per_night = max(1, round(a.MAINTENANCE_PER_NIGHT * scale))
    old = max(3, round(a.MAINTENANCE_VISITS * scale))
    first_day = TICKETS_FROM + 120
    day = np.concatenate(
        [rng.integers(first_day, HISTORY_DAY - 1, old), np.repeat(HISTORY_DAY + np.arange(1, 4), per_night)]
    )
    asset = rng.integers(0, len(assets), len(day))
    start = _slot_start(day * len(SLOT_SECONDS) + rng.integers(0, 4, len(day)))
    part = _visit(rng, start - rng.integers(3, 9, len(day)) * DAY, start, np.full(len(day), SOLVED))
    return {"ticket": np.full(len(day), NONE), **part, "asset": asset, "customer": assets.customer[asset]}


def simulate_call_backs(rng: np.random.Generator, scale: float, tickets: Tickets, responses: Responses) -> CallBacks:
    """Calls after on-site tickets were solved, again after a reopening, and after bad answers."""
    called = (tickets.exclusion == NORMAL) & (tickets.merged_into < 0) & (tickets.ends[:, 0] < NEVER)
    called &= np.isin(tickets.issue_type, list(ON_SITE)) & (rng.random(len(tickets)) < a.CALL_BACK_SHARE)
    ticket = np.flatnonzero(called)
    parts = _calls(rng, ticket, tickets.ends[ticket, 0], tickets.reopens[ticket, 0])
    again = ticket[(tickets.reopens[ticket, 0] < NEVER) & (rng.random(len(ticket)) < 0.7)]
    last = np.where(tickets.ends[again] < NEVER, tickets.ends[again], 0).max(axis=1)
    parts += _calls(rng, again, last, np.full(len(again), NEVER))
    for part in parts:
        part["agent"] = tickets.agent[part["ticket"]]
        part["response"] = np.full(len(part["ticket"]), NONE)
    parts += [_calls_after_answers(rng, responses), _calls_about_nothing(rng, scale)]
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    order = np.lexsort((columns["ticket"], columns["planned_at"]))
    order = order[columns["planned_at"][order] < END]
    return CallBacks(**{name: values[order] for name, values in columns.items()})


def _in_hours(times: Ints) -> Ints:
    """The times, those at night moved to the next morning."""
    local = times + ZONE_SECONDS
    day, seconds = local // DAY, local % DAY
    early, late = seconds < 9 * 3600, seconds > 20 * 3600
    moved = local_midnight(day + late) + 9 * 3600 + seconds % 3600
    return np.where(early | late, moved, times)


def _calls(rng: np.random.Generator, ticket: Ints, solved: Ints, until: Ints) -> list[dict[str, Any]]:
    """A call after each resolution, unless the ticket is opened before it; some unheard ones are tried again."""
    count = len(ticket)
    draw = rng.random(count)
    hours = np.minimum(np.exp(rng.normal(np.log(20), 0.7, count)), 60)
    hours = np.where(draw < a.LATE_CALL_SHARE, rng.uniform(76, 130, count), hours)
    contacted = _in_hours(solved + (hours * 3600).astype(np.int64) + 600)
    # Exactly three days after the resolution the word 'within' would decide: no call is there.
    contacted += 7 * ((contacted - solved) == 3 * DAY)
    contacted = np.where((draw > 1 - a.NO_CALL_SHARE) | (contacted >= until), NEVER, contacted)
    first = {"ticket": ticket, "planned_at": solved + 600, "due_at": solved + 2 * DAY, "contacted_at": contacted}
    first |= _said(rng, contacted)
    retry = (first["reached"] == NO) & (rng.random(count) < a.SECOND_CALL_SHARE)
    retry &= contacted + DAY + 1800 < until
    contacted = contacted[retry]
    second = {
        "ticket": ticket[retry],
        "planned_at": contacted + 60,
        "due_at": contacted + DAY,
        "contacted_at": contacted + DAY + rng.integers(1, 1800, len(contacted)),
    }
    return [first, second | _said(rng, second["contacted_at"])]


def _said(rng: np.random.Generator, contacted: Ints) -> dict[str, Any]:
    """What the agent noted: of a customer who was not reached nothing but that."""
    count = len(contacted)
    reached = rng.choice([YES, NO, NOT_SAID], count, p=a.REACHED_SHARES)
    confirmed = rng.choice([YES, NO, NOT_SAID], count, p=a.CONFIRMED_SHARES)
    reached = np.where(contacted < NEVER, reached, NOT_SAID)
    return {"reached": reached, "confirmed": np.where(reached == YES, confirmed, NOT_SAID)}


def _calls_after_answers(rng: np.random.Generator, responses: Responses) -> dict[str, Any]:
    low = (responses.csat > 0) & (responses.csat <= 2)
    chosen = np.flatnonzero(low & (rng.random(len(responses)) < a.CALL_AFTER_ANSWER_SHARE))
    at = responses.submitted_at[chosen]
    contacted = _in_hours(at + rng.integers(2 * 3600, 40 * 3600, len(chosen)))
    return {
        "ticket": np.full(len(chosen), NONE),
        "planned_at": at + 600,
        "due_at": at + 2 * DAY,
        "contacted_at": contacted,
        **_said(rng, contacted),
        "agent": 1 + chosen % 8,
        "response": chosen,
    }


def _calls_about_nothing(rng: np.random.Generator, scale: float) -> dict[str, Any]:
    """Calls noted under a ticket number that does not exist: some in the history, one in every night."""
    old = max(1, round(a.STRAY_CALLS * scale))
    days = np.concatenate([HISTORY_DAY - rng.integers(5, 400, old), HISTORY_DAY + np.arange(1, 4)])
    contacted = local_midnight(days) + 11 * 3600 + rng.integers(0, 6 * 3600, len(days))
    nothing = np.full(len(days), NONE)
    return {
        "ticket": nothing,
        "planned_at": contacted - 3600,
        "due_at": contacted + DAY,
        "contacted_at": contacted,
        **_said(rng, contacted),
        "agent": 1 + np.arange(len(days)) % 5,
        "response": nothing,
    }


def visits_changed_at(visits: Visits, cut: int) -> Ints:
    """Time of the last change of every visit before `cut`; NEVER where it is not booked yet."""
    last = visits.booked_at.copy()
    for times in (visits.cancelled_at, visits.arrived_at, visits.finished_at):
        last = np.where(times < cut, np.maximum(last, times), last)
    return np.where(visits.booked_at < cut, last, NEVER)


def call_backs_changed_at(calls: CallBacks, cut: int) -> Ints:
    """Time of the last change of every call-back before `cut`; NEVER where it is not planned yet."""
    last = np.where(calls.contacted_at < cut, calls.contacted_at, calls.planned_at)
    return np.where(calls.planned_at < cut, last, NEVER)


def choose_field_defects(rng: np.random.Generator, assets: Assets, visits: Visits, calls: CallBacks) -> FieldDefects:
    """Disjoint visits for every defect, from those that were over before the first night."""
    old = (visits.finished_at < CUTS[0]) & (visits.outcome <= NOT_SOLVED) & (visits.ticket >= 0)
    done = rng.permutation(np.flatnonzero(old))
    names = ("visit_finished_before_arrived", "visit_window_reversed", "visit_unknown_ticket")
    bounds = np.cumsum([0, *(defect_count(name, len(done), 0) for name in names)])
    finished, window, ticket = (np.sort(done[i:j]) for i, j in pairwise(bounds))
    changed_in = night_of(visits_changed_at(visits, END))
    late = [np.flatnonzero(changed_in == night)[4::9][:6] for night in (1, 2)]
    # The only calls of their tickets: without them nobody called.
    alone = np.bincount(calls.ticket + 1)[calls.ticket + 1] == 1
    unheard = np.flatnonzero((calls.reached == NO) & (calls.contacted_at < CUTS[0]) & (calls.ticket >= 0) & alone)
    unheard = rng.permutation(unheard)
    young = rng.permutation(np.flatnonzero((assets.installed_day <= HISTORY_DAY) & (assets.retired_day == NEVER)))
    many = defect_count("asset_contradiction", len(young), 0)
    return FieldDefects(
        finished_before_arrived=finished,
        window_reversed=window,
        unknown_ticket=ticket,
        delayed=np.concatenate(late),
        confirmed_unreached=np.sort(unheard[: defect_count("call_confirmed_unreached", len(unheard), 0)]),
        warranty_reversed=np.sort(young[:many]),
        retired_early=np.sort(young[many : 2 * many]),
    )


def counted_visits(visits: Visits, defects: FieldDefects) -> Flags:
    """Visits without a contradiction in their own times."""
    flags = np.ones(len(visits), bool)
    flags[defects.finished_before_arrived] = False
    return flags
