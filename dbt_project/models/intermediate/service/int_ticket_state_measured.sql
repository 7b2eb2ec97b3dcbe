-- Resolutions, reopenings and time in each state, from the spans of a ticket's own event log.
with

logged as (

    select * from {{ ref('int_ticket_state_span') }}

),

held as (

    select
        spans.ticket_key,
        spans.from_at,
        spans.to_at,
        schedules.schedule
    from {{ ref('int_ticket_span') }} as spans
    inner join {{ ref('int_team_scheduled') }} as schedules on spans.team_key = schedules.team_key

),

as_of as (

    select * from {{ ref('stg_as_of') }}

),

spans as (

    select
        logged.*,
        as_of.as_of,
        max(case when logged.status in ('new', 'open', 'pending', 'hold') then logged.position end)
            over (partition by logged.ticket_key) as last_unsolved_position,
        {{ dbt.dateadd('day', 'cast(' ~ threshold('resolution_limit') ~ ' as integer)', 'logged.created_at') }}
            as judged_at
    from logged
    cross join as_of

),

ended as (

    select
        *,
        to_at is null as is_last,
        case
            when to_at is not null then to_at
            -- a ticket's life ends when it is closed; everything else lasts until now
            when status in ('closed', 'deleted') or from_at > as_of then from_at
            else as_of
        end as ended_at
    from spans

),

-- a state's business time runs by the calendar of the team that held the ticket when the state began
measured as (

    select
        ended.*,
        {{ microseconds_between('ended.from_at', 'ended.ended_at') }} as microseconds,
        {{ business_at('end_piece', 'ended.ended_at') }}
        - {{ business_at('begin_piece', 'ended.from_at') }} as business_microseconds
    from ended
    left join held
        on ended.ticket_key = held.ticket_key
        and ended.from_at >= held.from_at
        and (ended.from_at < held.to_at or held.to_at is null)
    {{ business_join('begin_piece', 'held.schedule', 'ended.from_at') }}
    {{ business_join('end_piece', 'held.schedule', 'ended.ended_at') }}

),

totalled as (

    select
        ticket_key,
        max(case when is_last then status end) as status,
        coalesce(
            min(case when status = 'resolved' then from_at end), min(case when status = 'closed' then from_at end)
        ) as first_resolved_at,
        case
            when max(case when is_last and status in ('resolved', 'closed') then 1 else 0 end) = 1
                then coalesce(
                    max(
                        case
                            when status = 'resolved' and position > coalesce(last_unsolved_position, -1) then from_at
                        end
                    ),
                    min(
                        case
                            when status = 'closed' and position > coalesce(last_unsolved_position, -1) then from_at
                        end
                    )
                )
        end as resolved_at,
        max(case when is_last and status = 'closed' then from_at end) as closed_at,
        sum(is_reopen) as reopen_count,
        max(
            case
                when
                    status in ('resolved', 'closed')
                    and from_at <= judged_at and (to_at is null or to_at > judged_at)
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
        count(business_microseconds) = count(*) as has_business_time,
        min(case when is_told then 1 else 0 end) as is_told
    from measured
    group by ticket_key

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
        -- how long the ticket was in which state can't be known if one of its states isn't
        {% for state in ['new', 'open', 'pending', 'hold', 'solved'] -%}
        case when is_told = 1 then {{ state }}_microseconds end as {{ state }}_microseconds,
        {% endfor -%}
        {% for state in ['new', 'open', 'pending', 'hold', 'solved', 'life'] -%}
        case
            when is_told = 1 and has_business_time then {{ state }}_business_microseconds
        end as {{ state }}_business_microseconds,
        {% endfor -%}
        life_microseconds
    from totalled

)

select * from final
