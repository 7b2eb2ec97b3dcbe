-- When a person first did anything to a ticket, and whether a bot had it first.
with

events as (

    select * from {{ ref('int_ticket_event_judged') }}

),

final as (

    select
        ticket_key,
        min(case when is_by_person then greatest(occurred_at, created_at) end) as first_touched_at,
        min(case when event_type = 'bot_handover' then greatest(occurred_at, created_at) end) as bot_handed_over_at,
        max(case when event_type in ('bot_message', 'bot_handover') then 1 else 0 end) = 1 as has_bot_phase
    from events
    group by ticket_key

)

select * from final
