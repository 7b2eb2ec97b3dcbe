-- Reads the view that a hook of fct_metric_period makes, over tables that the hook makes, too.
{{ config(
    materialized='ephemeral',
    group='warehouse',
    access='protected',
    contract={'enforced': false}
) }}
{{ metric_inputs() }}
select * from metric_measured
