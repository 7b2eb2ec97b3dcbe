with settings as (

    select cast(success_percent as double) / 100 as success_share
    from {{ ref('stg_health_setting') }}

),

valued as (

    select
        scored.*,
        feature.customer_key,
        feature.customer_version_key,
        feature.as_of_date,
        feature.is_current,
        feature.customer_kind,
        feature.horizon_days,
        coalesce(customer_version.tier = 'vip', false) as is_vip,
        customer_value.product_key,
        customer_value.currency,
        -- of who is in grace no renewal is expected: what was earned in the year before is at stake
        case when feature.customer_kind <> 'in_grace' then customer_value.predicted_ltv_12m end as predicted_ltv_12m,
        feature.margin_12m,
        feature.revenue_12m,
        settings.success_share
    from {{ ref('int_customer_feature') }} as feature
    inner join {{ ref('int_customer_churn_scored') }} as scored
        on scored.customer_feature_key = feature.customer_feature_key
    inner join {{ ref('fct_customer_value') }} as customer_value
        on customer_value.customer_key = feature.customer_key
        and customer_value.as_of_date = feature.as_of_date
    left join {{ ref('dim_customer_version') }} as customer_version
        on customer_version.customer_version_key = feature.customer_version_key
    cross join settings

),

at_stake as (

    select
        *,
        coalesce(predicted_ltv_12m, margin_12m, revenue_12m) as value_12m,
        case
            when predicted_ltv_12m is not null then 'predicted_ltv_12m'
            when margin_12m is not null then 'margin_12m'
            when revenue_12m is not null then 'revenue_12m'
        end as value_source
    from valued

),

saved as (

    select
        *,
        churn_probability * greatest(value_12m, 0) * success_share as expected_value_saved
    from at_stake

),

-- signed and not begun: known on the as-of date alone, for no record says when it was signed
signed_on as (

    select distinct succession.customer_key
    from {{ ref('int_contract_succession') }} as succession
    cross join {{ ref('stg_as_of') }} as as_of
    where
        succession.start_date <= as_of.as_of_date
        and succession.renewed_date > as_of.as_of_date

),

calls as (

    select
        saved.customer_feature_key,
        row_number() over (order by saved.expected_value_saved desc, saved.customer_key) as call_rank
    from saved
    left join signed_on
        on signed_on.customer_key = saved.customer_key
    where
        saved.is_current
        and saved.expected_value_saved > 0
        and signed_on.customer_key is null

),

final as (

    select
        saved.customer_feature_key as customer_health_key,
        saved.customer_key,
        saved.customer_version_key,
        saved.product_key,
        saved.as_of_date,
        saved.is_current,
        saved.customer_kind,
        saved.is_vip,
        saved.health_score,
        saved.service_score,
        saved.experience_score,
        saved.value_score,
        saved.usage_score,
        saved.payment_score,
        saved.coverage,
        cast(saved.horizon_days as bigint) as horizon_days,
        saved.churn_probability,
        saved.naive_rate,
        saved.used_model,
        saved.model_version,
        saved.reason_source,
        {%- for place in [1, 2, 3] %}
        saved.reason_{{ place }},
        reason_{{ place }}.label_en as reason_{{ place }}_en,
        reason_{{ place }}.label_zh as reason_{{ place }}_zh,
        {%- endfor %}
        saved.currency,
        cast(saved.value_12m as double) as value_12m,
        saved.value_source,
        saved.success_share,
        saved.expected_value_saved,
        calls.call_rank
    from saved
    left join calls
        on calls.customer_feature_key = saved.customer_feature_key
    left join {{ ref('risk_reason') }} as reason_1 on saved.reason_1 = reason_1.reason
    left join {{ ref('risk_reason') }} as reason_2 on saved.reason_2 = reason_2.reason
    left join {{ ref('risk_reason') }} as reason_3 on saved.reason_3 = reason_3.reason

)

select * from final
