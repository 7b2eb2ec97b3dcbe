{#- Time arithmetic that is exact and reads the same on every engine: whole microseconds first, one division last. -#}

{#- Microseconds from one UTC timestamp to a later one (bigint). `dbt.datediff` counts crossed boundaries instead. -#}
{% macro microseconds_between(earlier, later) %}{{ return(adapter.dispatch('microseconds_between')(earlier, later)) }}{% endmacro %}
{% macro default__microseconds_between(earlier, later) %}(unix_micros({{ later }}) - unix_micros({{ earlier }})){% endmacro %}
{% macro duckdb__microseconds_between(earlier, later) %}(epoch_us({{ later }}) - epoch_us({{ earlier }})){% endmacro %}

{#- The UTC timestamp a whole number of microseconds after another. -#}
{% macro microseconds_after(timestamp, microseconds) %}{{ return(adapter.dispatch('microseconds_after')(timestamp, microseconds)) }}{% endmacro %}
{% macro default__microseconds_after(timestamp, microseconds) %}timestamp_micros(unix_micros({{ timestamp }}) + {{ microseconds }}){% endmacro %}
{% macro duckdb__microseconds_after(timestamp, microseconds) %}make_timestamp(epoch_us({{ timestamp }}) + {{ microseconds }}){% endmacro %}

{#- Minutes from one UTC timestamp to a later one (double); negative spans are kept, the caller judges them. -#}
{% macro minutes_between(earlier, later) -%}
    ({{ microseconds_between(earlier, later) }} / 60000000.0)
{%- endmacro %}

{#- A whole number of microseconds as minutes (double). -#}
{% macro microseconds_to_minutes(microseconds) -%}
    cast({{ microseconds }} / 60000000.0 as double)
{%- endmacro %}

{#- A median that interpolates (exact); `p` in 0..1. -#}
{% macro exact_percentile(expression, p) %}{{ return(adapter.dispatch('exact_percentile')(expression, p)) }}{% endmacro %}
{% macro default__exact_percentile(expression, p) %}percentile({{ expression }}, {{ p }}){% endmacro %}
{% macro duckdb__exact_percentile(expression, p) %}quantile_cont({{ expression }}, {{ p }}){% endmacro %}

{#- Several of them as a list: the values are gathered and sorted once. -#}
{% macro exact_percentiles(expression, ps) %}{{ return(adapter.dispatch('exact_percentiles')(expression, ps)) }}{% endmacro %}
{% macro default__exact_percentiles(expression, ps) %}percentile({{ expression }}, array({{ ps | join(', ') }})){% endmacro %}
{% macro duckdb__exact_percentiles(expression, ps) %}quantile_cont({{ expression }}, [{{ ps | join(', ') }}]){% endmacro %}

{#- The item of a list at a place that counts from 0. -#}
{% macro list_item(list, place) %}{{ return(adapter.dispatch('list_item')(list, place)) }}{% endmacro %}
{% macro default__list_item(list, place) %}{{ list }}[{{ place }}]{% endmacro %}
{% macro duckdb__list_item(list, place) %}{{ list }}[{{ place + 1 }}]{% endmacro %}
