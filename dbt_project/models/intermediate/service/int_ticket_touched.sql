-- When a person first did anything to a ticket, and whether a bot had it first.
with

tickets as (

    select * from {{ ref('int_ticket_united') }}

),

events as (

    select events.*
    from {{ ref('fct_ticket_event') }} as events
    cross join {{ ref('stg_as_of') }} as as_of
    where events.is_counted and events.occurred_at <= as_of.as_of

),

agents as (
    {{ versions_in_time('agent', ['role']) }}
),

judged as (

    select
        events.ticket_key,
        events.event_type,
        greatest(events.occurred_at, tickets.created_at) as occurred_at,
        -- without an actor the type says who did it, or the agent who is named
        case
            when coalesce(agents.role, 'agent') = 'bot' then false
            when events.actor_type is not null then events.actor_type = 'agent'
            else events.event_type in ('agent_message', 'note', 'call') or events.agent_key <> 0
        end as is_by_person
    from events
    inner join tickets on events.ticket_key = tickets.ticket_key
    left join agents
        on events.agent_key = agents.agent_key
        and agents.valid_from <= events.occurred_at
        and agents.valid_to > events.occurred_at

),

final as (

    select
        ticket_key,
        min(case when is_by_person then occurred_at end) as first_touched_at,
        min(case when event_type = 'bot_handover' then occurred_at end) as bot_handed_over_at,
        max(case when event_type in ('bot_message', 'bot_handover') then 1 else 0 end) = 1 as has_bot_phase
    from judged
    group by ticket_key

)

select * from final
