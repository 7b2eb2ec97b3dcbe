-- METHODS 'Contact': one call, one visit, or public messages less than `contact_gap` apart. A chat is messages, too.
with

events as (

    select * from {{ ref('int_ticket_event_judged') }}

),

visits as (

    select visits.*
    from {{ ref('stg_visit') }} as visits
    cross join {{ ref('stg_as_of') }} as as_of
    where
        {{ is_arrival('visits') }}
        and visits.arrived_at <= as_of.as_of

),

-- the customer's messages and a person's answers; notes, automatic replies and bots are no contact
messages as (

    select
        ticket_key,
        occurred_at,
        lag(occurred_at) over (partition by ticket_key order by occurred_at) as previous_at
    from events
    where is_said

),

numbered as (

    select
        ticket_key,
        occurred_at,
        sum(
            case
                when
                    {{ microseconds_between('previous_at', 'occurred_at') }}
                    < {{ threshold('contact_gap') }} * 60000000
                    then 0
                else 1
            end
        ) over (partition by ticket_key order by occurred_at rows unbounded preceding) as run_number
    from messages

),

united as (

    select
        ticket_key,
        'messages' as contact_type,
        min(occurred_at) as began_at,
        max(occurred_at) as ended_at
    from numbered
    group by ticket_key, run_number
    union all
    select
        ticket_key,
        'call' as contact_type,
        occurred_at as began_at,
        occurred_at as ended_at
    from events
    where event_type = 'call'
    union all
    select
        ticket_key,
        'visit' as contact_type,
        arrived_at as began_at,
        greatest(arrived_at, coalesce(finished_at, arrived_at)) as ended_at
    from visits

),

final as (

    select
        ticket_key,
        row_number() over (partition by ticket_key order by began_at, ended_at, contact_type) as position,
        contact_type,
        began_at,
        ended_at
    from united

)

select * from final
