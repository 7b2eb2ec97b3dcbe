{# The local date, in the installation's time zone, of a UTC timestamp. #}
{% macro local_date(timestamp) -%}
    {{ return(adapter.dispatch('local_date', 'service_metrics')(timestamp)) }}
{%- endmacro %}

{% macro duckdb__local_date(timestamp) -%}
cast(timezone('{{ env_var("METRICS_TIMEZONE") }}', timezone('UTC', {{ timestamp }})) as date)
{%- endmacro %}

{# The local date whose end an instant is, or within which it lies: midnight belongs to the day that it ends. #}
{% macro last_local_date(timestamp) -%}
{{ local_date(microseconds_after(timestamp, -1)) }}
{%- endmacro %}

{# The instant, as a UTC timestamp, at which a local date begins. #}
{% macro local_midnight(date) -%}
    {{ return(adapter.dispatch('local_midnight', 'service_metrics')(date)) }}
{%- endmacro %}

{% macro duckdb__local_midnight(date) -%}
timezone('UTC', timezone('{{ env_var("METRICS_TIMEZONE") }}', cast({{ date }} as timestamp)))
{%- endmacro %}
