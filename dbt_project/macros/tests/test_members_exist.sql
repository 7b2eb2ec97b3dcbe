{# Per foreign key, the rows that have no member in the dimension it names, null included: key 0 is the unknown one. #}
{% test members_exist(model, members) %}
{% for column, dimension in members.items() %}
select '{{ column }}' as foreign_key, fact.{{ column }} as missing_key, count(*) as row_count
from {{ model }} as fact
left join {{ ref(dimension) }} as dimension
    on dimension.{{ column }} = fact.{{ column }}
where dimension.{{ column }} is null
group by fact.{{ column }}
{{ "union all" if not loop.last }}
{% endfor %}
{% endtest %}
