with members as (

    {{ mentioned_members('asset', [
        ref('stg_asset'), ref('stg_ticket'), ref('stg_visit'),
    ]) }}

),

aged as (

    select
        tickets.asset_key,
        {{ microseconds_between('tickets.created_at', 'as_of.as_of') }} as fault_age,
        {{ microseconds_between('tickets.resolved_at', 'as_of.as_of') }} as repair_age,
        {{ threshold('asset_repair_window') }} * 86400000000 as age_limit
    from {{ ref('int_ticket_settled') }} as tickets
    cross join {{ ref('stg_as_of') }} as as_of
    where
        tickets.is_in_scope
        and {{ is_repair('tickets.issue_type') }}

),

repairs as (

    select
        asset_key,
        sum(case when fault_age <= age_limit then 1 else 0 end) as ticket_count,
        sum(case when repair_age <= age_limit then 1 else 0 end) as solved_count
    from aged
    group by asset_key

),

final as (

    select
        members.asset_key,
        members.asset_id,
        members.key_space,
        delivered.serial_number,
        coalesce(resolved.customer_key, 0) as customer_key,
        coalesce(delivered.product_key, 0) as product_key,
        coalesce(delivered.service_partner_key, 0) as service_partner_key,
        coalesce(delivered.model, product.model) as model,
        delivered.region,
        {{ code_key('region', 'delivered.region') }} as region_key,
        delivered.installed_date,
        delivered.warranty_end_date,
        delivered.retired_date,
        -- nobody says that an asset without a date of installation is not in service yet
        case
            when delivered.asset_key is not null
                then not delivered.is_deleted
                and coalesce(delivered.installed_date <= as_of.as_of_date, true)
                and coalesce(delivered.retired_date > as_of.as_of_date, true)
        end as is_in_service,
        delivered.warranty_end_date >= as_of.as_of_date
        and coalesce(delivered.retired_date > as_of.as_of_date, true) as is_under_warranty,
        cast(coalesce(repairs.ticket_count, 0) as bigint) as repair_ticket_count,
        cast(coalesce(repairs.solved_count, 0) as bigint) as repaired_ticket_count,
        coalesce(delivered.is_counted, true) as is_counted,
        delivered.asset_key is null as is_inferred,
        coalesce(delivered.is_deleted, false) as is_deleted
    from members
    cross join {{ ref('stg_as_of') }} as as_of
    left join {{ ref('stg_asset') }} as delivered
        on delivered.asset_key = members.asset_key
    left join {{ ref('int_customer_resolved') }} as resolved
        on resolved.customer_record_key = delivered.customer_record_key
    left join {{ ref('dim_product') }} as product
        on product.product_key = delivered.product_key
    left join repairs
        on repairs.asset_key = members.asset_key
    union all
    select 0, null, null, null, 0, 0, 0, null, null, 0, null, null, null, null, null, 0, 0, true, false, false

)

select * from final
