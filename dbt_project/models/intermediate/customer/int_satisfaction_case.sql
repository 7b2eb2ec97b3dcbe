with final as (

    select
        outcome.score_kind,
        outcome.purpose,
        outcome.customer_key,
        outcome.response_key,
        outcome.measured_date,
        case when outcome.score_kind = 'nps' then scored.nps_pomp else scored.overall_pomp end as pomp,
        outcome.is_retained,
        outcome.is_repurchased,
        cast(outcome.revenue_after as double) as revenue_after,
        customer_version.tier,
        product.product_line,
        {{ dbt.datediff('customer.first_purchase_date', 'outcome.measured_date', 'day') }} as tenure_days
    from {{ ref('fct_satisfaction_outcome') }} as outcome
    inner join {{ ref('int_response_scored') }} as scored
        on scored.response_key = outcome.response_key
    inner join {{ ref('dim_customer') }} as customer
        on customer.customer_key = outcome.customer_key
    left join {{ ref('dim_customer_version') }} as customer_version
        on customer_version.customer_version_key = outcome.customer_version_key
    left join {{ ref('dim_product') }} as product
        on product.product_key = outcome.product_key

)

select * from final
