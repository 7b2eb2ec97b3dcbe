with final as (

    select
        {{ code_key('source', 'batch.source') }} as source_key,
        batch.source,
        count(distinct batch.feed) as feed_count,
        count(distinct batch.batch_id) as batch_count,
        max(batch.night) as last_night,
        max(case when batch.status = 'gated' then batch.night end) as last_gated_night
    from {{ ref('stg_batch') }} as batch
    group by batch.source
    union all
    select 0, null, 0, 0, null, null

)

select * from final
