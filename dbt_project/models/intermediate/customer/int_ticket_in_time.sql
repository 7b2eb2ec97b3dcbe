{#- What was told of tickets, and when: one row per ticket and time in which what its versions say of it held, so that
    a look back at the end of a day uses what was told by then. -#}
with

tickets as (

    select
        ticket_key,
        customer_key,
        created_date,
        first_response_minutes,
        {{ local_date('first_response_at') }} as first_response_date
    from {{ ref('fct_ticket') }}
    where customer_key <> 0

),

current_rows as (

    select
        ticket_key,
        is_complaint,
        is_deleted,
        -- only what was told of more than once, or is gone, has to be put in order
        version_count > 1 or is_deleted as is_told_again,
        {{ told_is_in_scope('status') }} as is_in_scope
    from {{ ref('stg_ticket') }}

),

versions as (
    {{ versions_in_time(
        'ticket',
        ['is_complaint', 'exclusion', 'merged_into_ticket_key', 'status', 'is_deleted', 'is_counted', 'night'],
        among='select current_rows.ticket_key from current_rows where current_rows.is_told_again',
    ) }}
),

judged as (

    select
        ticket_key,
        valid_from,
        is_complaint,
        not coalesce(is_deleted, false)
        and {{ told_is_in_scope('status') }} as is_in_scope,
        coalesce(is_deleted, false) as is_stated_deleted,
        max(night) over (partition by ticket_key) as last_night
    from versions

),

compared as (

    select
        *,
        lag(is_in_scope) over (partition by ticket_key order by valid_from) as previous_in_scope,
        lag(is_complaint) over (partition by ticket_key order by valid_from) as previous_complaint
    from judged

),

-- versions that say the same of it are one stretch of time
changes as (

    select
        *,
        lead(valid_from) over (partition by ticket_key order by valid_from) as valid_to
    from compared
    where
        previous_in_scope is null
        or is_in_scope <> previous_in_scope
        or is_complaint is distinct from previous_complaint

),

stretches as (

    select
        changes.ticket_key,
        case
            when changes.valid_from > timestamp '1900-01-01' then {{ last_local_date('changes.valid_from') }}
            else cast('1900-01-01' as date)
        end as valid_from_date,
        case
            when changes.valid_to is not null then {{ last_local_date('changes.valid_to') }}
            -- missing in a later snapshot: there until the night of the last one that had it
            when current_rows.is_deleted and not changes.is_stated_deleted
                then {{ add_days(last_local_date('changes.last_night'), 1) }}
            else cast('9999-12-31' as date)
        end as valid_to_date,
        changes.is_complaint,
        changes.is_in_scope
    from changes
    inner join current_rows
        on current_rows.ticket_key = changes.ticket_key
    union all
    select
        ticket_key,
        cast('1900-01-01' as date),
        cast('9999-12-31' as date),
        is_complaint,
        is_in_scope
    from current_rows
    where not is_told_again
    union all
    -- there is nothing but an event log of it
    select
        tickets.ticket_key,
        cast('1900-01-01' as date),
        cast('9999-12-31' as date),
        cast(null as boolean),
        true
    from tickets
    left join current_rows
        on current_rows.ticket_key = tickets.ticket_key
    where current_rows.ticket_key is null

),

complaints as (

    select
        ticket_key,
        {{ local_date('min(occurred_at)') }} as complained_date
    from {{ ref('int_ticket_event_judged') }}
    where event_type = 'complaint'
    group by ticket_key

),

-- by its own event log
deletions as (

    select
        ticket_key,
        {{ last_local_date('from_at') }} as deleted_date
    from {{ ref('int_ticket_state_span') }}
    where status = 'deleted' and to_at is null

),

ended as (

    select
        stretches.ticket_key,
        stretches.valid_from_date,
        least(stretches.valid_to_date, coalesce(deletions.deleted_date, stretches.valid_to_date)) as valid_to_date,
        stretches.is_complaint
    from stretches
    left join deletions
        on deletions.ticket_key = stretches.ticket_key
    where stretches.is_in_scope

),

final as (

    select
        tickets.ticket_key,
        ended.valid_from_date,
        ended.valid_to_date,
        tickets.customer_key,
        tickets.created_date,
        tickets.first_response_date,
        tickets.first_response_minutes,
        ended.is_complaint,
        complaints.complained_date
    from ended
    inner join tickets
        on tickets.ticket_key = ended.ticket_key
    left join complaints
        on complaints.ticket_key = ended.ticket_key
    where ended.valid_from_date < ended.valid_to_date

)

select * from final
