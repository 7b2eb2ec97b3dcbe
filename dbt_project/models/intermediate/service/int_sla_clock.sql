-- The clocks of a ticket that counts: from when, until when, and what decides their target.
with

tickets as (

    select * from {{ ref('fct_ticket') }}
    where is_countable

),

exchanges as (

    select
        *,
        row_number() over (partition by ticket_key order by position) as instance
    from {{ ref('int_ticket_exchange') }}
    -- what comes before the first response is the first response's; what waited for nobody is no wait
    where is_after_first_response and (coalesce(ended_by, '') <> 'solved' or ended_at <> asked_at)

),

spans as (

    select
        *,
        1 + sum(is_reopen) over (
            partition by ticket_key order by position rows between unbounded preceding and current row
        ) as instance
    from {{ ref('int_ticket_state_span') }}

),

as_of as (

    select * from {{ ref('stg_as_of') }}

),

stays as (

    select
        ticket_key,
        instance,
        min(from_at) as started_at,
        coalesce(
            min(case when status = 'resolved' then from_at end), min(case when status = 'closed' then from_at end)
        ) as stopped_at,
        min(case when is_told then 1 else 0 end) = 1 as is_told,
        max(instance) over (partition by ticket_key) as last_instance
    from spans
    group by ticket_key, instance

),

clocks as (

    select
        ticket_key,
        'first_response' as sla_clock,
        1 as instance,
        first_response_clock_at as started_at,
        first_response_at as stopped_at,
        case when first_response_at is not null then 'reply' end as stopped_by,
        first_response_from as told_by,
        false as has_states
    from tickets
    where
        is_response_told
        -- answered before the clock starts: a contradiction, not a response
        and (first_response_at is null or first_response_at >= first_response_clock_at)
    union all
    select
        tickets.ticket_key,
        'next_response' as sla_clock,
        exchanges.instance,
        exchanges.asked_at as started_at,
        exchanges.ended_at as stopped_at,
        exchanges.ended_by as stopped_by,
        'events' as told_by,
        false as has_states
    from tickets
    inner join exchanges on tickets.ticket_key = exchanges.ticket_key
    union all
    select
        tickets.ticket_key,
        'resolution' as sla_clock,
        stays.instance,
        stays.started_at,
        stays.stopped_at,
        case when stays.stopped_at is not null then 'solved' end as stopped_by,
        'events' as told_by,
        stays.is_told as has_states
    from tickets
    inner join stays on tickets.ticket_key = stays.ticket_key
    -- a log that begins with a reopening does not say when the ticket was solved before
    where stays.stopped_at is not null or stays.instance = stays.last_instance
    union all
    select
        ticket_key,
        'resolution' as sla_clock,
        1 as instance,
        created_at as started_at,
        resolved_at as stopped_at,
        case when resolved_at is not null then 'solved' end as stopped_by,
        'summary' as told_by,
        false as has_states
    from tickets
    where
        states_from = 'summary'
        and is_resolution_told
        -- of a reopened ticket the summary keeps the last resolution only
        and coalesce(stated_reopen_count, 0) = 0
        and (resolved_at is null or resolved_at >= created_at)

),

final as (

    select
        {{ surrogate_key([
            "'ticket_sla'",
            "cast(clocks.ticket_key as " ~ dbt.type_string() ~ ")",
            "clocks.sla_clock",
            "cast(clocks.instance as " ~ dbt.type_string() ~ ")"
        ]) }} as ticket_sla_key,
        clocks.ticket_key,
        clocks.sla_clock,
        clocks.instance,
        clocks.started_at,
        clocks.stopped_at,
        coalesce(clocks.stopped_at, as_of.as_of) as reached_at,
        clocks.stopped_by,
        clocks.told_by,
        clocks.has_states,
        coalesce(customer_version.customer_version_key, 0) as customer_version_key,
        -- what a target may depend on besides the priority; '' is not known
        coalesce(customer_version.tier, '') as tier,
        coalesce(tickets.issue_type, '') as issue_type,
        coalesce(tickets.channel, '') as channel
    from clocks
    inner join tickets on clocks.ticket_key = tickets.ticket_key
    cross join as_of
    {{ customer_version_join('tickets.customer_key', 'clocks.started_at') }}
    where clocks.started_at <= as_of.as_of

)

select * from final
