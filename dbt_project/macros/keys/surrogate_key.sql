{#
  A deterministic 63-bit integer: the first 64 bits of the MD5 of the parts, joined by the unit separator, shifted right
  by one. 0, the unknown member, if any part is null. Parts are SQL text expressions, key space first.
#}
{% macro surrogate_key(parts) -%}
    {{ return(adapter.dispatch('surrogate_key', 'service_metrics')(parts)) }}
{%- endmacro %}

{% macro duckdb__surrogate_key(parts) -%}
coalesce(cast(cast('0x' || substr(md5({{ parts | join(" || chr(31) || ") }}), 1, 16) as ubigint) >> 1 as bigint), 0)
{%- endmacro %}
