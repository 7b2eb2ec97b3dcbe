-- Tickets that a source delivers as summary rows, and those of which only an event log is delivered.
with

tickets as (

    select * from {{ ref('stg_ticket') }}

),

-- what its tickets say of a source (read on its own: a relation that is named several times is kept in memory, whole)
sources as (

    select
        source,
        max(team_id_space) as team_id_space,
        max(case when reopened_at is not null then 1 else 0 end) = 1 as states_reopening,
        max(case when first_response_at is not null then 1 else 0 end) = 1 as states_responses
    from {{ ref('stg_ticket') }}
    group by source

),

-- where a source delivers tickets, events of a ticket that it has not delivered make none
delivered_spaces as (

    select distinct ticket_id_space
    from {{ ref('stg_ticket') }}

),

events as (

    select events.*
    from {{ ref('stg_ticket_event') }} as events
    cross join {{ ref('stg_as_of') }} as as_of
    where
        -- `not in`, for of a join the events would be kept in memory, all of them
        events.ticket_id_space not in (select delivered_spaces.ticket_id_space from delivered_spaces)
        and not events.is_deleted
        and events.is_counted
        and events.occurred_at <= as_of.as_of

),

teams as (

    select team_key from {{ ref('stg_team') }}

),

-- a value that is no member of ours tells nothing, as in int_ticket_span
ordered as (

    select
        events.*,
        row_number() over (partition by events.ticket_key order by {{ event_order() }}) as position,
        case when events.event_type = 'assignment' and events.agent_key <> 0 then events.agent_key end
            as told_agent_key,
        teams.team_key as told_team_key,
        case
            when events.event_type = 'priority_change' and events.to_value in ('low', 'normal', 'high', 'urgent')
                then events.to_value
        end as told_priority,
        -- what is no ticket of the log (a status, say) tells nothing, below
        case
            when events.event_type = 'merge' and events.to_value <> events.ticket_id
                then {{ surrogate_key(['events.ticket_id_space', 'events.to_value']) }}
        end as told_merged_key
    from events
    left join teams
        on {{ surrogate_key(['events.source', 'events.to_value']) }} = teams.team_key
        and events.event_type in ('transfer', 'assignment')

),

lasting as (

    select
        *,
        max(case when told_agent_key is not null then position end) over (partition by ticket_key) as agent_position,
        max(case when told_team_key is not null then position end) over (partition by ticket_key) as team_position,
        max(case when told_priority is not null then position end) over (partition by ticket_key) as priority_position,
        max(case when told_merged_key is not null then position end) over (partition by ticket_key) as merge_position
    from ordered

),

-- the first event opens the ticket; who has it, and how urgent it is, is what was told last
opened as (

    select
        ticket_key,
        max(ticket_id) as ticket_id,
        max(case when position = 1 then source end) as source,
        max(case when position = 1 then batch_id end) as batch_id,
        max(case when position = 1 then occurred_at end) as occurred_at,
        max(case when position = 1 then event_type end) as event_type,
        max(case when position = agent_position then told_agent_key end) as agent_key,
        max(case when position = team_position then told_team_key end) as team_key,
        max(case when position = priority_position then told_priority end) as priority,
        max(case when position = merge_position then told_merged_key end) as merged_into_ticket_key
    from lasting
    group by ticket_key

),

final as (

    select
        tickets.ticket_key,
        tickets.ticket_id,
        tickets.source,
        tickets.batch_id,
        'summary' as created_from,
        tickets.customer_record_key,
        tickets.product_key,
        tickets.agent_key,
        tickets.team_key,
        -- where a ticket has no team, its source's other tickets say whose ids its log speaks of
        coalesce(tickets.team_id_space, sources.team_id_space, tickets.source) as team_id_space,
        tickets.asset_key,
        tickets.service_partner_key,
        tickets.status,
        tickets.priority,
        tickets.channel,
        tickets.issue_type,
        tickets.created_at,
        tickets.first_response_at,
        tickets.resolved_at,
        tickets.closed_at,
        -- a source that states when a ticket was reopened states by that which ones were not
        coalesce(
            tickets.reopen_count,
            case
                when tickets.reopened_at is not null then 1
                when sources.states_reopening then 0
            end
        ) as stated_reopen_count,
        sources.states_responses as source_states_responses,
        tickets.handling_minutes,
        tickets.is_complaint,
        tickets.exclusion,
        tickets.is_agent_created,
        tickets.merged_into_ticket_key,
        tickets.subject,
        tickets.updated_at,
        tickets.is_counted,
        tickets.is_deleted
    from tickets
    inner join sources on tickets.source = sources.source
    union all
    select
        opened.ticket_key,
        opened.ticket_id,
        opened.source,
        opened.batch_id,
        'events' as created_from,
        0 as customer_record_key,
        0 as product_key,
        coalesce(opened.agent_key, 0) as agent_key,
        coalesce(opened.team_key, 0) as team_key,
        opened.source as team_id_space,
        0 as asset_key,
        0 as service_partner_key,
        null as status,
        opened.priority,
        null as channel,
        null as issue_type,
        opened.occurred_at as created_at,
        null as first_response_at,
        null as resolved_at,
        null as closed_at,
        null as stated_reopen_count,
        false as source_states_responses,
        null as handling_minutes,
        null as is_complaint,
        null as exclusion,
        opened.event_type = 'agent_message' as is_agent_created,
        coalesce(survivors.ticket_key, 0) as merged_into_ticket_key,
        null as subject,
        null as updated_at,
        true as is_counted,
        false as is_deleted
    from opened
    left join opened as survivors on opened.merged_into_ticket_key = survivors.ticket_key

)

select * from final
