{#- Whether an issue type is a repair, by the list that the project sets; null for an unknown type. -#}
{% macro is_repair(issue_type) -%}
{{ issue_type }} in ('{{ var('repair_issue_types') | join("', '") }}')
{%- endmacro %}
