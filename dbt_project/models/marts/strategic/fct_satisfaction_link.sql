with final as (

    select
        {{ surrogate_key(['score_kind', 'purpose', 'outcome']) }} as satisfaction_link_key,
        score_kind,
        purpose,
        outcome,
        customer_count,
        spearman,
        spearman_low,
        spearman_high,
        spearman_reason,
        odds_ratio_alone,
        odds_ratio,
        odds_ratio_low,
        odds_ratio_high,
        odds_ratio_reason,
        adjusted_for
    from {{ ref('int_satisfaction_link_measured') }}

)

select * from final
