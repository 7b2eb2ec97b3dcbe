-- Reads a table that a hook of fct_metric_period makes.
{{ config(
    materialized='ephemeral',
    group='warehouse',
    access='protected',
    contract={'enforced': false}
) }}
select * from metric_cuts
