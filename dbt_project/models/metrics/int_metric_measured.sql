{{ config(
    materialized='view',
    schema='intermediate',
    group='warehouse',
    access='protected',
    contract={'enforced': false}
) }}
{{ metric_inputs() }}
-- depends_on: {{ ref('int_metric_holistic') }}
{% if execute %}{{ metrics_measured() }}{% endif %}
