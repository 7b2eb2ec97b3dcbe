{%- set steps_order %}
order by occurred_at, is_turn, turn_position, {{ event_order() }}
{%- endset %}
-- Runs of customer messages that wait for a person. A person's public reply ends a run, and so does the solving.
with

events as (

    select * from {{ ref('int_ticket_event_judged') }}
    where event_type = 'customer_message' or is_reply = 1

),

spans as (

    select
        ticket_key,
        position,
        from_at,
        case when status in ('resolved', 'closed', 'deleted') then 1 else 0 end as is_solved
    from {{ ref('int_ticket_state_span') }}

),

tickets as (

    select * from {{ ref('int_ticket_united') }}

),

compared as (

    select
        *,
        coalesce(lag(is_solved) over (partition by ticket_key order by position), 0) as was_solved
    from spans

),

logged as (

    select distinct ticket_key
    from spans

),

-- the instants at which a ticket became solved or unsolved; without a log of its states, what the summary row says
turns as (

    select
        ticket_key,
        from_at as occurred_at,
        position,
        is_solved,
        was_solved
    from compared
    where is_solved <> was_solved
    union all
    select
        tickets.ticket_key,
        coalesce(tickets.resolved_at, tickets.closed_at) as occurred_at,
        1 as position,
        1 as is_solved,
        0 as was_solved
    from tickets
    left join logged on tickets.ticket_key = logged.ticket_key
    where
        logged.ticket_key is null
        and tickets.status in ('resolved', 'closed')
        and coalesce(tickets.resolved_at, tickets.closed_at) is not null

),

steps as (

    select
        ticket_key,
        case when is_reply = 1 then 'reply' else 'ask' end as step,
        is_reply as is_end,
        0 as solved_change,
        occurred_at,
        -- a reply that solves the ticket at the same instant is a reply
        0 as is_turn,
        0 as turn_position,
        event_type,
        event_id,
        event_key,
        case when is_reply = 1 and occurred_at >= created_at then 1 else 0 end as is_response
    from events
    union all
    select
        ticket_key,
        case when is_solved = 1 then 'solve' else 'reopen' end as step,
        is_solved as is_end,
        is_solved - was_solved as solved_change,
        occurred_at,
        1 as is_turn,
        position as turn_position,
        null as event_type,
        null as event_id,
        null as event_key,
        0 as is_response
    from turns

),

placed as (

    select
        ticket_key,
        step,
        occurred_at,
        sum(is_end) over (
            partition by ticket_key {{ steps_order }} rows between unbounded preceding and current row
        ) - is_end as ended_before,
        sum(is_response) over (
            partition by ticket_key {{ steps_order }} rows between unbounded preceding and current row
        ) - is_response as responses_before,
        sum(solved_change) over (
            partition by ticket_key {{ steps_order }} rows between unbounded preceding and current row
        ) as is_solved
    from steps

),

runs as (

    select
        ticket_key,
        ended_before,
        min(case when step = 'ask' then occurred_at end) as asked_at,
        sum(case when step = 'ask' then 1 else 0 end) as message_count,
        max(case when step = 'reply' then occurred_at end) as answered_at,
        max(case when step = 'solve' then occurred_at end) as solved_at,
        max(case when step = 'reopen' or (step = 'ask' and is_solved = 0) then 1 else 0 end) as is_unsolved,
        max(responses_before) > 0 as is_after_first_response
    from placed
    group by ticket_key, ended_before
    having max(case when step = 'ask' then 1 else 0 end) = 1

),

final as (

    select
        ticket_key,
        row_number() over (partition by ticket_key order by ended_before) as position,
        message_count,
        is_after_first_response,
        asked_at,
        answered_at,
        -- a message to a solved ticket waits for nobody as long as it neither reopens it nor is answered
        coalesce(answered_at, solved_at, case when is_unsolved = 0 then asked_at end) as ended_at,
        case
            when answered_at is not null then 'reply'
            when solved_at is not null or is_unsolved = 0 then 'solved'
        end as ended_by
    from runs

)

select * from final
