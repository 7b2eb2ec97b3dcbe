-- First response and replies from a ticket's own event log; where it has no event, what its source's log says by that.
with

events as (

    select * from {{ ref('int_ticket_event_judged') }}

),

found as (

    select
        ticket_key,
        created_at,
        min(occurred_at) as began_at,
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
    from events
    group by ticket_key, created_at

),

tickets as (

    select
        ticket_key,
        source,
        created_at
    from {{ ref('int_ticket_united') }}

),

logs as (

    select
        tickets.source,
        {{ local_date('min(found.began_at)') }} as began_on,
        max(case when found.has_messages then 1 else 0 end) = 1 as has_messages,
        max(case when found.has_complaints then 1 else 0 end) = 1 as has_complaints,
        max(case when found.transfer_count is not null then 0 end) as transfer_count,
        max(case when found.escalation_count is not null then 0 end) as escalation_count
    from found
    inner join tickets on found.ticket_key = tickets.ticket_key
    group by tickets.source

),

-- nothing was written on them; a log says nothing of tickets that are older than it
silent as (

    select
        tickets.ticket_key,
        tickets.created_at,
        logs.has_messages,
        logs.has_complaints,
        logs.transfer_count,
        logs.escalation_count
    from tickets
    inner join logs on tickets.source = logs.source and {{ local_date('tickets.created_at') }} >= logs.began_on
    left join found on tickets.ticket_key = found.ticket_key
    where found.ticket_key is null

),

final as (

    select
        ticket_key,
        has_messages,
        has_messages as is_response_logged,
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
    union all
    select
        ticket_key,
        -- what its summary row says of a response stands
        false as has_messages,
        has_messages as is_response_logged,
        has_complaints,
        0 as human_reply_count,
        transfer_count,
        escalation_count,
        false as is_complaint,
        null as first_response_at,
        null as handed_over_at,
        created_at as first_response_clock_at
    from silent

)

select * from final
