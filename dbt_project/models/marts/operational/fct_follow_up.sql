with

follow_ups as (

    select * from {{ ref('stg_follow_up') }}
    where not is_deleted

),

tickets as (

    select * from {{ ref('fct_ticket') }}

),

responses as (

    select * from {{ ref('fct_survey_response') }}

),

reviews as (

    select * from {{ ref('fct_review') }}

),

customers as (

    select * from {{ ref('int_customer_resolved') }}

),

as_of as (

    select as_of from {{ ref('stg_as_of') }}

),

-- who is called back: its own word, else the customer of the ticket, the response or the review that it follows up
joined as (

    select
        follow_ups.*,
        as_of.as_of,
        coalesce(
            nullif(customers.customer_key, 0), nullif(tickets.customer_key, 0), nullif(responses.customer_key, 0),
            reviews.customer_key, 0
        ) as customer_key,
        coalesce(nullif(follow_ups.ticket_key, 0), responses.ticket_key, reviews.ticket_key, 0) as placed_ticket_key,
        coalesce(tickets.product_key, responses.product_key, reviews.product_key, 0) as product_key,
        coalesce(tickets.team_key, responses.team_key, 0) as team_key,
        tickets.resolved_at
    from follow_ups
    cross join as_of
    left join tickets on follow_ups.ticket_key = tickets.ticket_key
    left join responses on follow_ups.response_key = responses.response_key
    left join reviews on follow_ups.review_key = reviews.review_key
    left join customers on follow_ups.customer_record_key = customers.customer_record_key

),

final as (

    select
        joined.follow_up_key,
        joined.follow_up_id,
        joined.source,
        joined.batch_id,
        joined.placed_ticket_key as ticket_key,
        joined.response_key,
        joined.review_key,
        joined.customer_key,
        coalesce(customer_version.customer_version_key, 0) as customer_version_key,
        joined.product_key,
        joined.agent_key,
        joined.team_key,
        joined.channel,
        {{ code_key('channel', 'joined.channel') }} as channel_key,
        joined.due_at,
        joined.contacted_at,
        {{ local_date('joined.contacted_at') }} as contacted_date,
        joined.contacted_at is not null as is_contacted,
        joined.is_reached,
        joined.is_confirmed_solved,
        case
            when joined.contacted_at is not null
                then joined.contacted_at > joined.due_at
            when joined.due_at is not null then joined.due_at < joined.as_of
        end as is_overdue,
        case
            when joined.contacted_at >= joined.resolved_at
                then cast({{ minutes_between('joined.resolved_at', 'joined.contacted_at') }} as double)
        end as minutes_after_resolution,
        joined.action_taken,
        joined.outcome,
        joined.note,
        joined.is_counted
    from joined
    {{ customer_version_join('joined.customer_key', 'coalesce(joined.contacted_at, joined.due_at, joined.as_of)') }}

)

select * from final
