-- Each clock against the target in force at each instant: the first one that was passed decides, else the last one.
with

legs as (

    select * from {{ ref('int_sla_leg') }}

),

clocks as (

    select
        ticket_sla_key,
        stopped_at
    from {{ ref('int_sla_clock') }}

),

placed as (

    select
        legs.*,
        clocks.stopped_at
    from legs
    inner join clocks on legs.ticket_sla_key = clocks.ticket_sla_key

),

-- what had passed of the clock's own time by the end of each leg, around the clock and in business hours
summed as (

    select
        *,
        cast(sum(case when is_counting then calendar_microseconds else 0 end) over (
            partition by ticket_sla_key order by position rows between unbounded preceding and current row
        ) as bigint) as calendar_elapsed,
        cast(sum(case when is_counting then business_microseconds else 0 end) over (
            partition by ticket_sla_key order by position rows between unbounded preceding and current row
        ) as bigint) as business_elapsed,
        -- business time without a calendar is not known, nor is anything after it
        max(case when is_counting and business_microseconds is null then 1 else 0 end) over (
            partition by ticket_sla_key order by position rows between unbounded preceding and current row
        ) as is_unknown,
        lag(policy_order) over (partition by ticket_sla_key order by position) as previous_policy_order,
        max(position) over (partition by ticket_sla_key) as last_position
    from placed

),

measured as (

    select
        *,
        case
            when not is_business_hours then calendar_elapsed
            when is_business_hours and is_unknown = 0 then business_elapsed
        end as elapsed,
        case
            when not is_counting then 0
            when is_business_hours then business_microseconds
            else calendar_microseconds
        end as own_microseconds,
        case
            when position = 1 or (policy_order is distinct from previous_policy_order) then 1
            else 0
        end as is_new_target
    from summed

),

compared as (

    select
        *,
        sum(is_new_target) over (
            partition by ticket_sla_key order by position rows between unbounded preceding and current row
        ) as target_number,
        coalesce(elapsed > target_microseconds, false) as is_passed,
        min(case when elapsed > target_microseconds then position end)
            over (partition by ticket_sla_key) as first_passed_position,
        -- where the target is reached: before it was in force, in this leg, or after the last one if the clock went on
        is_new_target = 1 and elapsed - own_microseconds >= target_microseconds as is_reached_before,
        (
            elapsed - own_microseconds < target_microseconds
            and (
                elapsed >= target_microseconds
                or (position = last_position and (is_counting or stopped_at is not null))
            )
        ) as is_reached_by_clock
    from measured

),

reaching as (

    select
        *,
        position = coalesce(first_passed_position, last_position) as is_deciding,
        case
            when is_reached_by_clock and is_business_hours then business_to + target_microseconds - elapsed
        end as due_business,
        case
            when is_reached_by_clock and not is_business_hours then target_microseconds - elapsed
        end as left_microseconds
    from compared

),

reached as (

    select
        reaching.*,
        case
            when reaching.is_reached_before then reaching.from_at
            when reaching.due_business is not null then {{ due_at('mark', 'reaching.due_business') }}
            when reaching.left_microseconds is not null
                then {{ microseconds_after('reaching.to_at', 'reaching.left_microseconds') }}
        end as target_reached_at
    from reaching
    {{ due_join('mark', 'reaching.schedule', 'reaching.due_business') }}

),

decided as (

    select
        *,
        min(target_reached_at) over (partition by ticket_sla_key, target_number) as due_at,
        cast(sum(case when is_counting then 0 else calendar_microseconds end) over (
            partition by ticket_sla_key
        ) as bigint) as paused_microseconds,
        max(calendar_elapsed) over (partition by ticket_sla_key) as calendar_total,
        max(business_elapsed) over (partition by ticket_sla_key) as business_total,
        max(is_unknown) over (partition by ticket_sla_key) as is_total_unknown,
        -- pauses included, and not known where a leg has no calendar
        case
            when count(*) over (partition by ticket_sla_key)
                = count(business_microseconds) over (partition by ticket_sla_key)
                then cast(sum(business_microseconds) over (partition by ticket_sla_key) as bigint)
        end as business_wait
    from reached

),

final as (

    select
        ticket_sla_key,
        priority,
        policy,
        policy_en,
        policy_zh,
        is_business_hours,
        target_microseconds,
        case
            when not is_business_hours then calendar_total
            when is_business_hours and is_total_unknown = 0 then business_total
        end as elapsed_microseconds,
        paused_microseconds,
        business_wait as business_wait_microseconds,
        case when target_microseconds is not null then due_at end as due_at,
        case
            when is_passed then 'breached'
            when target_microseconds is null or elapsed is null then null
            when stopped_at is not null then 'met'
            else 'running'
        end as state
    from decided
    where is_deciding

)

select * from final
