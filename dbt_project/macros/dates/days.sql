{# A date some days later (earlier if negative), as a date. #}
{% macro add_days(date, days) -%}
cast({{ dbt.dateadd('day', days, date) }} as date)
{%- endmacro %}

{# The first day of a date's month, and its last, as dates. #}
{% macro month_start(date) -%}
cast({{ dbt.date_trunc('month', date) }} as date)
{%- endmacro %}

{% macro month_end(date) -%}
cast({{ dbt.last_day(date, 'month') }} as date)
{%- endmacro %}
