{# The key of a dimension whose members are codes, such as channels: 0 for no code. #}
{% macro code_key(dimension, code) -%}
{{ surrogate_key(["'" ~ dimension ~ "'", code]) }}
{%- endmacro %}
