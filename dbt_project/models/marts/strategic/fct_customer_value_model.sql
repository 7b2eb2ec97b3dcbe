{% set parameters = ['r', 'alpha', 'a', 'b', 'p', 'q', 'gamma', 'beta'] %}

with fitted as (

    select * from {{ ref('int_customer_value_fitted') }}

),

final as (

    select
        {{ surrogate_key([
            "cast(fitted.as_of_date as " ~ dbt.type_string() ~ ")",
            "fitted.model_kind",
            "coalesce(cast(fitted.term_months as " ~ dbt.type_string() ~ "), 'none')"
        ]) }} as customer_value_model_key,
        fitted.as_of_date,
        fitted.as_of_date = as_of.as_of_date as is_current,
        fitted.model_version,
        fitted.fit_version,
        fitted.model_kind,
        fitted.term_months,
        fitted.is_fitted,
        fitted.is_converged,
        fitted.case_count,
        fitted.customer_count,
        fitted.repeat_buyer_count,
        fitted.log_likelihood,
        {%- for name in parameters %}
        fitted.{{ name }},
        fitted.{{ name }}_se,
        {%- endfor %}
        fitted.value_basis,
        fitted.margin_share,
        fitted.kept_share,
        fitted.value_correlation,
        fitted.hold_out_days,
        fitted.hold_out_customers as hold_out_customer_count,
        fitted.hold_out_predicted,
        fitted.hold_out_actual,
        fitted.hold_out_error,
        fitted.hold_out_naive_error,
        fitted.hold_out_auc,
        fitted.hold_out_brier,
        fitted.hold_out_naive_brier,
        fitted.hold_out_calibration_error,
        fitted.warnings,
        fitted.warnings_en,
        fitted.warnings_zh
    from fitted
    cross join {{ ref('stg_as_of') }} as as_of

)

select * from final
