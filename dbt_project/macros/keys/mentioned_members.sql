{#
  One row per member of a dimension that any of the models mentions, its own staging model included: key, id and key
  space. A member that only facts mention is an inferred one.
#}
{% macro mentioned_members(name, models) -%}
select
    {{ name }}_key,
    min({{ name }}_id) as {{ name }}_id,
    min({{ name }}_id_space) as key_space
from (
    {%- for model in models %}
    select {{ name }}_key, {{ name }}_id, {{ name }}_id_space from {{ model }}
    {{- "\n    union all" if not loop.last }}
    {%- endfor %}
) as mentions
where {{ name }}_key <> 0
group by {{ name }}_key
{%- endmacro %}
