-- Who said what in a ticket's own event log, and what of it is a reply by a person. All rules about replies stand here.
with

tickets as (

    select * from {{ ref('int_ticket_united') }}

),

agents as (
    {{ versions_in_time('agent', ['role']) }}
),

events as (

    select * from {{ ref('fct_ticket_event') }}

),

as_of as (

    select * from {{ ref('stg_as_of') }}

),

judged as (

    select
        events.ticket_key,
        tickets.created_at,
        coalesce(tickets.is_agent_created, false) as is_agent_created,
        events.event_type,
        events.occurred_at,
        events.actor_type,
        -- the type says who speaks where the log has no actor; an account of a bot is no person whatever the log says
        case
            when
                events.event_type = 'agent_message'
                and coalesce(events.is_public, true)
                and coalesce(events.actor_type, 'agent') = 'agent'
                and coalesce(agents.role, 'agent') <> 'bot'
                then 1
            else 0
        end as is_human_public,
        case when events.event_type in ('agent_message', 'note', 'customer_message') then 1 else 0 end as is_written,
        events.agent_key,
        -- whatever a person did, seen by the customer or not; without an actor the type says who, or the agent named
        case
            when coalesce(agents.role, 'agent') = 'bot' then false
            when events.actor_type is not null then events.actor_type = 'agent'
            else events.event_type in ('agent_message', 'note', 'call') or events.agent_key <> 0
        end as is_by_person,
        coalesce(events.is_public, true) as is_public,
        -- a log that never holds a message says nothing about replies, nor about transfers if it holds none of them
        max(
            case
                when
                    events.event_type in ('agent_message', 'customer_message', 'automatic_reply', 'bot_message', 'call')
                    then 1
                else 0
            end
        ) over (partition by events.source) as states_messages,
        {%- for kind in ['complaint', 'transfer', 'escalation'] %}
        max(case when events.event_type = '{{ kind }}' then 1 else 0 end)
            over (partition by events.source) as states_{{ kind }}s,
        {%- endfor %}
        events.event_id,
        events.event_key
    from events
    inner join tickets on events.ticket_key = tickets.ticket_key
    -- an account counts as what it was when it wrote
    left join agents
        on events.agent_key = agents.agent_key
        and agents.valid_from <= events.occurred_at
        and agents.valid_to > events.occurred_at
    cross join as_of
    where events.is_counted and events.occurred_at <= as_of.as_of

),

ordered as (

    select
        *,
        max(case when event_type = 'created' and actor_type = 'agent' then 1 else 0 end)
            over (partition by ticket_key) as is_created_by_agent,
        row_number() over (
            partition by ticket_key, is_written order by {{ event_order() }}
        ) as written_position
    from judged

),

final as (

    select
        ticket_key,
        created_at,
        event_type,
        occurred_at,
        states_messages,
        states_complaints,
        states_transfers,
        states_escalations,
        event_id,
        event_key,
        agent_key,
        is_by_person,
        -- a message between the customer and a person, also the one that opened the ticket
        is_human_public = 1 or (event_type = 'customer_message' and is_public) as is_said,
        -- the message with which an agent opened the ticket answers nobody
        case
            when
                is_human_public = 1
                and not (written_position = 1 and (is_agent_created or is_created_by_agent = 1))
                then 1
            else 0
        end as is_reply
    from ordered

)

select * from final
