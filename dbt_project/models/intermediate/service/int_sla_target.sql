-- Which policy is in force when, for what tickets are like; few rows, so that each clock finds its targets by equality.
with

policies as (

    select * from {{ ref('stg_sla_policy') }}

),

kinds as (

    select distinct
        sla_clock,
        tier,
        issue_type,
        channel
    from {{ ref('int_sla_clock') }}

),

priorities as (

    select distinct coalesce(priority, '') as priority
    from {{ ref('int_ticket_span') }}

),

cases as (

    select
        kinds.*,
        priorities.priority
    from kinds
    cross join priorities

),

fitting as (

    select
        cases.sla_clock,
        cases.tier,
        cases.priority,
        cases.issue_type,
        cases.channel,
        policies.policy,
        policies.policy_en,
        policies.policy_zh,
        policies.policy_order,
        policies.valid_from_at,
        policies.valid_to_at,
        policies.target_minutes,
        policies.is_business_hours
    from cases
    inner join policies
        on cases.sla_clock = policies.sla_clock
        and (policies.tier is null or cases.tier = policies.tier)
        and (policies.priority is null or cases.priority = policies.priority)
        and (policies.issue_type is null or cases.issue_type = policies.issue_type)
        and (policies.channel is null or cases.channel = policies.channel)

),

moments as (

    select
        sla_clock,
        tier,
        priority,
        issue_type,
        channel,
        timestamp '1900-01-01' as from_at
    from cases
    {% for border in ['valid_from_at', 'valid_to_at'] -%}
    union
    select
        sla_clock,
        tier,
        priority,
        issue_type,
        channel,
        {{ border }} as from_at
    from fitting
    {% endfor %}
),

periods as (

    select
        *,
        coalesce(
            lead(from_at) over (partition by sla_clock, tier, priority, issue_type, channel order by from_at),
            timestamp '9999-12-31'
        ) as to_at
    from moments

),

ranked as (

    select
        periods.*,
        fitting.policy,
        fitting.policy_en,
        fitting.policy_zh,
        fitting.policy_order,
        fitting.target_minutes * 60000000 as target_microseconds,
        fitting.is_business_hours,
        row_number() over (
            partition by
                periods.sla_clock, periods.tier, periods.priority, periods.issue_type, periods.channel, periods.from_at
            order by fitting.policy_order
        ) as choice
    from periods
    left join fitting
        on periods.sla_clock = fitting.sla_clock
        and periods.tier = fitting.tier
        and periods.priority = fitting.priority
        and periods.issue_type = fitting.issue_type
        and periods.channel = fitting.channel
        and periods.from_at >= fitting.valid_from_at
        and periods.from_at < fitting.valid_to_at
    where periods.from_at < periods.to_at

),

final as (

    select
        sla_clock,
        tier,
        priority,
        issue_type,
        channel,
        from_at,
        to_at,
        policy,
        policy_en,
        policy_zh,
        policy_order,
        target_microseconds,
        is_business_hours
    from ranked
    where choice = 1

)

select * from final
