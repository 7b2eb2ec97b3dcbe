{% set parts = [
    'tickets_touched', 'reply_count', 'tickets_solved', 'solved_reply_count', 'solved_with_replies_count',
    'handled_count', 'csat_answers', 'csat_satisfied',
] %}
with

tickets as (

    select * from {{ ref('fct_ticket') }}
    where is_in_scope

),

agents as (

    select * from {{ ref('dim_agent') }}

),

-- whatever an agent did, on the day of doing it; an account of a bot is no agent
events as (

    select
        events.agent_key,
        {{ local_date('events.occurred_at') }} as date_day,
        events.ticket_key,
        events.is_reply
    from {{ ref('int_ticket_event_judged') }} as events
    inner join tickets on events.ticket_key = tickets.ticket_key
    where events.is_by_person and events.agent_key <> 0

),

united as (

    select
        agent_key,
        date_day,
        count(distinct ticket_key) as tickets_touched,
        sum(is_reply) as reply_count,
        0 as tickets_solved,
        0 as solved_reply_count,
        0 as solved_with_replies_count,
        null as handling_minutes,
        0 as handled_count,
        0 as csat_answers,
        0 as csat_satisfied
    from events
    group by agent_key, date_day
    union all
    select
        agent_key,
        resolved_date as date_day,
        0 as tickets_touched,
        0 as reply_count,
        count(*) as tickets_solved,
        coalesce(sum(human_reply_count), 0) as solved_reply_count,
        count(human_reply_count) as solved_with_replies_count,
        -- as recorded, else the length of its visits
        sum(cast(coalesce(handling_minutes, visit_minutes) as decimal(28, 6))) as handling_minutes,
        count(coalesce(handling_minutes, visit_minutes)) as handled_count,
        0 as csat_answers,
        0 as csat_satisfied
    from tickets
    where is_resolved and resolved_date is not null and agent_key <> 0
    group by agent_key, resolved_date
    union all
    select
        agent_key,
        submitted_date as date_day,
        0 as tickets_touched,
        0 as reply_count,
        0 as tickets_solved,
        0 as solved_reply_count,
        0 as solved_with_replies_count,
        null as handling_minutes,
        0 as handled_count,
        count(*) as csat_answers,
        sum(case when csat_is_satisfied then 1 else 0 end) as csat_satisfied
    from {{ ref('fct_survey_response') }}
    where
        purpose = 'transactional'
        and is_csat_counted
        and csat_is_satisfied is not null
        and submitted_date is not null
        and agent_key <> 0
    group by agent_key, submitted_date

),

daily as (

    select
        agent_key,
        date_day,
        {%- for part in parts %}
        cast(sum({{ part }}) as bigint) as {{ part }},
        {%- endfor %}
        cast(sum(handling_minutes) as double) as handling_minutes
    from united
    group by agent_key, date_day

),

final as (

    select
        {{ surrogate_key([
            "cast(daily.agent_key as " ~ dbt.type_string() ~ ")",
            "cast(daily.date_day as " ~ dbt.type_string() ~ ")"
        ]) }} as agent_daily_key,
        daily.agent_key,
        coalesce(agents.team_key, 0) as team_key,
        daily.date_day,
        {%- for part in parts %}
        daily.{{ part }},
        {%- endfor %}
        daily.handling_minutes
    from daily
    left join agents on daily.agent_key = agents.agent_key

)

select * from final
