"""Models of customer value, fitted per month-end and for the as-of date; see `include/customer_value`."""


def model(dbt, session):
    from include.customer_value.model_tables import fitted_models
    from include.customer_value.warehouse_relations import cuts_of, model_store, read_contracts, read_cut, value_settings

    settings = value_settings(
        annual_rate=dbt.config.get("annual_rate"),
        min_repeat_buyers=dbt.config.get("min_repeat_buyers"),
        min_decisions=dbt.config.get("min_decisions"),
        correlation_limit=dbt.config.get("correlation_limit"),
        horizon_days=dbt.config.get("horizon_days"),
        grace_days=dbt.config.get("grace_days"),
    )
    return fitted_models(
        cuts_of(dbt.ref("fct_customer_month")),
        read_cut(dbt.ref("int_customer_order_history")),
        read_contracts(dbt.ref("int_contract_term")),
        settings,
        model_store(),
    )
