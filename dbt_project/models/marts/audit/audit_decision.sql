with final as (

    select
        {{ surrogate_key(["decision_id"]) }} as decision_key,
        decision_id,
        decision_number,
        batch_id,
        source,
        feed,
        verdict as decision_verdict,
        entity,
        row_numbers,
        rule_id,
        row_count,
        who,
        why,
        decided_at,
        after_night,
        effect_night,
        effect_gate_no
    from {{ ref('stg_decision') }}

)

select * from final
