with final as (

    select
        {{ surrogate_key([
            "checked.batch_id",
            "cast(checked.gate_no as " ~ dbt.type_string() ~ ")",
            "coalesce(checked.entity, '')",
            "checked.rule_id"
        ]) }} as check_result_key,
        checked.batch_id,
        checked.gate_no,
        checked.source,
        checked.feed,
        checked.entity,
        checked.rule_id,
        known.name_en as rule_name_en,
        known.name_zh as rule_name_zh,
        known.requirement,
        checked.verdict,
        checked.failed_count,
        checked.checked_count,
        checked.stopped
    from {{ ref('stg_check_result') }} as checked
    left join {{ ref('stg_rule') }} as known
        on known.rule_id = checked.rule_id

)

select * from final
