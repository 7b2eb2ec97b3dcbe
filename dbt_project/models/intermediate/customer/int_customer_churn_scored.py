"""Health and churn of every customer at every month-end; see `include/customer_value`."""


def model(dbt, session):
    from include.customer_value.churn_tables import SCORED, churn_settings, scored_customers
    from include.customer_value.warehouse_relations import gathered, rows_of

    (setting,) = rows_of(dbt.ref("stg_health_setting"))
    batches = scored_customers(
        dbt.ref("int_customer_feature"),
        dbt.ref("int_churn_model_fitted"),
        rows_of(dbt.ref("stg_health_item")),
        churn_settings(setting, int(dbt.config.get("grace_days"))),
    )
    return gathered(session, "customer_churn_scored", SCORED, batches)
