-- What is told of a ticket's outcome: what contacts, repeats, follow-ups and the backlog are judged by.
with

tickets as (

    select * from {{ ref('int_ticket_united') }}

),

states as (

    select * from {{ ref('int_ticket_state_measured') }}

),

responses as (

    select * from {{ ref('int_ticket_response_measured') }}

),

customers as (

    select * from {{ ref('int_customer_resolved') }}

),

told as (

    select
        tickets.ticket_key,
        tickets.source,
        coalesce(customers.customer_key, 0) as customer_key,
        tickets.product_key,
        tickets.asset_key,
        tickets.agent_key,
        tickets.team_key,
        tickets.priority,
        tickets.channel,
        tickets.issue_type,
        tickets.created_at,
        tickets.first_response_at as summary_response_at,
        tickets.source_states_responses,
        tickets.is_counted,
        tickets.merged_into_ticket_key,
        tickets.exclusion,
        states.ticket_key is not null as has_states,
        coalesce(responses.has_messages, false) as has_messages,
        coalesce(responses.is_response_logged, false) or tickets.source_states_responses as is_response_told,
        {{ told_status() }} as status,
        {{ told_resolved_at() }} as resolved_at,
        {{ told_first_resolved_at() }} as first_resolved_at,
        {{ told_reopen_count() }} as reopen_count,
        {{ told_is_complaint() }} as is_complaint
    from tickets
    left join states on tickets.ticket_key = states.ticket_key
    left join responses on tickets.ticket_key = responses.ticket_key
    left join customers on tickets.customer_record_key = customers.customer_record_key

),

final as (

    select
        ticket_key,
        source,
        customer_key,
        product_key,
        asset_key,
        agent_key,
        team_key,
        priority,
        channel,
        issue_type,
        created_at,
        summary_response_at,
        source_states_responses,
        has_states,
        has_messages,
        is_response_told,
        status,
        status in ('resolved', 'closed') as is_resolved,
        resolved_at,
        first_resolved_at,
        reopen_count,
        is_complaint,
        {{ told_is_in_scope('status') }} as is_in_scope
    from told

)

select * from final
