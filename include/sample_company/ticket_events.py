"""The event log of the tickets, and what the ticket system's summary row says at the end of a night."""

from dataclasses import dataclass

import numpy as np

from include.sample_company import assumptions as a
from include.sample_company.customers import Flags
from include.sample_company.nights import END, NEVER, Ints
from include.sample_company.tickets import BOT_AGENT, EMAIL, REPLY_AFTER_REOPENING, WEB, Tickets

EVENT_TYPES = (
    "created",
    "status_change",
    "assignment",
    "agent_message",
    "customer_message",
    "automatic_reply",
    "bot_message",
    "bot_handover",
    "note",
    "escalation",
    "reopen",
    "merge",
    "transfer",
    "call",
    "complaint",
)
TYPE = {name: number for number, name in enumerate(EVENT_TYPES)}
ACTORS = ("customer", "agent", "bot", "system")
CUSTOMER, AGENT, BOT, SYSTEM = range(4)
NO_VALUE = -1
TEAM_VALUES = 100  # from/to values from here on are teams


@dataclass(frozen=True)
class Events:
    """One entry per event that happens before the end of the last night, by time, then ticket."""

    ticket: Ints
    time: Ints
    type: Ints
    actor: Ints
    agent: Ints
    is_public: Flags
    before: Ints
    after: Ints

    def __len__(self) -> int:
        return len(self.ticket)

    def rows(self, chosen: Flags | Ints) -> "Events":
        """The chosen events, in order."""
        return Events(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))


@dataclass(frozen=True)
class Summary:
    """The ticket system's own row for every ticket, as it stands before a cut."""

    status: Ints
    agent: Ints
    team: Ints
    responded_at: Ints
    resolved_at: Ints
    closed_at: Ints
    reopen_count: Ints
    is_merged: Flags
    changed_at: Ints  # time of the last event; NEVER where the ticket does not exist yet


class _Log:
    """Collects events; those that never happen are left out."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.parts: list[tuple[Ints, ...]] = []

    def add(
        self,
        kind: str,
        times: Ints,
        actor: int | Ints,
        *,
        agent: Ints | int = -1,
        public: bool = True,
        before: Ints | int = NO_VALUE,
        after: Ints | int = NO_VALUE,
        only: Flags | None = None,
    ) -> None:
        """Add one event for every ticket whose time comes before the end of the last night."""
        happens = times < END if only is None else (times < END) & only
        ticket = np.flatnonzero(happens)
        cells = (
            np.broadcast_to(np.asarray(value, np.int64), self.count)[ticket]
            for value in (times, TYPE[kind], actor, agent, int(public), before, after)
        )
        self.parts.append((ticket, *cells))

    def events(self) -> Events:
        """All events by time, then ticket, then the order in which they were added."""
        columns = [np.concatenate(column) for column in zip(*self.parts, strict=True)]
        order = np.lexsort((columns[0], columns[1]))
        ticket, time, kind, actor, agent, public, before, after = (column[order] for column in columns)
        return Events(ticket, time, kind, actor, agent, public == 1, before, after)


def write_events(rng: np.random.Generator, tickets: Tickets) -> Events:
    """The event log that the stages of the tickets leave behind."""
    count = len(tickets)
    log = _Log(count)
    agent = tickets.agent
    _opening_events(rng, log, tickets)
    log.add("assignment", tickets.assigned_at, SYSTEM, agent=agent, public=False)
    log.add("status_change", tickets.assigned_at, AGENT, agent=agent, before=a.NEW, after=a.OPEN, public=False)
    waiting = np.where(tickets.responded_at < NEVER, tickets.responded_at - tickets.assigned_at, 0)
    noted = (rng.random(count) < a.NOTE_SHARE) & (waiting > 4)
    log.add("note", tickets.assigned_at + waiting // 2, AGENT, agent=agent, public=False, only=noted)
    private = (rng.random(count) < a.PRIVATE_MESSAGE_SHARE) & (waiting > 4)
    log.add("agent_message", tickets.assigned_at + waiting // 3, AGENT, agent=agent, public=False, only=private)
    log.add("agent_message", tickets.responded_at, AGENT, agent=agent)
    _middle_events(log, tickets)
    _ending_events(rng, log, tickets)
    return log.events()


def _opening_events(rng: np.random.Generator, log: _Log, tickets: Tickets) -> None:
    count = len(tickets)
    created = tickets.created_at
    opener = np.where(tickets.is_agent_created, AGENT, CUSTOMER)
    opener_agent = np.where(tickets.is_agent_created, tickets.agent, -1)
    log.add("created", created, opener, agent=opener_agent, after=a.NEW)
    log.add("agent_message", created, AGENT, agent=tickets.agent, only=tickets.opened_publicly)
    inward = tickets.is_agent_created & ~tickets.opened_publicly
    log.add("note", created, AGENT, agent=tickets.agent, public=False, only=inward)
    log.add("complaint", created + 2, CUSTOMER, only=tickets.is_complaint)
    bot = tickets.handover_at < NEVER
    # Some bots post through the agents' interface: only the actor tells that no person spoke.
    disguised = rng.random(count) < 0.2
    log.add("bot_message", created + 3, BOT, agent=BOT_AGENT, only=bot & ~disguised)
    log.add("agent_message", created + 3, BOT, agent=BOT_AGENT, only=bot & disguised)
    log.add("bot_message", created + 25, BOT, agent=BOT_AGENT, only=bot)
    log.add("bot_handover", tickets.handover_at, BOT, agent=BOT_AGENT)
    by_mail = (tickets.channel == EMAIL) | (tickets.channel == WEB)
    replied = by_mail & (rng.random(count) < a.AUTOMATIC_REPLY_SHARE) & (tickets.merged_at == NEVER)
    log.add("automatic_reply", created + rng.integers(20, 60, count), SYSTEM, only=replied)


def _middle_events(log: _Log, tickets: Tickets) -> None:
    agent, middle = tickets.agent, tickets.middle
    log.add("status_change", middle["pending"], AGENT, agent=agent, before=a.OPEN, after=a.PENDING, public=False)
    log.add("customer_message", middle["woken"], CUSTOMER)
    log.add("status_change", middle["woken"] + 1, SYSTEM, before=a.PENDING, after=a.OPEN, public=False)
    log.add("agent_message", middle["wait_reply"], AGENT, agent=agent)
    log.add("customer_message", middle["asked"], CUSTOMER)
    log.add("agent_message", middle["ask_reply"], AGENT, agent=agent)
    log.add("status_change", middle["held"], AGENT, agent=agent, before=a.OPEN, after=a.HOLD, public=False)
    log.add("status_change", middle["unheld"], AGENT, agent=agent, before=a.HOLD, after=a.OPEN, public=False)
    moved = tickets.transferred_at
    log.add(
        "transfer",
        moved,
        AGENT,
        agent=agent,
        before=TEAM_VALUES + tickets.team,
        after=TEAM_VALUES + tickets.team_after,
        public=False,
    )
    log.add("assignment", moved + 30, SYSTEM, agent=tickets.agent_after, public=False)
    log.add("escalation", middle["escalated"], AGENT, agent=agent, public=False)
    log.add("call", middle["called"], AGENT, agent=agent)


def _ending_events(rng: np.random.Generator, log: _Log, tickets: Tickets) -> None:
    count = len(tickets)
    agent = np.where(tickets.transferred_at < NEVER, tickets.agent_after, tickets.agent)
    first, ends, closes = tickets.first_end_at, tickets.ends, tickets.closes
    answered = tickets.responded_at < NEVER
    log.add("agent_message", first - 20, AGENT, agent=agent, only=answered & ~tickets.one_reply)
    merged = tickets.merged_at < NEVER
    log.add("merge", tickets.merged_at, AGENT, agent=agent)
    before = np.where(merged | ~answered, a.NEW, a.OPEN)
    solved = ~tickets.closed_without_resolution
    log.add("status_change", ends[:, 0], AGENT, agent=agent, before=before, after=a.RESOLVED, public=False)
    log.add("status_change", closes[:, 0], SYSTEM, before=a.RESOLVED, after=a.CLOSED, public=False, only=solved)
    log.add(
        "status_change",
        closes[:, 0],
        AGENT,
        agent=agent,
        before=a.OPEN,
        after=a.CLOSED,
        public=False,
        only=~solved,
    )
    thanks = (rng.random(count) < a.THANKS_SHARE) & (tickets.reopens[:, 0] == NEVER) & answered
    log.add("customer_message", first + rng.integers(60, 3600, count), CUSTOMER, only=thanks)
    # One half of the reopens is logged as an event of its own, the other as a plain change of status.
    as_event = rng.random(count) < 0.5
    for number in (0, 1):
        reopen, end = tickets.reopens[:, number], ends[:, number + 1]
        state = np.where(reopen > closes[:, number], a.CLOSED, a.RESOLVED)
        log.add("customer_message", reopen - 1, CUSTOMER)
        for kind, only in (("reopen", as_event), ("status_change", ~as_event)):
            log.add(kind, reopen, CUSTOMER, before=state, after=a.OPEN, public=False, only=only)
        log.add("agent_message", reopen + REPLY_AFTER_REOPENING, AGENT, agent=agent)
        log.add("status_change", end, AGENT, agent=agent, before=a.OPEN, after=a.RESOLVED, public=False)
        close = closes[:, number + 1]
        log.add("status_change", close, SYSTEM, before=a.RESOLVED, after=a.CLOSED, public=False)
    log.add(
        "status_change",
        tickets.deleted_at,
        AGENT,
        agent=agent,
        before=a.CLOSED,
        after=a.DELETED,
        public=False,
    )


def summarise(tickets: Tickets, events: Events, cut: int) -> Summary:
    """What the ticket system's export says about every ticket at `cut` (UTC seconds, exclusive)."""
    seen = events.rows(events.time < cut)
    count = len(tickets)
    # Events are in order of time: of several assignments to one place the last one stands.
    changes = np.isin(seen.type, [TYPE["created"], TYPE["status_change"], TYPE["reopen"]])
    status = np.full(count, -1)
    status[seen.ticket[changes]] = seen.after[changes]
    changed = np.full(count, NEVER)
    changed[seen.ticket] = seen.time
    moved = tickets.transferred_at < cut
    ended = (status == a.RESOLVED) | (status == a.CLOSED) | (status == a.DELETED)
    return Summary(
        status=status,
        agent=np.where(tickets.assigned_at < cut, np.where(moved, tickets.agent_after, tickets.agent), -1),
        team=np.where(moved, tickets.team_after, tickets.team),
        responded_at=np.where(tickets.responded_at < cut, tickets.responded_at, NEVER),
        resolved_at=np.where(ended, _last_before(tickets.ends, cut), NEVER),
        closed_at=np.where(ended & (status != a.RESOLVED), _last_before(tickets.closes, cut), NEVER),
        reopen_count=(tickets.reopens < cut).sum(axis=1),
        is_merged=tickets.merged_at < cut,
        changed_at=changed,
    )


def _last_before(times: Ints, cut: int) -> Ints:
    last = np.where(times < cut, times, -NEVER).max(axis=1)
    return np.where(last > -NEVER, last, NEVER)
