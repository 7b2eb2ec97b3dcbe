{# The schema is the one that the folder names, on every target: readers rely on `marts`, `metrics` and `audit`. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ (custom_schema_name or target.schema) | trim }}
{%- endmacro %}
