-- First response and replies from a ticket's own event log, one row per ticket that has events.
with

events as (

    select * from {{ ref('int_ticket_event_judged') }}

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
    from events
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
