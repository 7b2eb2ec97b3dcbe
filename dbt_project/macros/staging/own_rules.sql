{#
  Of a row's rule ids (comma separated) those that speak of the row itself. Whether a parent was known
  (`<entity>_unknown_<parent>`) is true of the night on which the row came, and another night may have brought the
  parent: the dimension's `is_inferred` says how it stands.
#}
{% macro own_rules(rule_ids) -%}
    {{ return(adapter.dispatch('own_rules', 'service_metrics')(rule_ids)) }}
{%- endmacro %}

{% macro duckdb__own_rules(rule_ids) -%}
nullif(trim(regexp_replace({{ rule_ids }}, '(^|,)[a-z_]+_unknown_[a-z_]+', '', 'g'), ','), '')
{%- endmacro %}
