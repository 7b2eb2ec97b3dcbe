-- A cell opens with what it closed with the day before; a day that is not there had nothing open. Returns the others.
with

daily as (

    select
        backlog_key,
        date_day,
        opening,
        closing,
        lag(closing) over (
            partition by team_key, priority, channel, region, product_line order by date_day
        ) as previous_closing,
        lag(date_day) over (
            partition by team_key, priority, channel, region, product_line order by date_day
        ) as previous_date,
        lead(date_day) over (
            partition by team_key, priority, channel, region, product_line order by date_day
        ) as next_date
    from {{ ref('fct_backlog_daily') }}

)

select daily.*
from daily
cross join {{ ref('stg_as_of') }} as as_of
where
    daily.opening <> coalesce(daily.previous_closing, 0)
    or (daily.opening <> 0 and daily.previous_date <> {{ add_days('daily.date_day', -1) }})
    -- what is open is there again the day after
    or (daily.closing <> 0 and daily.next_date is null and daily.date_day <> as_of.as_of_date)
