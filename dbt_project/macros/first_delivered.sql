{# Of a group's rows, the value of the first one, by `ordering`, that has any. #}
{% macro first_delivered(value, ordering) -%}
    {{ return(adapter.dispatch('first_delivered', 'service_metrics')(value, ordering)) }}
{%- endmacro %}

{% macro duckdb__first_delivered(value, ordering) -%}
arg_min({{ value }}, {{ ordering }}) filter (where {{ value }} is not null)
{%- endmacro %}
