with final as (

    select
        {{ surrogate_key([
            "customer_kind",
            "cast(fit_date as " ~ dbt.type_string() ~ ")",
            "cast(bin_number as " ~ dbt.type_string() ~ ")"
        ]) }} as churn_calibration_key,
        {{ surrogate_key([
            "customer_kind",
            "cast(fit_date as " ~ dbt.type_string() ~ ")"
        ]) }} as churn_model_key,
        customer_kind,
        fit_date,
        model_version,
        bin_number,
        bin_predicted as predicted_rate,
        bin_observed as observed_rate,
        bin_row_count as row_count
    from {{ ref('int_churn_model_fitted') }}
    where bin_number is not null

)

select * from final
