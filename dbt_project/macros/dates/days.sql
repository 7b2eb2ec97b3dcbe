{# A date some days later (earlier if negative), as a date. #}
{% macro add_days(date, days) -%}
cast({{ dbt.dateadd('day', days, date) }} as date)
{%- endmacro %}

{# The first day of a date's month, and its last, as dates. #}
{% macro month_start(date) -%}
cast({{ dbt.date_trunc('month', date) }} as date)
{%- endmacro %}

{% macro month_end(date) -%}
{{ period_end('month', date) }}
{%- endmacro %}

{# The last day of a date's period, as a date; `period` is week (by ISO: its Sunday), month, quarter or year. #}
{% macro period_end(period, date) -%}
{{ add_days(dbt.dateadd(period, 1, dbt.date_trunc(period, date)), -1) }}
{%- endmacro %}

{# One row per day from a date up to before another, to be joined sideways: `cross join … as days (day_at)`. #}
{% macro days_between(from_date, until_date) -%}
    {{ return(adapter.dispatch('days_between', 'service_metrics')(from_date, until_date)) }}
{%- endmacro %}

{% macro duckdb__days_between(from_date, until_date) -%}
unnest(range({{ from_date }}, {{ until_date }}, interval 1 day))
{%- endmacro %}
