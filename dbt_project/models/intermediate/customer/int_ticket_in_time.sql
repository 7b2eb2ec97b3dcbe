{#- What was told of tickets, and when: one row per ticket and time in which what its versions say of it held, so that
    a look back at a day uses what was told by then. Of most tickets there is one version, which holds at all times. -#}
with

tickets as (

    select
        ticket_key,
        customer_key,
        created_date,
        is_in_scope,
        first_response_minutes,
        {{ local_date('first_response_at') }} as first_response_date
    from {{ ref('fct_ticket') }}
    where customer_key <> 0

),

told as (

    select
        ticket_key,
        is_complaint,
        is_deleted,
        version_count > 1 or is_deleted as is_told_again
    from {{ ref('stg_ticket') }}

),

versions as (
    {{ versions_in_time(
        'ticket',
        ['is_complaint', 'exclusion', 'merged_into_ticket_key', 'status', 'is_deleted', 'is_counted', 'night'],
        among='select told.ticket_key from told where told.is_told_again',
    ) }}
),

known as (

    select
        versions.*,
        told.is_deleted and not coalesce(versions.is_deleted, false) as is_gone_later
    from versions
    inner join told
        on told.ticket_key = versions.ticket_key

),

stretches as (

    select
        told.ticket_key,
        cast('1900-01-01' as date) as valid_from_date,
        cast('9999-12-31' as date) as valid_to_date,
        told.is_complaint,
        tickets.is_in_scope
    from told
    inner join tickets
        on tickets.ticket_key = told.ticket_key
    where not told.is_told_again
    union all
    select
        ticket_key,
        {{ local_date('valid_from') }},
        case
            when valid_to < timestamp '9999-12-31' then {{ local_date('valid_to') }}
            -- missing in a later snapshot: there until the night of the last one that had it
            when is_gone_later then {{ add_days(local_date('night'), 1) }}
            else cast('9999-12-31' as date)
        end,
        is_complaint,
        not coalesce(is_deleted, false)
        and {{ told_is_countable('status') }}
        and is_counted
    from known
    union all
    -- an event log without a row of the ticket tells each thing at its own time
    select
        tickets.ticket_key,
        cast('1900-01-01' as date),
        cast('9999-12-31' as date),
        cast(null as boolean),
        tickets.is_in_scope
    from tickets
    left join told
        on told.ticket_key = tickets.ticket_key
    where told.ticket_key is null

),

complaints as (

    select
        ticket_key,
        {{ local_date('min(occurred_at)') }} as complained_date
    from {{ ref('int_ticket_event_judged') }}
    where event_type = 'complaint'
    group by ticket_key

),

final as (

    select
        tickets.ticket_key,
        stretches.valid_from_date,
        stretches.valid_to_date,
        tickets.customer_key,
        tickets.created_date,
        tickets.first_response_date,
        tickets.first_response_minutes,
        stretches.is_complaint,
        complaints.complained_date
    from stretches
    inner join tickets
        on tickets.ticket_key = stretches.ticket_key
    left join complaints
        on complaints.ticket_key = stretches.ticket_key
    where stretches.is_in_scope and stretches.valid_from_date < stretches.valid_to_date

)

select * from final
