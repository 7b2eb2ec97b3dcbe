with members as (

    {{ mentioned_members('product', [
        ref('stg_product'), ref('stg_contract'), ref('stg_order'), ref('stg_ticket'), ref('stg_asset'), ref('stg_review'),
    ]) }}

),

final as (

    select
        members.product_key,
        members.product_id,
        members.key_space,
        delivered.product_name,
        delivered.product_line,
        delivered.model,
        delivered.product_key is null as is_inferred,
        coalesce(delivered.is_deleted, false) as is_deleted
    from members
    left join {{ ref('stg_product') }} as delivered
        on delivered.product_key = members.product_key
    union all
    select
        0,
        null,
        null,
        null,
        null,
        null,
        false,
        false

)

select * from final
