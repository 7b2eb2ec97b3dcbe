{% set running = "over (partition by months.customer_key order by months.month_start_date
            rows between unbounded preceding and current row)" %}
{% set sums = ['order_day_count', 'margin_day_count', 'revenue_day_count', 'margin_sum', 'revenue_sum', 'margin_total',
    'margin_revenue', 'revenue_total'] %}

with orders as (

    select
        ordered.customer_key,
        ordered.ordered_date,
        {{ order_revenue('ordered') }} as revenue,
        {{ order_margin('ordered') }} as margin
    from {{ ref('fct_order') }} as ordered
    cross join {{ ref('stg_as_of') }} as as_of
    -- a source that names no currency means the installation's
    {{ currency_rate_join('coalesce(ordered.currency, as_of.currency)', 'ordered.ordered_date') }}
    where ordered.is_counted and ordered.customer_key <> 0 and ordered.ordered_date <= as_of.as_of_date

),

-- all orders of a day are one purchase; its margin is known if the cost of each of them is
order_days as (

    select
        customer_key,
        ordered_date,
        min(case when margin is not null then 1 else 0 end) as is_cost_known,
        sum(revenue) as revenue,
        sum(margin) as margin
    from orders
    group by customer_key, ordered_date

),

monthly as (

    select
        customer_key,
        {{ month_start('ordered_date') }} as month_start_date,
        min(ordered_date) as first_order_date,
        max(ordered_date) as last_order_date,
        count(*) as order_day_count,
        sum(case when is_cost_known = 1 and margin > 0 then 1 else 0 end) as margin_day_count,
        sum(case when is_cost_known = 0 and revenue > 0 then 1 else 0 end) as revenue_day_count,
        sum(case when is_cost_known = 1 and margin > 0 then margin end) as margin_sum,
        sum(case when is_cost_known = 0 and revenue > 0 then revenue end) as revenue_sum,
        sum(case when is_cost_known = 1 then margin end) as margin_total,
        sum(case when is_cost_known = 1 then revenue end) as margin_revenue,
        sum(case when is_cost_known = 0 then revenue end) as revenue_total
    from order_days
    group by customer_key, {{ month_start('ordered_date') }}

),

totals as (

    select
        months.customer_key,
        months.reached_date,
        {%- for name in sums %}
        coalesce(sum(monthly.{{ name }}) {{ running }}, 0) as {{ name }},
        {%- endfor %}
        min(monthly.first_order_date) {{ running }} as first_order_date,
        max(monthly.last_order_date) {{ running }} as last_order_date
    from {{ ref('fct_customer_month') }} as months
    left join monthly
        on monthly.customer_key = months.customer_key
        and monthly.month_start_date = months.month_start_date

),

-- sums are exact decimals until here
final as (

    select
        customer_key,
        reached_date as as_of_date,
        cast(order_day_count - 1 as bigint) as frequency,
        cast({{ dbt.datediff('first_order_date', 'last_order_date', 'day') }} as bigint) as recency_days,
        cast({{ dbt.datediff('first_order_date', 'reached_date', 'day') }} as bigint) as age_days,
        cast(margin_day_count as bigint) as margin_day_count,
        cast(revenue_day_count as bigint) as revenue_day_count,
        cast(margin_sum as double) as margin_sum,
        cast(revenue_sum as double) as revenue_sum,
        cast(margin_total as double) as margin_total,
        cast(margin_revenue as double) as margin_revenue,
        cast(revenue_total as double) as revenue_total
    from totals
    where first_order_date is not null

)

select * from final
