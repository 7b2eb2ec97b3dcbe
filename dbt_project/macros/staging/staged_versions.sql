{#
  All clean rows of an entity of the gates that hold, with the keys of its ids. Reads the files of gates that the table
  does not have yet; `delete_lapsed_gates` has taken out those that hold no longer.
#}
{% macro staged_versions(entity) %}
{% set gates = source('control', 'clean_file') %}
{% if not execute %}
select 1 as placeholder
{% else %}
{% set paths = [empty_file(entity)] + gate_paths(gates, entity) %}
select
    {%- for column in clean_columns(entity) %}
    clean.{{ column }},
    {%- endfor %}
    {%- for name, expression in staged_keys(entity) %}
    {{ expression }} as {{ name }},
    {%- endfor %}
    gate.kind as gate_kind,
    gate.batch_order,
    gate.night
from {{ read_files(paths) }} as clean
inner join {{ gates }} as gate
    on gate.entity = '{{ entity }}'
    and gate.batch_id = clean.batch_id
    and gate.gate_no = clean.gate_no
{% endif %}
{% endmacro %}

{# Paths of an entity's files of holding gates that `this` has not loaded. #}
{% macro gate_paths(gates, entity) %}
    {% set query %}
        select path
        from {{ gates }} as gate
        where
            {{ "entity = '" ~ entity ~ "'" if entity else "true" }}
            {% if is_incremental() %}
            and not exists (
                select 1 from {{ this }} as loaded
                where
                    loaded.batch_id = gate.batch_id and loaded.gate_no = gate.gate_no
                    {{ "" if entity else "and loaded.entity = gate.entity" }}
            )
            {% endif %}
        order by path
    {% endset %}
    {{ return(run_query(query).columns[0].values() | list) }}
{% endmacro %}

{% macro read_files(paths) %}
    {{ return(adapter.dispatch('read_files', 'service_metrics')(paths)) }}
{% endmacro %}

{% macro duckdb__read_files(paths) -%}
read_parquet([{% for path in paths %}'{{ path | replace("'", "''") }}'{{ ", " if not loop.last }}{% endfor %}], union_by_name = true)
{%- endmacro %}

{# Before an incremental load: take out the rows of gates that hold no longer, as a full gate replaces its batch. #}
{% macro delete_lapsed_gates() %}
    {% set name = this.identifier %}
    {% set is_quarantine = name == 'stg_quarantined_row' %}
    {% set gates = source('control', 'quarantine_file') if is_quarantine else source('control', 'clean_file') %}
    {% if execute and is_incremental() %}
delete from {{ this }} as kept
where not exists (
    select 1 from {{ gates }} as gate
    where
        gate.batch_id = kept.batch_id and gate.gate_no = kept.gate_no
        and gate.entity = {{ "kept.entity" if is_quarantine else "'" ~ name[4:-8] ~ "'" }}
)
    {% endif %}
{% endmacro %}
