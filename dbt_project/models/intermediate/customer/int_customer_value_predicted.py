"""What is expected of each customer, per month-end and for the as-of date; see `include/customer_value`."""


def model(dbt, session):
    from include.customer_value.model_tables import PREDICTED, predicted_rows
    from include.customer_value.warehouse_relations import gathered, read_contracts, read_cut, rows_of, value_settings

    settings = value_settings(
        annual_rate=dbt.config.get("annual_rate"),
        min_repeat_buyers=dbt.config.get("min_repeat_buyers"),
        min_decisions=dbt.config.get("min_decisions"),
        correlation_limit=dbt.config.get("correlation_limit"),
        horizon_days=dbt.config.get("horizon_days"),
        grace_days=dbt.config.get("grace_days"),
    )
    batches = predicted_rows(
        rows_of(dbt.ref("int_customer_value_fitted")),
        read_cut(dbt.ref("int_customer_order_history")),
        read_contracts(dbt.ref("int_contract_term")),
        settings,
    )
    return gathered(session, "customer_value_predicted", PREDICTED, batches)
