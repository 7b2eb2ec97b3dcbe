{#- The value of one row of the seed `metric_threshold`, read as a scalar so that no limit is a literal in a model.
    The seed is small and the engine folds the subquery to a constant. -#}
{% macro threshold(name) -%}
    (select max(threshold_value) from {{ ref('metric_threshold') }} where threshold = '{{ name }}')
{%- endmacro %}
