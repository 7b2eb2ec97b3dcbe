-- Who held a ticket with which priority, and when: half-open spans without gap or overlap, the last one open.
with

tickets as (

    select * from {{ ref('int_ticket_united') }}

),

teams as (

    select team_key from {{ ref('stg_team') }}

),

as_of as (

    select * from {{ ref('stg_as_of') }}

),

logged as (

    select
        events.ticket_key,
        events.event_type,
        greatest(events.occurred_at, tickets.created_at) as moved_at,
        events.occurred_at,
        events.event_id,
        events.event_key,
        events.from_value,
        events.to_value,
        {{ surrogate_key(['tickets.team_id_space', 'events.from_value']) }} as from_team_key,
        {{ surrogate_key(['tickets.team_id_space', 'events.to_value']) }} as to_team_key,
        tickets.team_key,
        tickets.priority,
        tickets.updated_at
    from {{ ref('fct_ticket_event') }} as events
    inner join tickets on events.ticket_key = tickets.ticket_key
    cross join as_of
    where
        events.is_counted
        and events.occurred_at <= as_of.as_of
        and events.event_type in ('transfer', 'priority_change')

),

-- 'team' and 'priority' moves; a value that is no member of ours (the name of a queue, say) tells nothing
recognised as (

    select
        logged.*,
        'team' as attribute,
        coalesce(sender.team_key, 0) as known_from_team_key,
        coalesce(receiver.team_key, sender.team_key, 0) as known_team_key,
        null as known_from_priority,
        null as known_priority
    from logged
    left join teams as sender on logged.from_team_key = sender.team_key
    left join teams as receiver on logged.to_team_key = receiver.team_key
    where logged.event_type = 'transfer' and (sender.team_key is not null or receiver.team_key is not null)
    union all
    select
        *,
        'priority' as attribute,
        0 as known_from_team_key,
        0 as known_team_key,
        case when from_value in ('low', 'normal', 'high', 'urgent') then from_value end as known_from_priority,
        case
            when to_value in ('low', 'normal', 'high', 'urgent') then to_value
            when from_value in ('low', 'normal', 'high', 'urgent') then from_value
        end as known_priority
    from logged
    where
        event_type = 'priority_change'
        and (
            from_value in ('low', 'normal', 'high', 'urgent') or to_value in ('low', 'normal', 'high', 'urgent')
        )

),

numbered as (

    select
        *,
        row_number() over (
            partition by ticket_key, attribute order by moved_at, {{ event_order() }}
        ) as move_number,
        count(*) over (partition by ticket_key, attribute) as move_count,
        row_number() over (
            partition by ticket_key order by moved_at, {{ event_order() }}, attribute
        ) as step
    from recognised

),

moves as (

    select
        ticket_key,
        moved_at,
        step,
        attribute,
        -- the summary row may know of a move that the log lacks, unless it is older than the log's last one
        case
            when move_number = move_count and team_key <> 0 and coalesce(updated_at >= moved_at, true) then team_key
            else known_team_key
        end as team_key,
        case
            when move_number = move_count and priority is not null and coalesce(updated_at >= moved_at, true)
                then priority
            else known_priority
        end as priority
    from numbered

),

first_moves as (

    select
        ticket_key,
        max(case when attribute = 'team' then known_from_team_key end) as team_key,
        max(case when attribute = 'priority' then 1 else 0 end) = 1 as has_priority_moves,
        max(case when attribute = 'priority' then known_from_priority end) as priority
    from numbered
    where move_number = 1
    group by ticket_key

),

steps as (

    select
        tickets.ticket_key,
        tickets.created_at as moved_at,
        0 as step,
        1 as sets_team,
        1 as sets_priority,
        -- before the first move that is what the move came from; without a move, what the summary row says
        coalesce(first_moves.team_key, tickets.team_key) as team_key,
        case
            when first_moves.has_priority_moves then first_moves.priority
            else tickets.priority
        end as priority
    from tickets
    left join first_moves on tickets.ticket_key = first_moves.ticket_key
    union all
    select
        ticket_key,
        moved_at,
        step,
        case when attribute = 'team' then 1 else 0 end as sets_team,
        case when attribute = 'priority' then 1 else 0 end as sets_priority,
        team_key,
        priority
    from moves

),

-- the steps since the one that set a value, that one included
run_numbers as (

    select
        *,
        sum(sets_team) over (partition by ticket_key order by step) as team_run,
        sum(sets_priority) over (partition by ticket_key order by step) as priority_run,
        lead(moved_at) over (partition by ticket_key order by step) as next_at
    from steps

),

carried as (

    select
        ticket_key,
        moved_at,
        step,
        next_at,
        max(case when sets_team = 1 then team_key end) over (partition by ticket_key, team_run) as team_key,
        max(case when sets_priority = 1 then priority end) over (partition by ticket_key, priority_run) as priority
    from run_numbers

),

-- of several steps at one instant the last one holds
compared as (

    select
        *,
        row_number() over (partition by ticket_key order by step) as place,
        lag(team_key) over (partition by ticket_key order by step) as previous_team_key,
        lag(priority) over (partition by ticket_key order by step) as previous_priority
    from carried
    where next_at is null or next_at > moved_at

),

final as (

    select
        ticket_key,
        cast(row_number() over (partition by ticket_key order by step) as bigint) as position,
        moved_at as from_at,
        lead(moved_at) over (partition by ticket_key order by step) as to_at,
        team_key,
        priority
    from compared
    where
        place = 1
        or team_key is distinct from previous_team_key
        or priority is distinct from previous_priority

)

select * from final
