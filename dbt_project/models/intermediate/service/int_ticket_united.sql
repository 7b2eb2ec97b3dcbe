-- Tickets that a source delivers as summary rows, and those of which only an event log is delivered.
with

tickets as (

    select * from {{ ref('stg_ticket') }}

),

-- where a source delivers tickets, events of a ticket that it has not delivered make none
delivered_spaces as (

    select distinct ticket_id_space
    from tickets

),

events as (

    select events.*
    from {{ ref('stg_ticket_event') }} as events
    cross join {{ ref('stg_as_of') }} as as_of
    left join delivered_spaces on events.ticket_id_space = delivered_spaces.ticket_id_space
    where
        delivered_spaces.ticket_id_space is null
        and not events.is_deleted
        and events.is_counted
        and events.occurred_at <= as_of.as_of

),

ordered as (

    select
        *,
        row_number() over (partition by ticket_key order by {{ event_order() }}) as position
    from events

),

opened as (

    select * from ordered
    where position = 1

),

final as (

    select
        ticket_key,
        ticket_id,
        source,
        batch_id,
        'summary' as created_from,
        customer_record_key,
        product_key,
        agent_key,
        team_key,
        -- where a ticket has no team, its source's other tickets say whose ids its log speaks of
        coalesce(team_id_space, max(team_id_space) over (partition by source), source) as team_id_space,
        asset_key,
        service_partner_key,
        status,
        priority,
        channel,
        issue_type,
        created_at,
        first_response_at,
        resolved_at,
        closed_at,
        -- a source that states when a ticket was reopened states by that which ones were not
        coalesce(
            reopen_count,
            case
                when reopened_at is not null then 1
                when count(reopened_at) over (partition by source) > 0 then 0
            end
        ) as stated_reopen_count,
        count(first_response_at) over (partition by source) > 0 as source_states_responses,
        handling_minutes,
        is_complaint,
        exclusion,
        is_agent_created,
        merged_into_ticket_key,
        subject,
        updated_at,
        is_counted,
        is_deleted
    from tickets
    union all
    select
        ticket_key,
        ticket_id,
        source,
        batch_id,
        'events' as created_from,
        0 as customer_record_key,
        0 as product_key,
        0 as agent_key,
        0 as team_key,
        source as team_id_space,
        0 as asset_key,
        0 as service_partner_key,
        null as status,
        null as priority,
        null as channel,
        null as issue_type,
        occurred_at as created_at,
        null as first_response_at,
        null as resolved_at,
        null as closed_at,
        null as stated_reopen_count,
        false as source_states_responses,
        null as handling_minutes,
        null as is_complaint,
        null as exclusion,
        event_type = 'agent_message' as is_agent_created,
        0 as merged_into_ticket_key,
        null as subject,
        null as updated_at,
        true as is_counted,
        false as is_deleted
    from opened

)

select * from final
