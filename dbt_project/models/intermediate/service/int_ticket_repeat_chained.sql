-- Walks back from each repeat to the tickets before it, as many steps as `repeat_chain_depth` allows.
with recursive links as (

    select
        ticket_key,
        repeat_of_ticket_key
    from {{ ref('int_ticket_repeat_linked') }}
    where repeat_of_ticket_key <> 0

),

chained as (

    select
        ticket_key,
        repeat_of_ticket_key as earlier_ticket_key,
        1 as steps_back
    from links
    union all
    select
        chained.ticket_key,
        links.repeat_of_ticket_key as earlier_ticket_key,
        chained.steps_back + 1 as steps_back
    from chained
    inner join links on chained.earlier_ticket_key = links.ticket_key
    where chained.steps_back < {{ var('repeat_chain_depth') }}

),

final as (

    select * from chained

)

select * from final
