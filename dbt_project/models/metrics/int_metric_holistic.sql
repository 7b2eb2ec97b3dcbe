-- Filled by its hook, statement by statement; see holistic_inserts.
{{ config(
    schema='intermediate',
    group='warehouse',
    access='protected',
    contract={'enforced': false},
    post_hook='{% if execute %}{{ holistic_inserts(this) }}{% endif %}'
) }}
{{ metric_inputs() }}
select
    {%- for name in ['scan', 'measure', 'grain'] %}
    cast(null as {{ dbt.type_string() }}) as {{ name }},
    {%- endfor %}
    cast(null as date) as period_start,
    cast(null as {{ dbt.type_string() }}) as segment,
    cast(null as {{ dbt.type_string() }}) as member,
    cast(null as double) as value
where false
