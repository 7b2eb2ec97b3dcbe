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

ranked as (

    select
        saved.*,
        saved.is_current
        and coalesce(saved.expected_value_saved > 0, false)
        and signed_on.customer_key is null as is_worth_a_call
    from saved
    left join signed_on
        on signed_on.customer_key = saved.customer_key

),

final as (

    select
        ranked.customer_feature_key as customer_health_key,
        ranked.customer_key,
        ranked.customer_version_key,
        ranked.product_key,
        ranked.as_of_date,
        ranked.is_current,
        ranked.customer_kind,
        ranked.is_vip,
        ranked.health_score,
        ranked.service_score,
        ranked.experience_score,
        ranked.value_score,
        ranked.usage_score,
        ranked.payment_score,
        ranked.coverage,
        cast(ranked.horizon_days as bigint) as horizon_days,
        ranked.churn_probability,
        ranked.naive_rate,
        ranked.used_model,
        ranked.model_version,
        ranked.reason_source,
        {%- for place in [1, 2, 3] %}
        ranked.reason_{{ place }},
        reason_{{ place }}.label_en as reason_{{ place }}_en,
        reason_{{ place }}.label_zh as reason_{{ place }}_zh,
        {%- endfor %}
        ranked.currency,
        cast(ranked.value_12m as double) as value_12m,
        ranked.value_source,
        ranked.success_share,
        ranked.expected_value_saved,
        case
            when ranked.is_worth_a_call
                then row_number() over (
                    partition by ranked.is_worth_a_call
                    order by ranked.expected_value_saved desc, ranked.customer_key
                )
        end as call_rank
    from ranked
    left join {{ ref('risk_reason') }} as reason_1 on ranked.reason_1 = reason_1.reason
    left join {{ ref('risk_reason') }} as reason_2 on ranked.reason_2 = reason_2.reason
    left join {{ ref('risk_reason') }} as reason_3 on ranked.reason_3 = reason_3.reason

)

select * from final
