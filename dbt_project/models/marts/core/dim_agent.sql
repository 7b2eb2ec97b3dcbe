with members as (

    {{ mentioned_members('agent', [
        ref('stg_agent'), ref('stg_ticket'), ref('stg_ticket_event'), ref('stg_visit'), ref('stg_follow_up'),
    ]) }}

),

final as (

    select
        members.agent_key,
        members.agent_id,
        members.key_space,
        coalesce(delivered.team_key, 0) as team_key,
        delivered.role,
        delivered.is_active,
        delivered.agent_key is null as is_inferred,
        coalesce(delivered.is_deleted, false) as is_deleted
    from members
    left join {{ ref('stg_agent') }} as delivered
        on delivered.agent_key = members.agent_key
    union all
    select
        0,
        null,
        null,
        0,
        null,
        null,
        false,
        false

)

select * from final
