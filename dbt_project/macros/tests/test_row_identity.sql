{# Rows for which an identity of their columns is false; one with a null column is not judged. #}
{% test row_identity(model, expression) %}
select *
from {{ model }}
where not ({{ expression }})
{% endtest %}
