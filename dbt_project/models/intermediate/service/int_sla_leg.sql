-- The time of each clock, cut wherever its pace or its target changes: at pauses, other priorities, other policies.
with

clocks as (

    select * from {{ ref('int_sla_clock') }}

),

states as (

    select * from {{ ref('int_ticket_state_span') }}

),

spans as (

    select * from {{ ref('int_ticket_span') }}

),

targets as (

    select * from {{ ref('int_sla_target') }}

),

schedules as (

    select * from {{ ref('int_team_scheduled') }}

),

-- a clock runs in one piece; that of the resolution pauses while the ticket waits for the customer
pieces as (

    select
        ticket_sla_key,
        started_at as from_at,
        greatest(reached_at, started_at) as to_at,
        true as is_counting
    from clocks
    where not has_states or reached_at <= started_at
    union all
    select
        clocks.ticket_sla_key,
        states.from_at,
        least(coalesce(states.to_at, clocks.reached_at), clocks.reached_at) as to_at,
        states.status in ('new', 'open', 'hold') as is_counting
    from clocks
    inner join states
        on clocks.ticket_key = states.ticket_key
        and states.from_at >= clocks.started_at
        and states.from_at < clocks.reached_at
        and coalesce(states.to_at, clocks.reached_at) > states.from_at
    where clocks.has_states and clocks.reached_at > clocks.started_at

),

held as (

    select
        pieces.ticket_sla_key,
        pieces.is_counting,
        clocks.sla_clock,
        clocks.tier,
        clocks.issue_type,
        clocks.channel,
        coalesce(spans.priority, '') as priority,
        -- the schedule is that of the team that had the ticket when the piece began
        first_value(spans.team_key) over (
            partition by pieces.ticket_sla_key, pieces.from_at
            order by spans.from_at
            rows between unbounded preceding and current row
        ) as team_key,
        greatest(pieces.from_at, spans.from_at) as from_at,
        least(pieces.to_at, coalesce(spans.to_at, pieces.to_at)) as to_at
    from pieces
    inner join clocks on pieces.ticket_sla_key = clocks.ticket_sla_key
    -- of a piece without length the span that holds its instant
    inner join spans
        on clocks.ticket_key = spans.ticket_key
        and (spans.from_at < pieces.to_at or spans.from_at <= pieces.from_at)
        and (spans.to_at is null or spans.to_at > pieces.from_at)

),

aimed as (

    select
        held.ticket_sla_key,
        held.is_counting,
        held.priority,
        held.team_key,
        greatest(held.from_at, targets.from_at) as from_at,
        least(held.to_at, targets.to_at) as to_at,
        targets.policy,
        targets.policy_en,
        targets.policy_zh,
        targets.policy_order,
        targets.target_microseconds,
        targets.is_business_hours
    from held
    inner join targets
        on held.sla_clock = targets.sla_clock
        and held.tier = targets.tier
        and held.priority = targets.priority
        and held.issue_type = targets.issue_type
        and held.channel = targets.channel
        and (targets.from_at < held.to_at or targets.from_at <= held.from_at)
        and targets.to_at > held.from_at

),

final as (

    select
        aimed.ticket_sla_key,
        cast(
            row_number() over (partition by aimed.ticket_sla_key order by aimed.from_at) as bigint
        ) as position,
        aimed.from_at,
        aimed.to_at,
        aimed.is_counting,
        nullif(aimed.priority, '') as priority,
        schedules.schedule,
        aimed.policy,
        aimed.policy_en,
        aimed.policy_zh,
        aimed.policy_order,
        aimed.target_microseconds,
        aimed.is_business_hours,
        {{ microseconds_between('aimed.from_at', 'aimed.to_at') }} as calendar_microseconds,
        {{ business_at('ended', 'aimed.to_at') }}
        - {{ business_at('began', 'aimed.from_at') }} as business_microseconds,
        {{ business_at('ended', 'aimed.to_at') }} as business_to
    from aimed
    left join schedules on aimed.team_key = schedules.team_key
    {{ business_join('began', 'schedules.schedule', 'aimed.from_at') }}
    {{ business_join('ended', 'schedules.schedule', 'aimed.to_at') }}

)

select * from final
