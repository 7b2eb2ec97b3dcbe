"""Health and churn of every customer at every month-end; see `include/customer_value`."""


def model(dbt, session):
    from include.customer_value.churn_tables import churn_settings, rows_of, scored_customers

    (setting,) = rows_of(dbt.ref("stg_health_setting"))
    return scored_customers(
        dbt.ref("int_customer_feature"),
        dbt.ref("int_churn_model_fitted"),
        rows_of(dbt.ref("stg_health_item")),
        churn_settings(setting, int(dbt.config.get("grace_days"))),
    )
