-- Several records of one customer (one per key space, say) on one day are one row.
with

usages as (

    select * from {{ ref('stg_usage') }}
    where not is_deleted

),

customers as (

    select * from {{ ref('int_customer_resolved') }}

),

daily as (

    select
        coalesce(customers.customer_key, 0) as customer_key,
        usages.usage_date,
        min(usages.source) as source,
        max(usages.batch_id) as batch_id,
        sum(case when usages.is_counted then usages.usage_count end) as usage_count,
        sum(case when usages.is_counted then usages.active_minutes end) as active_minutes,
        sum(case when usages.is_counted then usages.active_user_count end) as active_user_count,
        count(*) as record_count,
        max(usages.is_counted) as is_counted
    from usages
    left join customers on usages.customer_record_key = customers.customer_record_key
    group by coalesce(customers.customer_key, 0), usages.usage_date

),

final as (

    select
        {{ surrogate_key([
            "cast(daily.customer_key as " ~ dbt.type_string() ~ ")",
            "cast(daily.usage_date as " ~ dbt.type_string() ~ ")"
        ]) }} as usage_daily_key,
        daily.source,
        daily.batch_id,
        daily.customer_key,
        coalesce(customer_version.customer_version_key, 0) as customer_version_key,
        daily.usage_date,
        cast(daily.usage_count as double) as usage_count,
        cast(daily.active_minutes as double) as active_minutes,
        cast(daily.active_user_count as bigint) as active_user_count,
        daily.record_count,
        daily.is_counted
    from daily
    -- the state at the end of the day
    {{ customer_version_join('daily.customer_key', local_midnight(add_days('daily.usage_date', 1))) }}

)

select * from final
