with final as (

    select
        {{ code_key('source', 'batch.source') }} as source_key,
        batch.source,
        count(distinct batch.feed) as feed_count
    from {{ ref('stg_batch') }} as batch
    group by batch.source
    union all
    select 0, null, 0

)

select * from final
