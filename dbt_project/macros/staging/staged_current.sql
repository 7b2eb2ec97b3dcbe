{#
  One row per key of an entity: the current version (source change time, null first; then the order of deliveries), with
  `version_count`, the clean rows of the key, and `is_deleted`, never null: the row says so, or its feed is a snapshot
  and the key is in no row, clean or quarantined, of the latest one.
  `complete` is an expression over `version`; complete versions beat incomplete ones, and a deletion is never incomplete.
#}
{% macro staged_current(entity, change_time=none, complete=none) %}
{% set versions = ref('stg_' ~ entity ~ '_version') %}
{% set quarantined = ref('stg_quarantined_row') %}
{% set snapshots = ref('stg_snapshot_batch') %}
{% if not execute %}
select 1 as placeholder
{% else %}
{% set own = entity_keys()[entity] %}
{% set columns = clean_columns(entity) %}
with counted as (

    select
        {{ own.key }},
        count(*) as version_count
    from {{ versions }}
    group by {{ own.key }}

),

-- most rows are the only version of their key: only the others have to be put in order
ranked as (

    select
        version.*,
        counted.version_count,
        1 as version_rank
    from {{ versions }} as version
    inner join counted on version.{{ own.key }} = counted.{{ own.key }}
    where counted.version_count = 1
    union all
    select
        version.*,
        counted.version_count,
        row_number() over (
            partition by version.{{ own.key }}
            order by
                {%- if complete %}
                case when {{ complete }} or version.is_deleted then 0 else 1 end,
                {%- endif %}
                {%- if change_time %}
                version.{{ change_time }} desc nulls last,
                {%- endif %}
                version.batch_order desc,
                version.gate_no desc,
                version.row_number desc,
                version.row_id desc
        ) as version_rank
    from {{ versions }} as version
    inner join counted on version.{{ own.key }} = counted.{{ own.key }}
    where counted.version_count > 1

),

delivered as (

    select distinct
        version.batch_id,
        version.{{ own.key }} as delivered_key
    from {{ versions }} as version
    inner join {{ snapshots }} as snapshot
        on snapshot.entity = '{{ entity }}'
        and snapshot.batch_id = version.batch_id

),

quarantined as (

    select distinct
        quarantined_row.batch_id,
        quarantined_row.business_key
    from {{ quarantined }} as quarantined_row
    inner join {{ snapshots }} as snapshot
        on snapshot.entity = '{{ entity }}'
        and snapshot.batch_id = quarantined_row.batch_id
    where quarantined_row.entity = '{{ entity }}' and quarantined_row.business_key is not null

),

final as (

    select
        {%- for column in columns if column != 'is_deleted' %}
        ranked.{{ column }},
        {%- endfor %}
        {%- for name, expression in staged_keys(entity) %}
        ranked.{{ name }},
        {%- endfor %}
        ranked.batch_order,
        ranked.night,
        ranked.version_count,
        coalesce(ranked.is_deleted, false)
        or (
            snapshot.batch_id is not null
            and delivered.delivered_key is null
            and quarantined.business_key is null
        ) as is_deleted
    from ranked
    left join {{ snapshots }} as snapshot
        on snapshot.entity = '{{ entity }}'
        and snapshot.source = ranked.source
        and snapshot.feed = ranked.feed
    left join delivered
        on delivered.batch_id = snapshot.batch_id
        and delivered.delivered_key = ranked.{{ own.key }}
    left join quarantined
        on quarantined.batch_id = snapshot.batch_id
        and quarantined.business_key = {% for column in own.natural -%}
            {{ "coalesce(cast(ranked." ~ column ~ " as " ~ dbt.type_string() ~ "), '')" }}{{ " || '|' || " if not loop.last }}
        {%- endfor %}
    where ranked.version_rank = 1

)

select * from final
{% endif %}
{% endmacro %}
