with records as (

    select
        customer_key,
        min(customer_key_space) as key_space,
        count(*) as record_count,
        min(is_inferred) as is_inferred
    from {{ ref('int_customer_resolved') }}
    group by customer_key

),

deletions as (

    select resolved.customer_key, min(customer.is_deleted) as is_deleted
    from {{ ref('stg_customer') }} as customer
    inner join {{ ref('int_customer_resolved') }} as resolved
        on resolved.customer_record_key = customer.customer_record_key
    group by resolved.customer_key

),

purchases as (

    select customer_record_key, start_date as purchase_date
    from {{ ref('stg_contract') }}
    where not is_deleted and is_counted
    union all
    select customer_record_key, {{ local_date('ordered_at') }}
    from {{ ref('stg_order') }}
    where not is_deleted and is_counted

),

first_purchases as (

    select resolved.customer_key, min(purchases.purchase_date) as first_purchase_date
    from purchases
    inner join {{ ref('int_customer_resolved') }} as resolved
        on resolved.customer_record_key = purchases.customer_record_key
    group by resolved.customer_key

),

final as (

    select
        version.customer_key,
        version.customer_id,
        records.key_space,
        version.tier,
        version.customer_type,
        version.region,
        {{ code_key('region', 'version.region') }} as region_key,
        version.industry,
        version.acquired_date,
        version.stated_status,
        first_purchases.first_purchase_date,
        coalesce(records.record_count, 0) as record_count,
        coalesce(records.is_inferred, false) as is_inferred,
        coalesce(deletions.is_deleted, false) as is_deleted
    from {{ ref('dim_customer_version') }} as version
    left join records
        on records.customer_key = version.customer_key
    left join deletions
        on deletions.customer_key = version.customer_key
    left join first_purchases
        on first_purchases.customer_key = version.customer_key
    where version.is_current

)

select * from final
