"""What satisfaction has to do with what followed; see `include/customer_value/satisfaction_link.py`."""


def model(dbt, session):
    from include.customer_value.satisfaction_tables import links_of

    return links_of(dbt.ref("int_satisfaction_case"))
