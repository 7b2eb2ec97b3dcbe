{#- What the models that are written from the semantic YAML are built from. `graph` is empty while dbt parses, so what the
    facts and their cuts are is said here. -#}
{% macro metric_inputs() %}
    {%- for name in [
        'fct_ticket', 'fct_ticket_sla', 'fct_survey_response', 'fct_survey_answer', 'fct_survey_invitation',
        'fct_customer_month', 'fct_customer_value', 'fct_contract_renewal', 'fct_customer_contract_movement',
        'fct_customer_repurchase', 'fct_satisfaction_outcome', 'fct_customer_health', 'fct_visit', 'fct_backlog_daily',
        'fct_agent_daily', 'fct_order', 'fct_review', 'fct_low_score_reason', 'fct_first_try_reason', 'fct_survey_frame',
        'dim_asset', 'dim_customer', 'dim_customer_version', 'dim_product', 'dim_team', 'dim_agent', 'dim_service_partner',
        'dim_channel', 'stg_as_of',
    ] %}
-- depends_on: {{ ref(name) }}
    {%- endfor %}
{% endmacro %}
