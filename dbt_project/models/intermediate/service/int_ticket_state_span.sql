-- Replays the status changes of a ticket's own event log: half-open spans of one status, no gap or overlap, the last
-- one open. Tickets whose log says nothing of their state are left out.
with

tickets as (

    select * from {{ ref('int_ticket_united') }}

),

events as (

    select * from {{ ref('fct_ticket_event') }}

),

as_of as (

    select * from {{ ref('stg_as_of') }}

),

logged as (

    select
        events.ticket_key,
        tickets.created_at,
        as_of.as_of,
        greatest(events.occurred_at, tickets.created_at) as changed_at,
        events.event_type,
        events.from_value,
        case
            when events.event_type in ('created', 'status_change') then events.to_value
            -- a log may state the reopening without the status that follows
            when events.event_type = 'reopen' and events.to_value in ('new', 'open', 'pending', 'hold')
                then events.to_value
            when events.event_type = 'reopen' then 'open'
            when events.event_type = 'merge' and tickets.merged_into_ticket_key <> 0 then 'closed'
        end as status,
        tickets.status as summary_status,
        events.source,
        events.occurred_at,
        events.event_id,
        events.event_key
    from events
    inner join tickets on events.ticket_key = tickets.ticket_key
    cross join as_of
    where
        events.is_counted
        and events.occurred_at <= as_of.as_of
        and events.event_type in ('created', 'status_change', 'reopen', 'merge')

),

changing_logs as (

    select distinct source from logged
    where event_type = 'status_change'

),

stated as (

    select * from logged
    where status in ('new', 'open', 'pending', 'hold', 'resolved', 'closed', 'deleted')

),

-- a change to a status that is not told (or not one of ours): how long the ticket was in which state can't be known
untold as (

    select distinct ticket_key
    from logged
    where
        event_type = 'status_change'
        and coalesce(status, '') not in ('new', 'open', 'pending', 'hold', 'resolved', 'closed', 'deleted')

),

changes as (

    select
        *,
        row_number() over (
            partition by ticket_key order by changed_at, {{ event_order() }}
        ) as position
    from stated
    where event_type <> 'created'

),

created as (

    select
        ticket_key,
        min(status) as status
    from stated
    where event_type = 'created'
    group by ticket_key

),

-- the state between the creation and the first change: what the creation says, else what the first change left
opening as (

    select
        changes.ticket_key,
        changes.created_at,
        changes.as_of,
        changes.created_at as changed_at,
        0 as position,
        case
            when created.status is not null then created.status
            when changes.from_value in ('new', 'open', 'pending', 'hold') then changes.from_value
            when changes.event_type = 'reopen' or changes.from_value in ('resolved', 'closed') then 'open'
            else 'new'
        end as status,
        false as is_stated_reopen
    from changes
    left join created on changes.ticket_key = created.ticket_key
    where changes.position = 1

),

-- a log that so far holds the creation alone, of a source that logs changes: the state is still the first one, unless
-- the summary (if there is one) knows of another
unchanged as (

    select
        ticket_key,
        created_at,
        as_of,
        created_at as changed_at,
        0 as position,
        coalesce(min(summary_status), min(status), 'new') as status,
        false as is_stated_reopen
    from logged
    where source in (select changing_logs.source from changing_logs)
    group by ticket_key, created_at, as_of
    having
        max(case when event_type <> 'created' or status <> summary_status then 1 else 0 end) = 0
        and coalesce(min(summary_status), min(status), 'new') in ('new', 'open', 'pending', 'hold')

),

timeline as (

    select * from opening
    union all
    select * from unchanged
    union all
    select
        ticket_key,
        created_at,
        as_of,
        changed_at,
        position,
        status,
        -- a log that begins in the middle of a ticket's life still says that the ticket had been solved
        position = 1 and (
            from_value in ('resolved', 'closed') or (event_type = 'reopen' and from_value is null)
        ) as is_stated_reopen
    from changes

),

compared as (

    select
        *,
        lag(status) over (partition by ticket_key order by position) as previous_status
    from timeline

),

moves as (

    select
        *,
        case
            when
                status in ('new', 'open', 'pending', 'hold')
                and (previous_status in ('resolved', 'closed') or is_stated_reopen)
                then 1
            else 0
        end as is_reopen
    from compared
    where previous_status is null or status <> previous_status or is_stated_reopen

),

final as (

    select
        moves.ticket_key,
        moves.created_at,
        moves.position,
        moves.status,
        moves.changed_at as from_at,
        lead(moves.changed_at) over (partition by moves.ticket_key order by moves.position) as to_at,
        moves.is_reopen,
        untold.ticket_key is null as is_told
    from moves
    left join untold on moves.ticket_key = untold.ticket_key

)

select * from final
