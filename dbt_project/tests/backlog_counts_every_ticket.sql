-- Per day, the tickets that the backlog says were created against those that were.
with

placed as (

    select *
    from {{ ref('fct_ticket') }}
    where is_in_scope and status is not null and (resolved_at is not null or not is_resolved)

),

daily as (

    select
        date_day,
        sum(created) as created_count
    from {{ ref('fct_backlog_daily') }}
    group by date_day
    having sum(created) > 0

),

by_date as (

    select
        created_date as date_day,
        count(*) as ticket_count
    from placed
    group by created_date

)

select
    by_date.date_day,
    by_date.ticket_count,
    daily.created_count
from by_date
cross join {{ ref('stg_as_of') }} as as_of
left join daily on by_date.date_day = daily.date_day
where
    by_date.date_day >= cast('{{ var("calendar_start_date") }}' as date)
    and by_date.date_day <= as_of.as_of_date
    and coalesce(daily.created_count, 0) <> by_date.ticket_count
