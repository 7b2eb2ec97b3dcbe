"""Tickets of a help desk with the events of their lives: status changes, notes, transfers, replies, reopenings.

A ticket follows one of a few stories. Gaps between its events are random, so a story ends at very different times, and
those of the last days are cut off by `as_of`. Per ticket there are 9.2 events and 3.6 messages on average.
"""

from __future__ import annotations

from itertools import accumulate

from benchmarks.warehouse.company import AGENTS, FIRST_DAY, PRODUCTS, TEAMS, TICKETS_PER_CUSTOMER
from benchmarks.warehouse.select import values

LAST = "timestamp '2026-06-30 16:00'"
# Of 100 tickets so many have the story; its events by a letter each, see _EVENTS.
STORIES = {
    "c a o v n m q m R x": 28,
    "c a o e v q m n t o m R x": 22,
    "c a o m P q o m h n o g R x": 20,
    "c a o n t n P y o m q m R x": 12,
    "c b k a o m n R O m R x": 8,
    "c a s o v y e n m P q o h o m R O P o m R x": 5,
    "c a o n m R x O q m R x": 5,
}
# Letter -> event type, who did it, seen by the customer, value before, value after, mean minutes since the last event.
_EVENTS = {
    "c": ("created", "customer", None, None, "new", 0),
    "a": ("assignment", "system", None, None, None, 10),
    "o": ("status_change", "agent", None, None, "open", 40),
    "P": ("status_change", "agent", None, "open", "pending", 30),
    "h": ("status_change", "agent", None, "open", "hold", 200),
    "R": ("status_change", "agent", None, "open", "resolved", 900),
    "x": ("status_change", "system", None, "resolved", "closed", 3000),
    "O": ("reopen", "customer", None, "resolved", "open", 2500),
    "m": ("agent_message", "agent", True, None, None, 120),
    "q": ("customer_message", "customer", True, None, None, 400),
    "v": ("automatic_reply", "system", True, None, None, 1),
    "b": ("bot_message", "bot", True, None, None, 1),
    "k": ("bot_handover", "bot", None, None, None, 4),
    "n": ("note", "agent", False, None, None, 50),
    "t": ("transfer", "agent", None, None, "team", 60),
    "y": ("priority_change", "agent", None, None, "priority", 20),
    "e": ("call", "agent", None, None, None, 30),
    "g": ("escalation", "agent", None, None, None, 60),
    "s": ("complaint", "customer", None, None, None, 5),
}
_PRIORITIES = "['low', 'normal', 'high', 'urgent']"


def tickets(count: int) -> dict[str, str]:
    """Entity -> SELECT of the clean rows of `count` tickets and their events."""
    ticket = f"""
        select 'K' || i as ticket_id, customer_id, product_id, issue_type, status, created_at,
               'A' || (h // 3 % {AGENTS}) as agent_id, 'T' || (h // 11 % {TEAMS}) as team_id,
               {_PRIORITIES}[1 + h // 13 % 4] as priority,
               ['phone', 'chat', 'email', 'web', 'wechat'][1 + h // 17 % 5] as channel,
               if(h % 50 = 0, 'spam', null) as exclusion, h % 25 = 1 as is_agent_created,
               'Subject ' || i as subject, greatest(last_at, created_at) as updated_at
        from (
            select one.*, last.status, last.last_at
            from ({_heads(count)}) as one
            left join (
                select ticket_id, max_by(to_value, position) filter (where sets_status) as status,
                       max(occurred_at) as last_at
                from ({_events(count)}) group by ticket_id
            ) as last on last.ticket_id = 'K' || one.i
        )
    """
    event = f"""
        select ticket_id || '.' || position as event_id, ticket_id, event_type, occurred_at, actor_type, agent_id,
               is_public, from_value, to_value, occurred_at as updated_at
        from ({_events(count)})
    """
    return {"ticket": ticket, "ticket_event": event}


def _heads(count: int) -> str:
    """Tickets with what chance says of them; every fourth customer owns half of the tickets."""
    customers = max(count // TICKETS_PER_CUSTOMER, 8)
    return f"""
        select i, h, story, 'C' || customer as customer_id,
               'P' || (hash(customer, h // 5 % 2) % {PRODUCTS}) as product_id,
               ['repair', 'installation', 'usage', 'billing', 'delivery', 'other'][1 + h // 19 % 6] as issue_type,
               {FIRST_DAY} + to_seconds((hash(i, 1) % (1095 * 86400))::bigint) as created_at
        from (
            select i, (hash(i) % 1000003)::integer as h, (hash(i, 2) % 100)::integer as chance,
                   (hash(i, 3) % {customers} // if(hash(i, 4) % 2 = 0, 4, 1))::bigint as customer
            from range({count}) t(i)
        )
        join ({_story_bounds()}) as stories on chance >= from_chance and chance < to_chance
    """


def _story_bounds() -> str:
    ends = list(accumulate(STORIES.values()))
    rows = [(story, end - share, end) for story, (share, end) in enumerate(zip(STORIES.values(), ends, strict=True))]
    return f"select * from ({values(rows)}) t(story, from_chance, to_chance)"


def _events(count: int) -> str:
    steps = [
        (story, position, *_EVENTS[letter])
        for story, letters in enumerate(STORIES)
        for position, letter in enumerate(letters.split())
    ]
    return f"""
        select * from (
            select 'K' || i as ticket_id, position, event_type, actor_type, is_public, from_value,
                   'A' || ((h // 3 + (draw % 100 = 0)::integer * (draw // 100)) % {AGENTS}) as event_agent,
                   if(actor_type = 'agent', event_agent, null) as agent_id,
                   event_type in ('created', 'status_change', 'reopen') as sets_status,
                   case after when 'team' then 'T' || (draw % {TEAMS}) when 'priority' then {_PRIORITIES}[1 + draw % 4]
                              else after end as to_value,
                   created_at + to_seconds((sum(gap) over (partition by i order by position))::bigint) as occurred_at
            from (
                select heads.*, steps.*, (hash(i, position) % 1000003)::bigint as draw,
                       -60 * mean_gap * ln(1 - hash(i, position, 5) % 1000003 / 1000003.0) as gap
                from ({_heads(count)}) as heads
                join ({values(steps)}) as
                    steps(story, position, event_type, actor_type, is_public, from_value, after, mean_gap)
                    on steps.story = heads.story
            )
        )
        where occurred_at <= {LAST}
    """
