{% set gates = source('control', 'quarantine_file') %}
{# never raw_row: originals stay in the quarantine files #}
{% set columns = {
    'source': 'varchar', 'feed': 'varchar', 'batch_id': 'varchar', 'gate_no': 'integer', 'entity': 'varchar',
    'row_number': 'bigint', 'row_id': 'bigint', 'business_key': 'varchar', 'rule_id': 'varchar',
    'verdict': 'varchar', 'status': 'varchar', 'reason_en': 'varchar', 'reason_zh': 'varchar',
    'raw_row_masked': 'varchar',
} %}
{% set paths = gate_paths(gates, none) if execute else [] %}
select
{%- for column, data_type in columns.items() %}
    cast({{ 'quarantined.' ~ column if paths else 'null' }} as {{ data_type }}) as {{ column }}
    {{- "," if not loop.last }}
{%- endfor %}
{% if paths -%}
from {{ read_files(paths) }} as quarantined
{%- else -%}
where false
{%- endif %}
