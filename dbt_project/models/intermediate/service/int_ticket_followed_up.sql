-- Call-backs after a ticket's last resolution; those before it follow up nothing yet.
with

tickets as (

    select * from {{ ref('int_ticket_settled') }}

),

follow_ups as (

    select follow_ups.*
    from {{ ref('stg_follow_up') }} as follow_ups
    cross join {{ ref('stg_as_of') }} as as_of
    where
        follow_ups.is_counted
        and not follow_ups.is_deleted
        and follow_ups.ticket_key <> 0
        -- one that is planned tells that the source follows up
        and coalesce(follow_ups.contacted_at <= as_of.as_of, true)

),

limits as (

    select {{ threshold('follow_up_limit') }} * 86400000000 as limit_microseconds
    from {{ ref('stg_as_of') }}

),

placed as (

    select
        tickets.ticket_key,
        tickets.source,
        case when follow_ups.contacted_at >= tickets.resolved_at then follow_ups.contacted_at end as contacted_at,
        coalesce(
            {{ microseconds_between('tickets.resolved_at', 'follow_ups.contacted_at') }}
            between 0 and limits.limit_microseconds,
            false
        ) as is_within_limit,
        follow_ups.is_reached,
        -- who was not reached has confirmed nothing, whether the call says so or not
        coalesce(
            follow_ups.is_confirmed_solved, case when not follow_ups.is_reached then false end
        ) as is_confirmed_solved
    from follow_ups
    inner join tickets on follow_ups.ticket_key = tickets.ticket_key
    cross join limits

),

-- sources whose tickets are followed up at all
followed_sources as (

    select distinct source
    from placed

),

contacted as (

    select
        ticket_key,
        max(case when is_within_limit then 1 else 0 end) = 1 as is_within_limit,
        {%- for answer in ['is_reached', 'is_confirmed_solved'] %}
        -- unknown where somebody called within the limit and no call says
        case
            when max(case when is_within_limit and {{ answer }} then 1 else 0 end) = 1 then true
            when
                max(case when is_within_limit and {{ answer }} is null then 1 else 0 end) = 1
                and max(case when is_within_limit and {{ answer }} is not null then 1 else 0 end) = 0
                then null
            else false
        end as {{ answer }},
        {%- endfor %}
        min(contacted_at) as followed_up_at
    from placed
    group by ticket_key

),

-- the clock runs by the calendar of the team that held the ticket when it was resolved
clocked as (

    select
        contacted.ticket_key,
        {{ business_at('called_piece', 'contacted.followed_up_at') }}
        - {{ business_at('resolved_piece', 'tickets.resolved_at') }} as delay_business_microseconds
    from contacted
    inner join tickets on contacted.ticket_key = tickets.ticket_key
    inner join {{ ref('int_ticket_span') }} as spans
        on contacted.ticket_key = spans.ticket_key
        and tickets.resolved_at >= spans.from_at
        and tickets.resolved_at < coalesce(spans.to_at, cast('9999-12-31' as timestamp))
    inner join {{ ref('int_team_scheduled') }} as schedules on spans.team_key = schedules.team_key
    {{ business_join('called_piece', 'schedules.schedule', 'contacted.followed_up_at') }}
    {{ business_join('resolved_piece', 'schedules.schedule', 'tickets.resolved_at') }}

),

final as (

    select
        tickets.ticket_key,
        contacted.followed_up_at,
        clocked.delay_business_microseconds,
        coalesce(contacted.is_within_limit, false) as is_within_limit,
        case when contacted.ticket_key is null then false else contacted.is_reached end as is_reached,
        case when contacted.ticket_key is null then false else contacted.is_confirmed_solved end as is_confirmed_solved
    from tickets
    inner join followed_sources on tickets.source = followed_sources.source
    left join contacted on tickets.ticket_key = contacted.ticket_key
    left join clocked on tickets.ticket_key = clocked.ticket_key

)

select * from final
