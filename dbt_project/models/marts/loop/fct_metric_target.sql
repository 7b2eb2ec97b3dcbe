with final as (

    select
        target.target_key,
        target.target_id,
        target.source,
        target.batch_id,
        target.metric,
        known.metric is not null as is_known_metric,
        coalesce(target.segment, 'all') as segment,
        coalesce(target.member, 'all') as member,
        target.grain,
        target.start_date,
        target.end_date,
        target.target_kind,
        cast(target.target_value as double) as target_value,
        cast(target.baseline_value as double) as baseline_value,
        -- without a stated baseline a relative target has no level yet
        case target.target_kind
            when 'absolute' then cast(target.target_value as double)
            when 'relative' then cast(target.baseline_value as double) * cast(1 + target.target_value as double)
        end as target_level,
        target.owner_id,
        target.owner_hash,
        target.is_counted
    from {{ ref('stg_metric_target') }} as target
    left join {{ ref('dim_metric') }} as known
        on known.metric = target.metric
    where not target.is_deleted

)

select * from final
