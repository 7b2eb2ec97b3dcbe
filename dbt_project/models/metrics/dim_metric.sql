-- The dictionary, written from the semantic YAML that also writes fct_metric_period.
{% if execute %}
{% for definition in metric_definitions() %}
{{ metric_described(definition) }}
{{ 'union all' if not loop.last }}
{% endfor %}
{% endif %}
