"""Models of churn, read from the store or fitted; see `include/customer_value/churn_model.py`."""


def model(dbt, session):
    from include.customer_value.churn_tables import churn_settings, fitted_models, rows_of, store_folder
    from include.customer_value.model_store import ModelStore

    (setting,) = rows_of(dbt.ref("stg_health_setting"))
    settings = churn_settings(setting, int(dbt.config.get("grace_days")))
    return fitted_models(dbt.ref("int_customer_feature"), settings, ModelStore(store_folder()))
