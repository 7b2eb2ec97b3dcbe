with days as (

    select
        ordered.customer_key,
        ordered.ordered_date,
        min(ordered.order_key) as order_key,
        row_number() over (partition by ordered.customer_key order by ordered.ordered_date) as place
    from {{ ref('fct_order') }} as ordered
    cross join {{ ref('stg_as_of') }} as as_of
    where ordered.is_counted and ordered.customer_key <> 0 and ordered.ordered_date <= as_of.as_of_date
    group by ordered.customer_key, ordered.ordered_date

),

-- orders of one day are one purchase, so that a delivery in two parts is no second one
buyers as (

    select
        customer_key,
        max(case when place = 1 then order_key end) as first_order_key,
        max(case when place = 1 then ordered_date end) as first_order_date,
        max(case when place = 2 then ordered_date end) as second_order_date,
        count(*) as order_day_count
    from days
    group by customer_key

),

final as (

    select
        buyers.customer_key,
        first_order.customer_version_key,
        first_order.source,
        first_order.batch_id,
        buyers.first_order_key,
        first_order.product_key,
        first_order.channel_key,
        buyers.first_order_date,
        buyers.second_order_date,
        cast({{ dbt.datediff('buyers.first_order_date', 'buyers.second_order_date', 'day') }} as bigint)
            as days_to_second_order,
        {%- for days in var('repurchase_days') %}
        {{ bought_within('buyers', days) }} as is_repurchased_{{ days }}d,
        {%- endfor %}
        buyers.order_day_count
    from buyers
    cross join {{ ref('stg_as_of') }} as as_of
    inner join {{ ref('fct_order') }} as first_order
        on first_order.order_key = buyers.first_order_key

)

select * from final
