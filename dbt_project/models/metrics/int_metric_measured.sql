-- Reads the tables that hooks of fct_metric_period make.
{{ config(
    materialized='ephemeral',
    group='warehouse',
    access='protected',
    contract={'enforced': false}
) }}
{{ metric_inputs() }}
{% if execute %}{{ metrics_measured() }}{% endif %}
