with codes as (

    select region from {{ ref('stg_customer') }} where region is not null
    {%- for entity in ['team', 'service_partner', 'asset', 'visit'] %}
    union
    select region from {{ ref('stg_' ~ entity) }} where region is not null
    {%- endfor %}

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
