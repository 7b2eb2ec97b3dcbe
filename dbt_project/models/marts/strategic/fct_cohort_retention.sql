{% set cuts = ['tier', 'region', 'product_line'] %}

with months as (

    {{ month_spine() }}

),

-- acquired when the source says so, or with the first contract or order if that came before
acquired as (

    select
        customer.customer_key,
        customer.first_purchase_date,
        least(customer.acquired_date, customer.first_purchase_date) as acquired_date
    from {{ ref('dim_customer') }} as customer
    cross join {{ ref('stg_as_of') }} as as_of
    where customer.customer_key <> 0 and customer.first_purchase_date <= as_of.as_of_date

),

-- cut by what was true at the start, so that nobody moves between the rows of a cohort
members as (

    select
        acquired.customer_key,
        {{ month_start('acquired.acquired_date') }} as cohort_month,
        coalesce(customer_version.tier, '(none)') as tier,
        coalesce(customer_version.region, '(none)') as region,
        coalesce(first_product.product_line, '(none)') as product_line
    from acquired
    left join {{ ref('int_customer_first_product') }} as first_product
        on first_product.customer_key = acquired.customer_key
    {{ customer_version_join('acquired.customer_key', local_midnight(add_days('acquired.acquired_date', 1))) }}

),

sizes as (

    select cohort_month, tier, region, product_line, count(*) as cohort_size
    from members
    group by cohort_month, tier, region, product_line

),

amounts as (

    select
        customer_key,
        month_start_date,
        sum({{ converted('closing', 'currency_rate') }}) as recurring_amount
    from {{ ref('fct_customer_contract_movement') }}
    group by customer_key, month_start_date

),

activity as (

    select
        members.cohort_month,
        customer_month.month_start_date,
        members.tier,
        members.region,
        members.product_line,
        sum(case when customer_month.is_active then 1 else 0 end) as active_count,
        sum(case when customer_month.order_count > 0 then 1 else 0 end) as buyer_count,
        sum(amounts.recurring_amount) as recurring_amount
    from members
    inner join {{ ref('fct_customer_month') }} as customer_month
        on customer_month.customer_key = members.customer_key
    left join amounts
        on amounts.customer_key = customer_month.customer_key
        and amounts.month_start_date = customer_month.month_start_date
    group by
        members.cohort_month,
        customer_month.month_start_date,
        members.tier,
        members.region,
        members.product_line

),

-- of months before anything is known of anybody, nothing is said
cells as (

    select
        sizes.cohort_month,
        months.month_start_date,
        months.reached_date = months.month_end_date as is_mature,
        sizes.tier,
        sizes.region,
        sizes.product_line,
        sizes.cohort_size,
        coalesce(activity.active_count, 0) as active_count,
        coalesce(activity.buyer_count, 0) as buyer_count,
        coalesce(activity.recurring_amount, 0) as recurring_amount
    from sizes
    inner join months
        on months.month_start_date >= sizes.cohort_month
    inner join (select min(known_month.month_start_date) as first_month_date from activity as known_month) as known
        on months.month_start_date >= known.first_month_date
    left join activity
        on activity.cohort_month = sizes.cohort_month
        and activity.month_start_date = months.month_start_date
        and activity.tier = sizes.tier
        and activity.region = sizes.region
        and activity.product_line = sizes.product_line

),

cut as (

    select
        cohort_month,
        month_start_date,
        is_mature,
        case
            {%- for cut in cuts %}
            when grouping({{ cut }}) = 0 then '{{ cut }}'
            {%- endfor %}
            else 'all'
        end as segment,
        coalesce({{ cuts | join(', ') }}, 'all') as member,
        sum(cohort_size) as cohort_size,
        sum(active_count) as active_count,
        sum(buyer_count) as buyer_count,
        sum(recurring_amount) as recurring_amount
    from cells
    group by grouping sets (
        (cohort_month, month_start_date, is_mature),
        {%- for cut in cuts %}
        (cohort_month, month_start_date, is_mature, {{ cut }}){{ ',' if not loop.last }}
        {%- endfor %}
    )

),

final as (

    select
        {{ surrogate_key([
            "cast(cohort_month as " ~ dbt.type_string() ~ ")",
            "cast(month_start_date as " ~ dbt.type_string() ~ ")",
            "segment",
            "member"
        ]) }} as cohort_retention_key,
        cohort_month,
        cast({{ dbt.datediff('cohort_month', 'month_start_date', 'month') }} as bigint) as month_number,
        month_start_date,
        segment,
        member,
        is_mature,
        cast(cohort_size as bigint) as cohort_size,
        cast(case when is_mature then active_count end as bigint) as active_count,
        cast(case when is_mature then buyer_count end as bigint) as buyer_count,
        cast(case when is_mature then recurring_amount end as decimal(18, 4)) as recurring_amount
    from cut

)

select * from final
