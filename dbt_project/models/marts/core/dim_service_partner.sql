with members as (

    {{ mentioned_members('service_partner', [
        ref('stg_service_partner'), ref('stg_ticket'), ref('stg_visit'), ref('stg_asset'),
    ]) }}

),

final as (

    select
        members.service_partner_key,
        members.service_partner_id,
        members.key_space,
        delivered.partner_name,
        delivered.partner_type,
        delivered.region,
        {{ code_key('region', 'delivered.region') }} as region_key,
        delivered.is_active,
        delivered.service_partner_key is null as is_inferred,
        coalesce(delivered.is_deleted, false) as is_deleted
    from members
    left join {{ ref('stg_service_partner') }} as delivered
        on delivered.service_partner_key = members.service_partner_key
    union all
    select 0, null, null, null, null, null, 0, null, false, false

)

select * from final
