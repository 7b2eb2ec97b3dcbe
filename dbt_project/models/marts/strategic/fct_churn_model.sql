with fitted as (

    select * from {{ ref('int_churn_model_fitted') }}
    where parameters is not null

),

final as (

    select
        {{ surrogate_key([
            "fitted.customer_kind",
            "cast(fitted.fit_date as " ~ dbt.type_string() ~ ")"
        ]) }} as churn_model_key,
        fitted.customer_kind,
        fitted.fit_date,
        fitted.model_version,
        fitted.model_kind,
        fitted.horizon_days,
        {%- for slice in ['training', 'calibration', 'test'] %}
        fitted.{{ slice }}_from_date,
        fitted.{{ slice }}_to_date,
        fitted.{{ slice }}_row_count,
        fitted.{{ slice }}_lost_count,
        {%- endfor %}
        fitted.naive_rate,
        fitted.auc,
        fitted.brier,
        fitted.naive_brier,
        fitted.brier_gain_low,
        fitted.brier_gain_high,
        fitted.calibration_error,
        fitted.lift_top_decile,
        fitted.other_kind_brier,
        fitted.is_used,
        fitted.reason,
        reason.label_en as reason_en,
        reason.label_zh as reason_zh
    from fitted
    left join {{ ref('risk_reason') }} as reason
        on reason.reason = fitted.reason

)

select * from final
