{# Every day of the calendar, from the start that the project sets to the end of a year after the as-of date. #}
{% macro date_spine_days() -%}
    {{ return(adapter.dispatch('date_spine_days', 'service_metrics')()) }}
{%- endmacro %}

{% macro duckdb__date_spine_days() -%}
select cast(days.day_at as date) as date_day
from {{ ref('stg_as_of') }} as as_of
cross join generate_series(
    timestamp '{{ var("calendar_start_date") }}',
    make_timestamp(
        extract(year from as_of.as_of_date) + {{ var("calendar_years_ahead") }}, 12, 31, 0, 0, 0
    ),
    interval 1 day
) as days (day_at)
{%- endmacro %}

{# One row per calendar month that begins by the as-of date: its first day, its last one, and that capped there. #}
{% macro month_spine() -%}
select
    days.date_day as month_start_date,
    {{ month_end('days.date_day') }} as month_end_date,
    least({{ month_end('days.date_day') }}, as_of.as_of_date) as reached_date,
    as_of.as_of_date
from ({{ date_spine_days() }}) as days
cross join {{ ref('stg_as_of') }} as as_of
where extract(day from days.date_day) = 1 and days.date_day <= as_of.as_of_date
{%- endmacro %}
