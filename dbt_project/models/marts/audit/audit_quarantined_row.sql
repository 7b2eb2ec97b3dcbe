{% set entities = entity_keys().keys() %}

-- rows that a later gate of their batch brought into clean
with moved as (
    {% for entity in entities %}
    select distinct '{{ entity }}' as entity, batch_id, row_id
    from {{ ref('stg_' ~ entity ~ '_version') }}
    where gate_kind = 'moved'
    {{- "\n    union all" if not loop.last }}
    {%- endfor %}

),

final as (

    select
        {{ surrogate_key([
            "quarantined.batch_id",
            "cast(quarantined.gate_no as " ~ dbt.type_string() ~ ")",
            "quarantined.entity",
            "cast(quarantined.row_id as " ~ dbt.type_string() ~ ")",
            "quarantined.rule_id"
        ]) }} as quarantined_row_key,
        quarantined.batch_id,
        quarantined.source,
        quarantined.feed,
        quarantined.gate_no,
        quarantined.entity,
        quarantined.row_number,
        quarantined.row_id,
        quarantined.business_key,
        quarantined.rule_id,
        quarantined.verdict,
        quarantined.reason_zh,
        quarantined.reason_en,
        quarantined.raw_row_masked as raw_row,
        case
            when quarantined.status = 'held' and moved.row_id is not null then 'released'
            else quarantined.status
        end as status
    from {{ ref('stg_quarantined_row') }} as quarantined
    left join moved
        on moved.entity = quarantined.entity
        and moved.batch_id = quarantined.batch_id
        and moved.row_id = quarantined.row_id

)

select * from final
