with final as (

    select
        measure.action_key,
        measure.action_id,
        measure.source,
        measure.batch_id,
        measure.action_text,
        measure.issue,
        measure.metric,
        coalesce(measure.segment, 'all') as segment,
        coalesce(measure.member, 'all') as member,
        measure.department,
        measure.owner_id,
        measure.owner_hash,
        measure.due_date,
        measure.started_date,
        measure.done_date,
        case
            when measure.done_date <= as_of.as_of_date then 'done'
            when measure.due_date < as_of.as_of_date then 'overdue'
            when measure.started_date <= as_of.as_of_date then 'running'
            else 'planned'
        end as state,
        measure.blocker,
        cast(measure.impact as double) as impact,
        measure.difficulty,
        measure.is_counted
    from {{ ref('stg_improvement_action') }} as measure
    cross join {{ ref('stg_as_of') }} as as_of
    where not measure.is_deleted

)

select * from final
