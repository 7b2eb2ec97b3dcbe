with members as (

    {{ mentioned_members('team', [
        ref('stg_team'), ref('stg_agent'), ref('stg_ticket'),
    ]) }}

),

final as (

    select
        members.team_key,
        members.team_id,
        members.key_space,
        delivered.team_name,
        delivered.region,
        {{ code_key('region', 'delivered.region') }} as region_key,
        delivered.time_zone,
        delivered.team_key is null as is_inferred,
        coalesce(delivered.is_deleted, false) as is_deleted
    from members
    left join {{ ref('stg_team') }} as delivered
        on delivered.team_key = members.team_key
    union all
    select
        0,
        null,
        null,
        null,
        null,
        0,
        null,
        false,
        false

)

select * from final
