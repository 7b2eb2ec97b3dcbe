"""Tickets as stages in time, and the event log that those stages leave in the ticket system."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from include.sample_company import assumptions as a
from include.sample_company.customers import Customers, Flags, Floats, People, tier_at
from include.sample_company.nights import (
    CUTS,
    END,
    HISTORY_DAY,
    NEVER,
    TICKETS_FROM,
    Ints,
    local_midnight,
)

NORMAL = -1
SPAM, TEST, CANCELLED = range(3)
BOT_AGENT = 0  # agent numbers from 1 are people
PHONE, WECHAT, CHAT, EMAIL, WEB, STORE = range(6)
HOTLINE_TEAM = len(a.REGIONS)
VIP_TEAM = HOTLINE_TEAM + 1
TEAMS = VIP_TEAM + 1
REPLY_AFTER_REOPENING = 1_000
HOUR_WEIGHTS = np.array([4, 7, 9, 8, 5, 6, 8, 8, 7, 6, 5, 4, 3], float)  # local hours 8 to 20


@dataclass
class Tickets:
    """One entry per ticket, in the order of creation. Times are UTC seconds; NEVER: does not happen."""

    person: Ints
    customer: Ints
    product: Ints
    channel: Ints
    issue_type: Ints
    priority: Ints
    exclusion: Ints
    merged_into: Ints
    team: Ints
    team_after: Ints
    agent: Ints
    agent_after: Ints
    is_complaint: Flags
    is_agent_created: Flags
    opened_publicly: Flags
    closed_without_resolution: Flags
    created_at: Ints
    clock_start: Ints  # creation, or the hand-over by the bot
    handover_at: Ints
    assigned_at: Ints
    responded_at: Ints
    transferred_at: Ints
    first_end_at: Ints  # first resolution, or the closing of those closed without one
    ends: Ints  # [tickets, 3] resolutions: the first, and after each reopen
    reopens: Ints  # [tickets, 2]
    closes: Ints  # [tickets, 3] closings
    merged_at: Ints
    deleted_at: Ints
    middle: dict[str, Ints]  # times of what lies between the first response and the first resolution
    one_reply: Flags  # nothing but the first response was said by a person

    def __len__(self) -> int:
        return len(self.person)


def team_sizes(scale: float) -> Ints:
    """Number of human agents of every team; grows with the root of the company's size."""
    per_team = max(3, round(a.HUMAN_AGENTS * scale**0.5 / TEAMS))
    return np.full(TEAMS, per_team)


def simulate_tickets(
    rng: np.random.Generator, scale: float, customers: Customers, people: People, products: int
) -> Tickets:
    """All tickets of two years with the times of their stages."""
    opened = _openings(rng, scale, customers, people, products)
    stages = _stages(rng, opened, customers)
    stages |= _endings(rng, opened, stages)
    for name in ("served", "discarded"):
        del stages[name]
    return Tickets(**opened, **stages)


def _creation_times(rng: np.random.Generator, scale: float) -> tuple[Ints, Ints]:
    """Creation times, ascending, and the night (0: history) of each."""
    per_night = max(6, round(a.TICKETS_PER_NIGHT * scale))
    young = max(1, round(a.YOUNG_TICKETS_PER_NIGHT * scale))
    old = max(120, round(a.TICKETS * scale)) - 3 * (per_night + young)
    all_days = np.arange(TICKETS_FROM, HISTORY_DAY + 1)
    weekday = (all_days + 3) % 7  # 0: Monday
    weights = np.where(weekday >= 5, 0.6, 1.0) * np.linspace(0.85, 1.15, len(all_days))
    days = np.concatenate(
        [
            rng.choice(all_days, old, p=weights / weights.sum()),
            np.repeat(HISTORY_DAY + np.arange(1, 4), per_night),
            np.repeat(HISTORY_DAY + np.arange(1, 4), young),
        ]
    )
    hours = 8 + rng.choice(13, len(days), p=HOUR_WEIGHTS / HOUR_WEIGHTS.sum())
    seconds = hours * 3600 + rng.integers(0, 3600, len(days))
    seconds[old + 3 * per_night :] = 22 * 3600 + 2760 + rng.integers(0, 4000, 3 * young)
    times = local_midnight(days) + seconds
    order = np.argsort(times, kind="stable")
    return times[order], np.maximum(days[order] - HISTORY_DAY, 0)


def _openings(
    rng: np.random.Generator, scale: float, customers: Customers, people: People, products: int
) -> dict[str, Any]:
    """Who opens which ticket, when and how; merged twins are among them."""
    created, night = _creation_times(rng, scale)
    base = len(created)
    weights = np.where(customers.is_new, 0.0, customers.activity)[people.customer]
    person = rng.choice(len(people), base, p=weights / weights.sum())
    newcomers = np.flatnonzero(customers.is_new[people.customer])
    for number in (1, 2, 3):
        fresh = newcomers[customers.since[people.customer[newcomers]] == number]
        slots = np.flatnonzero(night == number)[: max(1, len(fresh) // 2)]
        person[slots] = fresh[: len(slots)]

    twins = max(3, round(a.MERGED_SHARE * base))
    # The survivor of a merge is an ordinary ticket, opened well before the night ends.
    originals = rng.choice(np.flatnonzero(created < END - 60 * 3600), twins, replace=False)
    again = created[originals] + rng.integers(300, 4 * 3600, twins)
    # Every night sees a merge into an earlier ticket; `created` is ascending.
    for number, day_end in enumerate(CUTS[1:]):
        originals[number] = np.searchsorted(created, day_end - 30 * 3600) - 1
        again[number] = day_end - 10 * 3600
    created = np.concatenate([created, again])
    person = np.concatenate([person, person[originals]])
    order = np.argsort(created, kind="stable")
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    created, person = created[order], person[order]
    count = len(created)
    merged_into = np.full(count, -1)
    merged_into[place[base:]] = place[originals]

    customer = people.customer[person]
    product = np.where(rng.random(count) < 0.8, customers.product[customer], rng.integers(0, products, count))
    issue_type = rng.choice(len(a.ISSUE_TYPES), count, p=a.ISSUE_TYPE_SHARES)
    twin = np.flatnonzero(merged_into >= 0)
    product[twin], issue_type[twin] = product[merged_into[twin]], issue_type[merged_into[twin]]

    exclusion = rng.choice([SPAM, TEST, CANCELLED, NORMAL], count, p=[*a.EXCLUSION_SHARES, 1 - sum(a.EXCLUSION_SHARES)])
    exclusion[twin] = NORMAL
    exclusion[merged_into[twin]] = NORMAL
    channel = rng.choice(len(a.TICKET_CHANNELS), count, p=a.TICKET_CHANNEL_SHARES)
    by_person = (channel == PHONE) | (channel == STORE)
    agent_created = by_person & (rng.random(count) < a.AGENT_CREATED_SHARE / 0.37) & (exclusion == NORMAL)
    region_team = np.where(rng.random(count) < 0.8, customers.region[customer], HOTLINE_TEAM)
    vip = (tier_at(customers, 0)[customer] == 0) & (rng.random(count) < 0.7)
    team = np.where(vip, VIP_TEAM, region_team)
    sizes = team_sizes(scale)
    first_agent = np.cumsum(sizes) - sizes + 1
    agent = first_agent[team] + rng.integers(0, sizes[team])
    team_after = (team + rng.integers(1, TEAMS, count)) % TEAMS
    return {
        "person": person,
        "customer": customer,
        "product": product,
        "channel": channel,
        "issue_type": issue_type,
        "priority": rng.choice(len(a.PRIORITIES), count, p=a.PRIORITY_SHARES),
        "exclusion": exclusion,
        "merged_into": merged_into,
        "team": team,
        "team_after": team_after,
        "agent": agent,
        "agent_after": first_agent[team_after] + rng.integers(0, sizes[team_after]),
        "is_complaint": (rng.random(count) < a.COMPLAINT_SHARE) & (exclusion == NORMAL),
        "is_agent_created": agent_created,
        "opened_publicly": agent_created & (rng.random(count) < a.AGENT_OPENED_PUBLICLY_SHARE),
        "created_at": created,
    }


def _seconds(rng: np.random.Generator, median: float, log_sd: float, count: int) -> Ints:
    return np.round(median * np.exp(rng.normal(0, log_sd, count))).astype(np.int64) + 30


def response_delay(rng: np.random.Generator, opened: dict[str, Any], customers: Customers) -> Ints:
    """Seconds from the start of the clock to the first response; the built-in effects act here."""
    count = len(opened["created_at"])
    customer = opened["customer"]
    shift = (
        a.WORSE_REGION_DELAY * (customers.region[customer] == a.REGIONS.index(a.WORSE_REGION))
        + a.DISSATISFIED_CUSTOMER_DELAY * customers.dissatisfaction[customer]
        - 0.2 * (opened["priority"] >= 2)
    )
    spread = rng.normal(0, a.FIRST_RESPONSE_LOG_SD, count)
    seconds = np.exp(np.log(a.FIRST_RESPONSE_MEDIAN_MINUTES * 60) + shift + spread)
    delay = np.clip(np.round(seconds), 90, 4 * 86_400).astype(np.int64)
    # Exactly at a limit of two or four hours the word 'within' would decide: no ticket is there.
    return np.where((delay == 7_200) | (delay == 14_400), delay + 7, delay)


def _stages(rng: np.random.Generator, opened: dict[str, Any], customers: Customers) -> dict[str, Any]:
    """Bot phase, assignment, first response and what lies between it and the first resolution."""
    created, channel = opened["created_at"], opened["channel"]
    count = len(created)
    served = (opened["exclusion"] != SPAM) & (opened["exclusion"] != TEST) & (opened["merged_into"] < 0)
    late = created >= END - 2 * 3600
    bot = served & ~late & ((channel == WECHAT) | (channel == CHAT)) & (rng.random(count) < a.BOT_SHARE)
    handover = np.where(bot, created + rng.integers(40, 400, count), NEVER)
    clock = np.where(bot, handover, created)
    delay = response_delay(rng, opened, customers)
    answered = served & (rng.random(count) >= a.NEVER_ANSWERED_SHARE)
    responded = np.where(answered, clock + delay, NEVER)
    taken = answered | (served & (rng.random(count) < 0.5))
    assigned = np.where(taken, clock + (delay * rng.uniform(0.2, 0.8, count)).astype(np.int64), NEVER)
    assigned = np.where(opened["is_agent_created"] & served, created + 1, assigned)

    now = responded.copy()
    wait = answered & (rng.random(count) < a.WAIT_SHARE)
    pending = np.where(wait, now + rng.integers(5, 90, count), NEVER)
    woken = np.where(wait, pending + _seconds(rng, 5 * 3600, 1.0, count), NEVER)
    wait_reply = np.where(wait, woken + _seconds(rng, 3000, 0.8, count), NEVER)
    now = np.where(wait, wait_reply, now)
    ask = answered & (rng.random(count) < a.FOLLOW_UP_QUESTION_SHARE)
    asked = np.where(ask, now + _seconds(rng, 7200, 0.8, count), NEVER)
    ask_reply = np.where(ask, asked + _seconds(rng, 2400, 0.8, count), NEVER)
    now = np.where(ask, ask_reply, now)
    hold = answered & (rng.random(count) < a.HOLD_SHARE)
    held = np.where(hold, now + rng.integers(300, 3600, count), NEVER)
    unheld = np.where(hold, held + rng.integers(12 * 3600, 5 * 86_400, count), NEVER)
    now = np.where(hold, unheld, now)
    transfer = answered & (rng.random(count) < a.TRANSFER_SHARE)
    transferred = np.where(transfer, now + rng.integers(60, 1800, count), NEVER)
    now = np.where(transfer, transferred + 30, now)
    escalate = answered & (rng.random(count) < a.ESCALATION_SHARE)
    escalated = np.where(escalate, now + rng.integers(60, 3600, count), NEVER)
    now = np.where(escalate, escalated, now)
    call = answered & (channel == PHONE) & (rng.random(count) < a.CALL_SHARE)
    called = np.where(call, now + rng.integers(60, 900, count), NEVER)
    now = np.where(call, called, now)
    one_reply = ~wait & ~ask & (rng.random(count) < a.ONE_REPLY_SHARE)
    solved = np.where(one_reply, now + rng.integers(40, 600, count), now + _seconds(rng, 5 * 3600, 1.1, count) + 60)
    solved = np.where(answered & (rng.random(count) >= a.NEVER_RESOLVED_SHARE), solved, NEVER)
    discarded = (opened["exclusion"] == SPAM) | (opened["exclusion"] == TEST)
    solved = np.where(discarded, created + rng.integers(300, 3600, count), solved)
    twin = opened["merged_into"] >= 0
    merged_at = np.where(twin, created + rng.integers(600, 5400, count), NEVER)
    solved = np.where(twin, merged_at + 1, solved)
    return {
        "served": served,
        "discarded": discarded,
        "handover_at": handover,
        "clock_start": clock,
        "responded_at": responded,
        "assigned_at": assigned,
        "transferred_at": transferred,
        "merged_at": merged_at,
        "first_end_at": solved,
        "one_reply": one_reply,
        "middle": {
            "pending": pending,
            "woken": woken,
            "wait_reply": wait_reply,
            "asked": asked,
            "ask_reply": ask_reply,
            "held": held,
            "unheld": unheld,
            "escalated": escalated,
            "called": called,
        },
    }


def _endings(rng: np.random.Generator, opened: dict[str, Any], stages: dict[str, Any]) -> dict[str, Any]:
    """Resolutions, reopens, closings and deletions."""
    first = stages["first_end_at"]
    count = len(first)
    ordinary = stages["served"] & (first < NEVER)
    unresolved = (
        ordinary & (opened["exclusion"] == NORMAL) & _share(rng, count, a.DEFECT_SHARES["closed_without_resolution"])
    )
    may_reopen = ordinary & ~unresolved
    close_after = a.CLOSE_AFTER_HOURS * 3600

    reopened = may_reopen & _share(rng, count, a.REOPEN_SHARE)
    from_closed = reopened & _share(rng, count, a.REOPEN_FROM_CLOSED_SHARE)
    early = first + rng.integers(3600, close_after - 4 * 3600, count)
    after_close = first + close_after + rng.integers(3600, 10 * 86_400, count)
    reopen_1 = np.where(from_closed, after_close, np.where(reopened, early, NEVER))
    end_2 = np.where(reopened, reopen_1 + _seconds(rng, 8 * 3600, 0.9, count) + 1200, NEVER)
    again = reopened & _share(rng, count, a.SECOND_REOPEN_SHARE)
    reopen_2 = np.where(again, end_2 + rng.integers(3600, close_after - 4 * 3600, count), NEVER)
    end_3 = np.where(again, reopen_2 + _seconds(rng, 8 * 3600, 0.9, count) + 1200, NEVER)

    quick = stages["discarded"] | (opened["merged_into"] >= 0)
    gap = np.where(quick, 60, close_after)
    close_1 = np.where((first < NEVER) & (~reopened | from_closed), first + gap, NEVER)
    close_1 = np.where(unresolved, first, close_1)
    close_2 = np.where(reopened & ~again, end_2 + close_after, NEVER)
    close_3 = np.where(again, end_3 + close_after, NEVER)

    removable = ordinary & ~reopened & ~unresolved & (opened["exclusion"] == NORMAL)
    removable[opened["merged_into"][opened["merged_into"] >= 0]] = False
    deleted = np.where(
        removable & _share(rng, count, a.DELETED_SHARE),
        close_1 + rng.integers(3600, 5 * 86_400, count),
        NEVER,
    )
    recently_closed = np.flatnonzero(removable & (close_1 > END - 20 * 86_400) & (close_1 < END - 4 * 86_400))
    # Every night sees a soft delete, also in a very small company.
    for number, ticket in enumerate(recently_closed[:3]):
        deleted[ticket] = END - number * 86_400 - 5 * 3600
    return {
        "closed_without_resolution": unresolved,
        "ends": np.stack([np.where(unresolved, NEVER, first), end_2, end_3], axis=1),
        "reopens": np.stack([reopen_1, reopen_2], axis=1),
        "closes": np.stack([close_1, close_2, close_3], axis=1),
        "deleted_at": deleted,
    }


def _share(rng: np.random.Generator, count: int, share: float) -> Flags:
    return rng.random(count) < share


def latent_delay(tickets: Tickets) -> Floats:
    """Log of the first response time over its usual median; what lowers a customer's satisfaction."""
    minutes = np.maximum(tickets.responded_at - tickets.clock_start, 60) / 60
    return np.log(np.minimum(minutes, 6 * 1440) / a.FIRST_RESPONSE_MEDIAN_MINUTES)
