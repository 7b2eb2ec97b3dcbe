with

clocks as (

    select * from {{ ref('int_sla_clock') }}

),

judged as (

    select * from {{ ref('int_sla_judged') }}

),

tickets as (

    select * from {{ ref('fct_ticket') }}

),

final as (

    select
        clocks.ticket_sla_key,
        clocks.ticket_key,
        tickets.ticket_id,
        tickets.source,
        tickets.batch_id,
        clocks.sla_clock,
        cast(clocks.instance as bigint) as instance,
        judged.policy,
        judged.policy_en,
        judged.policy_zh,
        {{ microseconds_to_minutes('judged.target_microseconds') }} as target_minutes,
        judged.is_business_hours,
        clocks.started_at,
        {{ local_date('clocks.started_at') }} as started_date,
        clocks.stopped_at,
        clocks.stopped_by,
        {{ microseconds_to_minutes('judged.elapsed_microseconds') }} as elapsed_minutes,
        -- whether a clock of the resolution paused is known only where the states are
        case
            when clocks.sla_clock <> 'resolution' or clocks.has_states
                then {{ microseconds_to_minutes('judged.paused_microseconds') }}
        end as paused_minutes,
        {{ microseconds_to_minutes(microseconds_between('clocks.started_at', 'clocks.stopped_at')) }} as wait_minutes,
        case
            when clocks.stopped_at is not null
                then {{ microseconds_to_minutes('judged.business_wait_microseconds') }}
        end as wait_business_minutes,
        judged.due_at,
        judged.state,
        case when judged.state = 'breached' then judged.due_at end as breached_at,
        case
            when judged.state = 'running'
                then {{ microseconds_to_minutes('(judged.target_microseconds - judged.elapsed_microseconds)') }}
        end as minutes_left,
        clocks.told_by,
        judged.priority,
        tickets.created_date,
        tickets.customer_key,
        clocks.customer_version_key,
        tickets.product_key,
        tickets.agent_key,
        tickets.team_key,
        tickets.asset_key,
        tickets.service_partner_key,
        tickets.issue_type,
        tickets.issue_type_key,
        tickets.channel,
        tickets.channel_key,
        tickets.is_new_customer,
        tickets.is_in_scope,
        tickets.is_resolved
    from clocks
    inner join tickets on clocks.ticket_key = tickets.ticket_key
    left join judged on clocks.ticket_sla_key = judged.ticket_sla_key

)

select * from final
