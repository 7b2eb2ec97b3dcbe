with final as (

    select
        {{ surrogate_key([
            "batch_id", "coalesce(entity, '')", "cast(night as " ~ dbt.type_string() ~ ")", "status"
        ]) }} as audit_batch_key,
        batch_id,
        source,
        feed,
        entity,
        delivery,
        night,
        received_at,
        records_received,
        rows_in,
        rows_clean,
        rows_quarantined,
        rows_not_counted,
        content_hash,
        status,
        message
    from {{ ref('stg_batch') }}

)

select * from final
