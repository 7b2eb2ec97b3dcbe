-- One key, one natural key: returns keys that stand for several.
{% for entity, own in entity_keys().items() %}
select '{{ entity }}' as entity, {{ own.key }} as colliding_key
from {{ ref('stg_' ~ entity ~ '_version') }}
group by {{ own.key }}
having
{%- for column in own.natural %}
    count(distinct {{ column ~ "_space || chr(31) || " ~ column if column.endswith("_id") else column }}) > 1
    {{- " or" if not loop.last }}
{%- endfor %}
{{ "union all" if not loop.last }}
{% endfor %}
