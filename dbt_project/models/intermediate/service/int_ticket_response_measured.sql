-- First response and replies from a ticket's own event log, one row per ticket that has events.
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

replies as (

    select
        *,
        -- the message with which an agent opened the ticket answers nobody
        case
            when
                is_human_public = 1
                and not (written_position = 1 and (is_agent_created or is_created_by_agent = 1))
                then 1
            else 0
        end as is_reply
    from ordered

),

found as (

    select
        ticket_key,
        created_at,
        max(states_messages) = 1 as has_messages,
        max(states_complaints) = 1 as has_complaints,
        sum(is_reply) as human_reply_count,
        {%- for kind in ['transfer', 'escalation'] %}
        case when max(states_{{ kind }}s) = 1 then sum(case when event_type = '{{ kind }}' then 1 else 0 end) end
            as {{ kind }}_count,
        {%- endfor %}
        max(case when event_type = 'complaint' then 1 else 0 end) = 1 as is_complaint,
        min(case when is_reply = 1 and occurred_at >= created_at then occurred_at end) as first_response_at,
        min(case when event_type = 'bot_handover' and occurred_at >= created_at then occurred_at end) as handed_over_at
    from replies
    group by ticket_key, created_at

),

final as (

    select
        ticket_key,
        has_messages,
        has_complaints,
        human_reply_count,
        transfer_count,
        escalation_count,
        is_complaint,
        first_response_at,
        handed_over_at,
        -- a hand-over after a person has answered starts no clock
        case
            when handed_over_at is not null and (first_response_at is null or handed_over_at <= first_response_at)
                then handed_over_at
            else created_at
        end as first_response_clock_at
    from found

)

select * from final
