{% set running = "over (partition by months.customer_key order by months.month_start_date
            rows between unbounded preceding and current row)" %}

with months as (

    select customer_key, product_key, month_start_date, reached_date
    from {{ ref('fct_customer_month') }}

),

-- amounts add up in the installation's currency alone; what is left out is counted by reason
purchases as (

    select
        ordered.customer_key,
        ordered.is_counted,
        {{ month_start('ordered.ordered_date') }} as month_start_date,
        ordered.ordered_date,
        currency_rate.rate is not null as is_convertible,
        {{ order_revenue('ordered') }} as revenue,
        {{ order_margin('ordered') }} as margin
    from {{ ref('fct_order') }} as ordered
    cross join {{ ref('stg_as_of') }} as as_of
    -- a source that names no currency means the installation's
    {{ currency_rate_join('coalesce(ordered.currency, as_of.currency)', 'ordered.ordered_date') }}
    where ordered.customer_key <> 0 and ordered.ordered_date <= as_of.as_of_date
    union all
    select
        contract.customer_key,
        contract.is_counted,
        -- a renewal closes the gap before it, but no month-end within the gap knew of it
        greatest(contract.month_start_date, {{ month_start('contract.start_date') }}),
        null,
        currency_rate.rate is not null,
        {{ converted('contract.revenue') }},
        {{ converted('contract.margin') }}
    from {{ ref('int_contract_month') }} as contract
    cross join {{ ref('stg_as_of') }} as as_of
    {{ currency_rate_join('contract.currency', 'contract.month_start_date') }}
    where contract.start_date <= as_of.as_of_date

),

monthly as (

    select
        customer_key,
        month_start_date,
        sum(revenue) as revenue,
        sum(margin) as margin,
        count(ordered_date) as order_count,
        min(ordered_date) as first_order_date,
        max(ordered_date) as last_order_date,
        sum(case when not is_convertible then 1 else 0 end) as other_currency_count,
        sum(case when is_convertible and revenue is null then 1 else 0 end) as no_amount_count,
        sum(case when is_convertible and revenue is not null and margin is null then 1 else 0 end) as no_cost_count
    from purchases
    where is_counted
    group by customer_key, month_start_date

),

-- few, as a rule: what all rows come to is what counts and these
left_out_monthly as (

    select customer_key, month_start_date, sum(margin) as margin
    from purchases
    where not is_counted
    group by customer_key, month_start_date

),

totals as (

    select
        months.*,
        sum(monthly.revenue) {{ running }} as ltv_revenue,
        sum(monthly.margin) {{ running }} as ltv_margin,
        sum(left_out_monthly.margin) {{ running }} as left_out_margin,
        coalesce(sum(monthly.order_count) {{ running }}, 0) as order_count,
        min(monthly.first_order_date) {{ running }} as first_order_date,
        max(monthly.last_order_date) {{ running }} as last_order_date,
        coalesce(sum(monthly.other_currency_count) {{ running }}, 0) as other_currency_count,
        coalesce(sum(monthly.no_amount_count) {{ running }}, 0) as no_amount_count,
        coalesce(sum(monthly.no_cost_count) {{ running }}, 0) as no_cost_count
    from months
    left join monthly
        on monthly.customer_key = months.customer_key
        and monthly.month_start_date = months.month_start_date
    left join left_out_monthly
        on left_out_monthly.customer_key = months.customer_key
        and left_out_monthly.month_start_date = months.month_start_date

),

final as (

    select
        {{ surrogate_key([
            "cast(totals.customer_key as " ~ dbt.type_string() ~ ")",
            "cast(totals.reached_date as " ~ dbt.type_string() ~ ")"
        ]) }} as customer_value_key,
        totals.customer_key,
        customer_version.customer_version_key,
        totals.product_key,
        totals.reached_date as as_of_date,
        totals.reached_date = as_of.as_of_date as is_current,
        as_of.currency,
        cast(totals.ltv_margin as decimal(18, 4)) as ltv_margin,
        cast(
            coalesce(totals.ltv_margin + totals.left_out_margin, totals.ltv_margin, totals.left_out_margin)
            as decimal(18, 4)
        ) as ltv_margin_uncleaned,
        cast(totals.ltv_revenue as decimal(18, 4)) as ltv_revenue,
        cast(totals.order_count as bigint) as order_count,
        cast({{ dbt.datediff('totals.first_order_date', 'totals.last_order_date', 'day') }} as bigint)
            as recency_days,
        cast({{ dbt.datediff('totals.first_order_date', 'totals.reached_date', 'day') }} as bigint) as age_days,
        case
            when totals.other_currency_count > 0 then 'other_currency'
            when totals.no_amount_count > 0 then 'no_amount'
            when totals.no_cost_count > 0 then 'no_cost'
        end as left_out_reason,
        cast(totals.other_currency_count + totals.no_amount_count as bigint) as left_out_count,
        cast(totals.no_cost_count as bigint) as no_cost_count,
        predicted.p_alive,
        predicted.expected_orders_12m,
        predicted.expected_order_value,
        {%- for months in [12, 24, 36] %}
        predicted.predicted_ltv_{{ months }}m,
        predicted.predicted_ltv_{{ months }}m_low,
        predicted.predicted_ltv_{{ months }}m_high,
        {%- endfor %}
        predicted.churn_probability,
        predicted.model_version,
        coalesce(predicted.prediction_method, 'none') as prediction_method,
        coalesce(predicted.contract_prediction_method, 'none') as contract_prediction_method,
        predicted.prediction_basis,
        predicted.prediction_warnings
    from totals
    cross join {{ ref('stg_as_of') }} as as_of
    left join {{ ref('int_customer_value_predicted') }} as predicted
        on predicted.customer_key = totals.customer_key
        and predicted.as_of_date = totals.reached_date
    -- a valuation is one of the end of its day
    {{ customer_version_join('totals.customer_key', local_midnight(add_days('totals.reached_date', 1))) }}

)

select * from final
