with codes as (

    select region from {{ ref('stg_customer') }} where region is not null
    union
    select region from {{ ref('stg_team') }} where region is not null

),

final as (

    select
        {{ code_key('region', 'region') }} as region_key,
        region
    from codes
    union all
    select 0, null

)

select * from final
