{# Values of a column that do not name one row: null, or those of several rows. One test where two would read it twice. #}
{% test is_key(model, column_name) %}
select {{ column_name }}, count(*) as row_count
from {{ model }}
group by {{ column_name }}
having count(*) > 1 or {{ column_name }} is null
{% endtest %}
