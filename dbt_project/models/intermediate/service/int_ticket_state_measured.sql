-- Replays the status changes of a ticket's own event log. Tickets whose log says nothing of their state are left out.
with

tickets as (

    select * from {{ ref('int_ticket_united') }}

),

events as (

    select * from {{ ref('fct_ticket_event') }}

),

held as (

    select
        spans.ticket_key,
        spans.from_at,
        -- not null, for a condition with `or` can't be hashed
        coalesce(spans.to_at, cast('9999-12-31' as timestamp)) as to_at,
        schedules.schedule
    from {{ ref('int_ticket_span') }} as spans
    inner join {{ ref('int_team_scheduled') }} as schedules on spans.team_key = schedules.team_key

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
        max(case when events.event_type = 'status_change' then 1 else 0 end)
            over (partition by events.source) as states_changes,
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
    group by ticket_key, created_at, as_of
    having
        max(states_changes) = 1
        and max(case when event_type <> 'created' or status <> summary_status then 1 else 0 end) = 0
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

spans as (

    select
        *,
        lead(changed_at) over (partition by ticket_key order by position) as left_at,
        max(case when status in ('new', 'open', 'pending', 'hold') then position end)
            over (partition by ticket_key) as last_unsolved_position,
        {{ dbt.dateadd('day', 'cast(' ~ threshold('resolution_limit') ~ ' as integer)', 'created_at') }} as judged_at
    from moves

),

ended as (

    select
        *,
        left_at is null as is_last,
        case
            when left_at is not null then left_at
            -- a ticket's life ends when it is closed; everything else lasts until now
            when status in ('closed', 'deleted') or changed_at > as_of then changed_at
            else as_of
        end as ended_at
    from spans

),

-- a state's business time runs by the calendar of the team that held the ticket when the state began
measured as (

    select
        ended.*,
        {{ microseconds_between('ended.changed_at', 'ended.ended_at') }} as microseconds,
        {{ business_at('end_piece', 'ended.ended_at') }}
        - {{ business_at('begin_piece', 'ended.changed_at') }} as business_microseconds
    from ended
    left join held
        on ended.ticket_key = held.ticket_key
        and ended.changed_at >= held.from_at
        and ended.changed_at < held.to_at
    {{ business_join('begin_piece', 'held.schedule', 'ended.changed_at') }}
    {{ business_join('end_piece', 'held.schedule', 'ended.ended_at') }}

),

totalled as (

    select
        ticket_key,
        max(case when is_last then status end) as status,
        coalesce(
            min(case when status = 'resolved' then changed_at end), min(case when status = 'closed' then changed_at end)
        ) as first_resolved_at,
        case
            when max(case when is_last and status in ('resolved', 'closed') then 1 else 0 end) = 1
                then coalesce(
                    max(
                        case
                            when status = 'resolved' and position > coalesce(last_unsolved_position, -1) then changed_at
                        end
                    ),
                    min(
                        case
                            when status = 'closed' and position > coalesce(last_unsolved_position, -1) then changed_at
                        end
                    )
                )
        end as resolved_at,
        max(case when is_last and status = 'closed' then changed_at end) as closed_at,
        sum(is_reopen) as reopen_count,
        max(
            case
                when
                    status in ('resolved', 'closed')
                    and changed_at <= judged_at and (left_at is null or left_at > judged_at)
                    then 1
                else 0
            end
        ) = 1 as is_resolved_at_limit,
        {%- for clock in ['', 'business_'] %}
        {%- for state in ['new', 'open', 'pending', 'hold'] %}
        sum(case when status = '{{ state }}' then {{ clock }}microseconds else 0 end)
            as {{ state }}_{{ clock }}microseconds,
        {%- endfor %}
        sum(case when status in ('resolved', 'closed', 'deleted') then {{ clock }}microseconds else 0 end)
            as solved_{{ clock }}microseconds,
        sum({{ clock }}microseconds) as life_{{ clock }}microseconds,
        {%- endfor %}
        count(business_microseconds) = count(*) as has_business_time
    from measured
    group by ticket_key

),

judged as (

    select
        totalled.*,
        untold.ticket_key is null as is_told,
        untold.ticket_key is null and totalled.has_business_time as is_business_told
    from totalled
    left join untold on totalled.ticket_key = untold.ticket_key

),

final as (

    select
        ticket_key,
        status,
        first_resolved_at,
        resolved_at,
        closed_at,
        reopen_count,
        is_resolved_at_limit,
        {% for state in ['new', 'open', 'pending', 'hold', 'solved'] -%}
        case when is_told then {{ state }}_microseconds end as {{ state }}_microseconds,
        {% endfor -%}
        {% for state in ['new', 'open', 'pending', 'hold', 'solved', 'life'] -%}
        case when is_business_told then {{ state }}_business_microseconds end as {{ state }}_business_microseconds,
        {% endfor -%}
        life_microseconds
    from judged

)

select * from final
