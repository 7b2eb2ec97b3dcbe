-- Who said what in a ticket's own event log, and what of it is a reply by a person. All rules about replies stand here.
with

tickets as (

    select * from {{ ref('int_ticket_united') }}

),

agents as (
    {{ versions_in_time('agent', ['role']) }}
),

as_of as (

    select * from {{ ref('stg_as_of') }}

),

events as (

    select
        events.event_key,
        events.event_id,
        events.ticket_key,
        events.event_type,
        events.occurred_at,
        events.actor_type,
        events.agent_key,
        events.is_public,
        events.source,
        tickets.created_at,
        coalesce(tickets.is_agent_created, false) as is_agent_created
    from {{ ref('fct_ticket_event') }} as events
    inner join tickets on events.ticket_key = tickets.ticket_key
    cross join as_of
    where events.is_counted and events.occurred_at <= as_of.as_of

),

-- a log that never holds a message says nothing about replies, nor about transfers if it holds none of them
logs as (

    select
        max(
            case
                when
                    event_type in ('agent_message', 'customer_message', 'automatic_reply', 'bot_message', 'call')
                    then 1
                else 0
            end
        ) as states_messages,
        {%- for kind in ['complaint', 'transfer', 'escalation'] %}
        max(case when event_type = '{{ kind }}' then 1 else 0 end) as states_{{ kind }}s,
        {%- endfor %}
        source
    from events
    group by source

),

opened_by_agents as (

    select distinct ticket_key
    from events
    where is_agent_created or (event_type = 'created' and actor_type = 'agent')

),

-- the first that was written on each of their tickets
openings as (

    select
        events.event_key,
        row_number() over (partition by events.ticket_key order by {{ event_order() }}) as position
    from events
    inner join opened_by_agents on events.ticket_key = opened_by_agents.ticket_key
    where events.event_type in ('agent_message', 'note', 'customer_message')

),

judged as (

    select
        events.*,
        -- the type says who speaks where the log has no actor; an account of a bot is no person whatever the log says
        events.event_type = 'agent_message'
        and coalesce(events.is_public, true)
        and coalesce(events.actor_type, 'agent') = 'agent'
        and coalesce(agents.role, 'agent') <> 'bot' as is_human_public,
        -- whatever a person did, seen by the customer or not; without an actor the type says who, or the agent named
        case
            when coalesce(agents.role, 'agent') = 'bot' then false
            when events.actor_type is not null then events.actor_type = 'agent'
            else events.event_type in ('agent_message', 'note', 'call') or events.agent_key <> 0
        end as is_by_person
    from events
    -- an account counts as what it was when it wrote
    left join agents
        on events.agent_key = agents.agent_key
        and agents.valid_from <= events.occurred_at
        and agents.valid_to > events.occurred_at

),

final as (

    select
        judged.ticket_key,
        judged.created_at,
        judged.event_type,
        judged.occurred_at,
        logs.states_messages,
        logs.states_complaints,
        logs.states_transfers,
        logs.states_escalations,
        judged.event_id,
        judged.event_key,
        judged.agent_key,
        judged.is_by_person,
        -- a message between the customer and a person, also the one that opened the ticket
        judged.is_human_public
        or (judged.event_type = 'customer_message' and coalesce(judged.is_public, true)) as is_said,
        -- the message with which an agent opened the ticket answers nobody
        case when judged.is_human_public and openings.event_key is null then 1 else 0 end as is_reply
    from judged
    inner join logs on judged.source = logs.source
    left join openings on judged.event_key = openings.event_key and openings.position = 1

)

select * from final
