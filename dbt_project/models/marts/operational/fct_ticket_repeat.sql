with

tickets as (

    select * from {{ ref('fct_ticket') }}

),

chained as (

    select * from {{ ref('int_ticket_repeat_chained') }}

),

final as (

    select
        {{ surrogate_key([
            "cast(tickets.ticket_key as " ~ dbt.type_string() ~ ")",
            "cast(earlier.ticket_key as " ~ dbt.type_string() ~ ")"
        ]) }} as ticket_repeat_key,
        tickets.ticket_key,
        tickets.ticket_id,
        tickets.source,
        tickets.batch_id,
        tickets.customer_key,
        tickets.customer_version_key,
        tickets.product_key,
        tickets.asset_key,
        tickets.issue_type,
        tickets.issue_type_key,
        tickets.created_at,
        tickets.created_date,
        tickets.repeat_number,
        cast(chained.steps_back as bigint) as steps_back,
        earlier.ticket_key as earlier_ticket_key,
        earlier.ticket_id as earlier_ticket_id,
        earlier.agent_key as earlier_agent_key,
        earlier.team_key as earlier_team_key,
        earlier.resolved_at as earlier_resolved_at
    from chained
    inner join tickets on chained.ticket_key = tickets.ticket_key
    inner join tickets as earlier on chained.earlier_ticket_key = earlier.ticket_key

)

select * from final
