"""True values of service levels, repeats, the backlog, visits, call-backs and deliveries: from the company's own truth.

As in `truth.py`: plain numbers, no file of the company is read; `docs/sample_company.md` says what they mean.
"""

from dataclasses import dataclass

import numpy as np

from include.sample_company.commerce import Orders
from include.sample_company.customers import NONE as NO_METHOD
from include.sample_company.customers import Customers, Flags, People
from include.sample_company.deliver_desk import DeskDefects, told_products
from include.sample_company.field import (
    CANCELLED,
    NO,
    NONE,
    REPAIR,
    YES,
    Assets,
    CallBacks,
    FieldDefects,
    Visits,
    counted_visits,
)
from include.sample_company.nights import CUTS, DAY, END, LAST_DAY, NEVER, Ints, local_day
from include.sample_company.service_levels import NO_TIER, Policies, WorkingHours
from include.sample_company.tickets import REPLY_AFTER_REOPENING, Tickets
from include.sample_company.truth import Values, counted_tickets, last_resolution, minutes_of, share_of, shares

CONTACT_GAP = 4 * 3_600
FIRST_CONTACT_DAYS = 7
REPEAT_DAYS = 30
FOLLOW_UP_DAYS = 3
REPAIR_DAYS = 365
TIER_CHANGE_BEFORE_CUT = 8 * 3_600  # when on its day the CRM notes a new tier


@dataclass(frozen=True)
class Service:
    """What the answers of this module are worked out from, and what several of them need."""

    customers: Customers
    people: People
    tickets: Tickets
    desk_defects: DeskDefects
    machine: Ints
    visits: Visits
    calls: CallBacks
    field_defects: FieldDefects

    @property
    def counted(self) -> Flags:
        """Tickets in all rates."""
        return counted_tickets(self.tickets, self.desk_defects)

    @property
    def resolved_at(self) -> Ints:
        """Last resolution, or the closing of those closed without one; NEVER: not solved at the end."""
        tickets = self.tickets
        resolved = last_resolution(tickets, np.full(len(tickets), END))
        closed = tickets.closed_without_resolution & (tickets.closes[:, 0] < END)
        return np.where(closed, tickets.closes[:, 0], resolved)

    @property
    def is_stranger(self) -> Flags:
        """Tickets whose requester the CRM does not know."""
        lost = self.people.desk_method[self.tickets.person] == NO_METHOD
        lost[self.desk_defects.unknown_customer] = True
        return lost

    @property
    def owner(self) -> Ints:
        """A number for each ticket's customer: of merged ones the survivor, of unknown ones their own."""
        tickets, far = self.tickets, len(self.customers)
        owner = np.where(self.is_stranger, far + tickets.person, self.customers.survivor[tickets.customer])
        unknown = self.desk_defects.unknown_customer
        owner[unknown] = far + len(self.people) + unknown
        return owner

    @property
    def came(self) -> Flags:
        """Visits at which somebody came to a ticket that is known."""
        visits = self.visits
        told = (visits.ticket >= 0) & counted_visits(visits, self.field_defects)
        told[self.field_defects.unknown_ticket] = False
        return told & (visits.arrived_at < END) & (visits.outcome != CANCELLED)


def service_truth(service: Service) -> Values:
    """Every answer about the tickets' service."""
    repeated_7, repeated_30 = (_followed_within(service, days) for days in (FIRST_CONTACT_DAYS, REPEAT_DAYS))
    return {
        "sla": sla_truth(service),
        "next_response_minutes": next_response_truth(service),
        "first_contact_resolution": _first_contact(service, repeated_7),
        **_repeats(service, repeated_30),
        "backlog_of_last_day": _backlog(service),
        **_visits(service, repeated_30),
        "follow_up": _follow_ups(service),
    }


# --- service levels ---


def _tiers(service: Service, times: Ints) -> Ints:
    """The tier of each ticket's customer at an instant."""
    customers, tickets = service.customers, service.tickets
    customer = customers.survivor[tickets.customer]
    night = customers.changed_in[customer]
    has_changed = (night > 0) & (times >= CUTS[np.maximum(night, 0)] - TIER_CHANGE_BEFORE_CUT)
    tier = np.where(has_changed, customers.tier_after[customer], customers.tier[customer])
    return np.where(service.is_stranger, NO_TIER, tier)


def _judged(met: Flags, breached: Flags, running: Flags) -> Values:
    many = int(met.sum())
    return {**shares(many, many + int(breached.sum())), "running": int(running.sum())}


def _clock(
    service: Service,
    hours: WorkingHours,
    policies: Policies,
    name: str,
    team: Ints,
    start: Ints,
    stop: Ints,
    pause: tuple[Ints, Ints],
    there: Flags,
) -> tuple[Flags, Flags, Flags]:
    """Which clocks met their target, broke it, or run: those that are there and began before the end."""
    runs = there & (start < END)
    began, reached = np.where(runs, start, END), np.where(runs, np.minimum(stop, END), END)
    paused, woken = (np.clip(times, began, reached) for times in pause)
    priority = service.tickets.priority
    tier = _tiers(service, began)
    around = policies.by_calendar[tier, priority]
    calendar = (reached - began) - (woken - paused)
    business = hours.seconds(team, began, reached) - hours.seconds(team, paused, woken)
    late = np.where(around, calendar, business) > policies.target[name][tier, priority]
    stopped = stop < END
    return runs & stopped & ~late, runs & late, runs & ~stopped & ~late


def sla_truth(service: Service) -> Values:
    """Clocks of counted tickets by config/sla.yml; each reopening is a resolution clock more."""
    hours, policies = WorkingHours.read(), Policies.read()
    tickets, counted = service.tickets, service.counted
    never = np.full(len(tickets), NEVER)
    no_pause = (never, never)
    first = _clock(
        service,
        hours,
        policies,
        "first_response",
        tickets.team,
        tickets.clock_start,
        tickets.responded_at,
        no_pause,
        counted,
    )
    unsolved = tickets.closed_without_resolution
    stops = np.column_stack([np.where(unsolved, tickets.closes[:, 0], tickets.ends[:, 0]), tickets.ends[:, 1:]])
    starts = np.column_stack([tickets.created_at, tickets.reopens])
    moved = np.where(tickets.transferred_at < NEVER, tickets.team_after, tickets.team)
    waits = (tickets.middle["pending"], np.where(tickets.middle["woken"] < NEVER, tickets.middle["woken"] + 1, NEVER))
    solved = [
        _clock(
            service,
            hours,
            policies,
            "resolution",
            moved if number else tickets.team,
            starts[:, number],
            stops[:, number],
            no_pause if number else waits,
            counted,
        )
        for number in range(3)
    ]
    again = [
        _clock(service, hours, policies, "next_response", team, asked, answered, no_pause, counted)
        for team, asked, answered in _waits(tickets, moved)
    ]
    return {
        "first_response": _judged(*first),
        "next_response": _judged(*_joined(again)),
        "resolution": _judged(*_joined(solved)),
    }


def _joined(clocks: list[tuple[Flags, Flags, Flags]]) -> tuple[Flags, Flags, Flags]:
    """Met, broken and running of several clocks for each ticket."""
    met, breached, running = (np.concatenate([clock[part] for clock in clocks]) for part in range(3))
    return met, breached, running


def _waits(tickets: Tickets, moved: Ints) -> list[tuple[Ints, Ints, Ints]]:
    """What customers say after the first response and wait for an answer to: team, message, next reply of a person.

    A customer speaks again when a ticket wakes from pending, with a question, and a second before each reopening; one
    that thanks for a solved ticket waits for nothing. Every one is answered before the ticket is solved again, and
    before the customer speaks once more.
    """
    middle = tickets.middle
    reopens = tickets.reopens.T
    return [
        (tickets.team, middle["woken"], middle["wait_reply"]),
        (tickets.team, middle["asked"], middle["ask_reply"]),
        # Said on the night's last second, it is known before the reopening is, and waits for nobody yet.
        *((moved, np.where(times < END, times - 1, NEVER), times + REPLY_AFTER_REOPENING) for times in reopens),
    ]


def next_response_truth(service: Service) -> Values:
    """Minutes around the clock from a customer's further message to the reply, of those answered by the end."""
    counted = service.counted
    found = [
        (answered - asked)[counted & (answered < END)]
        for _, asked, answered in _waits(service.tickets, service.tickets.team_after)
    ]
    return minutes_of(np.concatenate(found))


# --- repeats and first contacts ---


def _followed_within(service: Service, days: int) -> Flags:
    """Tickets with one of the same matter created after their resolution, within the days."""
    tickets = service.tickets
    product = told_products(tickets, service.desk_defects, np.arange(len(tickets)))
    resolved = service.resolved_at
    chosen = np.flatnonzero(service.counted)
    matter = np.stack([service.owner, tickets.issue_type, product])[:, chosen]
    order = np.lexsort((tickets.created_at[chosen], *matter))
    chosen, matter = chosen[order], matter[:, order]
    machine, created = service.machine[chosen], tickets.created_at[chosen]
    limit = resolved[chosen] + days * DAY
    followed = np.zeros(len(tickets), bool)
    # Every ticket against the k-th one after it, for as long as two of them are of one matter.
    for k in range(1, len(chosen)):
        same = (matter[:, k:] == matter[:, :-k]).all(axis=0)
        if not same.any():
            break
        one, other = machine[:-k], machine[k:]
        same &= (one == other) | (one == NONE) | (other == NONE)
        after = (created[k:] > resolved[chosen[:-k]]) & (created[k:] <= limit[:-k])
        followed[chosen[:-k][same & after]] = True
    return followed


def _first_contact(service: Service, repeated: Flags) -> Values:
    """Solved tickets of which at most one contact began before they were solved, not reopened, not repeated."""
    tickets, middle = service.tickets, service.tickets.middle
    spoke = (tickets.responded_at < NEVER) & ~tickets.one_reply & (tickets.first_end_at < NEVER)
    said = np.column_stack(
        [
            np.where(tickets.opened_publicly, tickets.created_at, NEVER),
            tickets.responded_at,
            *(middle[name] for name in ("woken", "wait_reply", "asked", "ask_reply")),
            np.where(spoke, tickets.first_end_at - 20, NEVER),
        ]
    )
    said = np.sort(said, axis=1)
    gaps = np.diff(said, axis=1) >= CONTACT_GAP
    contacts = (said[:, 0] < NEVER) + (gaps & (said[:, 1:] < NEVER)).sum(axis=1) + (middle["called"] < NEVER)
    visits = service.visits
    before = service.came & (visits.arrived_at <= service.resolved_at[visits.ticket])
    contacts = contacts + np.bincount(visits.ticket[before], minlength=len(tickets))
    reopened = tickets.reopens.min(axis=1) < END
    judged = service.counted & (service.resolved_at <= END - FIRST_CONTACT_DAYS * DAY)
    return share_of((contacts <= 1) & ~reopened & ~repeated, judged)


def _repeats(service: Service, repeated: Flags) -> Values:
    judged = service.counted & (service.resolved_at <= END - REPEAT_DAYS * DAY)
    return {
        "repeat_rate": share_of(repeated, judged),
        "repair_repeat_rate": share_of(repeated, judged & (service.tickets.issue_type == REPAIR)),
    }


# --- backlog ---


def _backlog(service: Service) -> Values:
    """Open tickets at the beginning and the end of the last day, and what came and went on it."""
    tickets, counted = service.tickets, service.counted
    first_end = np.where(tickets.closed_without_resolution, tickets.closes[:, 0], tickets.ends[:, 0])
    starts = np.column_stack([tickets.created_at, tickets.reopens])[counted]
    ends = np.column_stack([first_end, tickets.ends[:, 1:]])[counted]
    moved = tickets.transferred_at[counted]
    morning = int(CUTS[-2])

    def open_at(time: int) -> int:
        return int(((starts < time) & (ends >= time)).sum())

    def today(times: Ints) -> int:
        return int(((times >= morning) & (times < END)).sum())

    return {
        "opening": open_at(morning),
        "created": today(starts[:, 0]),
        "reopened": today(starts[:, 1:]),
        "moved": today(moved),
        "solved": today(ends),
        "closing": open_at(END),
    }


# --- visits and call-backs ---


def _visits(service: Service, repeated: Flags) -> Values:
    visits, tickets = service.visits, service.tickets
    many = np.bincount(visits.ticket[service.came], minlength=len(tickets))
    on_site = service.counted & (many >= 1)
    judged = on_site & (service.resolved_at <= END - REPEAT_DAYS * DAY)
    fair = counted_visits(visits, service.field_defects) & (visits.cancelled_at >= END)
    fair[service.field_defects.window_reversed] = False
    arrived = visits.arrived_at < END
    decided = fair & (arrived | (visits.window_to < END))
    in_time = arrived & (visits.arrived_at >= visits.window_from) & (visits.arrived_at <= visits.window_to)
    return {
        "first_time_fix": share_of((many == 1) & ~repeated, judged),
        "second_visit_rate": share_of(many >= 2, on_site),
        "on_time_visits": share_of(in_time, decided),
    }


def _follow_ups(service: Service) -> Values:
    """Solved tickets that were solved three days ago: called in these days, reached, confirmed as solved."""
    calls, tickets, solved = service.calls, service.tickets, service.resolved_at
    about = calls.ticket >= 0
    about[service.field_defects.confirmed_unreached] = False
    about &= (calls.contacted_at < END) & (calls.contacted_at >= solved[calls.ticket])
    about &= calls.contacted_at <= solved[calls.ticket] + FOLLOW_UP_DAYS * DAY

    def any_call(which: Flags) -> Flags:
        found = np.zeros(len(tickets), bool)
        found[calls.ticket[about & which]] = True
        return found

    due = service.counted & (solved <= END - FOLLOW_UP_DAYS * DAY)
    called = any_call(np.ones(len(calls), bool))
    # A customer who was not reached has confirmed nothing.
    told = {"reached": (calls.reached == YES, calls.reached == NO)}
    told["confirmed"] = (calls.confirmed == YES, (calls.confirmed == NO) | (calls.reached == NO))
    answers = {}
    for name, (yes, no) in told.items():
        is_said = any_call(yes | no)
        answers[name] = share_of(any_call(yes), due & (is_said | ~called))
    return {"called_in_time": share_of(called, due), **answers}


# --- deliveries and machines ---


def delivery_truth(orders: Orders) -> Values:
    """Delivered orders that came by the promised day and were correct."""
    delivered = (orders.delivered_at < END) & (orders.voided_at >= END)
    in_time = local_day(np.minimum(orders.delivered_at, END)) <= orders.promised_day
    return share_of(in_time & orders.is_correct, delivered)


def asset_truth(service: Service, assets: Assets) -> Values:
    """Machines in service at the end, and those with a repair ticket of the year before, and with one solved in it."""
    tickets, machine = service.tickets, service.machine
    in_service = (assets.installed_day <= LAST_DAY) & (assets.retired_day > LAST_DAY)
    in_service[service.field_defects.retired_early] = False

    def named_since(times: Ints) -> Values:
        recent = service.counted & (tickets.issue_type == REPAIR) & (times >= END - REPAIR_DAYS * DAY) & (times < END)
        named = np.zeros(len(assets), bool)
        named[machine[recent & (machine >= 0)]] = True
        return share_of(named, in_service)

    return {
        "assets": int((assets.installed_day <= LAST_DAY).sum()),
        "with_ticket": int((machine >= 0).sum()),
        "with_fault": named_since(tickets.created_at),
        "repaired": named_since(service.resolved_at),
    }
