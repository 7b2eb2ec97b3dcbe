with days as (

    {{ date_spine_days() }}

),

weeks as (

    select
        date_day,
        cast({{ dbt.date_trunc('week', 'date_day') }} as date) as week_start_date
    from days

),

final as (

    select
        date_day,
        cast(extract(year from date_day) as integer) as year_number,
        cast(extract(quarter from date_day) as integer) as quarter_number,
        cast(extract(month from date_day) as integer) as month_number,
        cast(extract(day from date_day) as integer) as day_of_month,
        -- ISO: Monday is 1
        cast({{ dbt.datediff('week_start_date', 'date_day', 'day') }} + 1 as integer) as day_of_week,
        cast(extract(week from date_day) as integer) as iso_week_number,
        week_start_date,
        {{ month_start('date_day') }} as month_start_date,
        {{ month_end('date_day') }} as month_end_date,
        cast({{ dbt.date_trunc('quarter', 'date_day') }} as date) as quarter_start_date,
        cast({{ dbt.date_trunc('year', 'date_day') }} as date) as year_start_date,
        date_day = {{ month_end('date_day') }} as is_month_end,
        {{ dbt.datediff('week_start_date', 'date_day', 'day') }} >= 5 as is_weekend
    from weeks

)

select * from final
