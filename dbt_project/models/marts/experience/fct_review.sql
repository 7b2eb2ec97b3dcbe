with

reviews as (

    select * from {{ ref('stg_review') }}
    where not is_deleted

),

orders as (

    select * from {{ ref('fct_order') }}

),

tickets as (

    select * from {{ ref('fct_ticket') }}

),

customers as (

    select * from {{ ref('int_customer_resolved') }}

),

buyers as (

    select * from {{ ref('dim_customer') }}

),

as_of as (

    select
        as_of,
        {{ threshold('low_score_pomp') }} as low_score_pomp
    from {{ ref('stg_as_of') }}

),

-- where no source delivers follow-ups nobody knows whether a loop was closed
follow_ups_delivered as (

    select count(*) as follow_up_count
    from {{ ref('stg_follow_up') }}
    where not is_deleted

),

review_loops as (
    {{ closed_loops('review_key') }}
),

-- the ticket opened for it: whoever holds it owns the matter, and its solution is action and result
ticket_loops as (

    select
        tickets.ticket_key,
        tickets.agent_key <> 0 or tickets.team_key <> 0 as has_owner,
        tickets.is_resolved,
        coalesce(confirmations.is_confirmed, false) as is_confirmed
    from tickets
    left join (
        {{ closed_loops('ticket_key') }}
    ) as confirmations on tickets.ticket_key = confirmations.ticket_key

),

-- who wrote it and about what: its own word, else that of the order, else that of the ticket opened for it
joined as (

    select
        reviews.*,
        as_of.as_of,
        as_of.low_score_pomp,
        coalesce(
            nullif(customers.customer_key, 0), nullif(orders.customer_key, 0), tickets.customer_key, 0
        ) as customer_key,
        coalesce(nullif(reviews.product_key, 0), nullif(orders.product_key, 0), tickets.product_key, 0)
            as placed_product_key,
        coalesce(reviews.rating >= reviews.rating_min, true)
        and coalesce(reviews.rating <= reviews.rating_max, true) as is_on_scale,
        {{ local_date('reviews.reviewed_at') }} as reviewed_date
    from reviews
    cross join as_of
    left join orders on reviews.order_key = orders.order_key
    left join tickets on reviews.ticket_key = tickets.ticket_key
    left join customers on reviews.customer_record_key = customers.customer_record_key

),

scaled as (

    select
        *,
        case
            when is_on_scale and rating_max > rating_min
                then cast(
                    100.0 * cast(rating - rating_min as double) / cast(rating_max - rating_min as double) as double
                )
        end as rating_pomp
    from joined

),

judged as (

    select
        scaled.*,
        coalesce(scaled.rating_pomp < scaled.low_score_pomp, false)
        or coalesce(scaled.stated_sentiment = 'negative', false) as needs_closing,
        (coalesce(review_loops.has_owner, false) or coalesce(ticket_loops.has_owner, false))
        and (coalesce(review_loops.has_action, false) or coalesce(ticket_loops.is_resolved, false))
        and (coalesce(review_loops.has_result, false) or coalesce(ticket_loops.is_resolved, false))
        and (coalesce(review_loops.is_confirmed, false) or coalesce(ticket_loops.is_confirmed, false)) as is_looped,
        follow_ups_delivered.follow_up_count
    from scaled
    cross join follow_ups_delivered
    left join review_loops on scaled.review_key = review_loops.review_key
    left join ticket_loops on scaled.ticket_key = ticket_loops.ticket_key

),

final as (

    select
        judged.review_key,
        judged.review_id,
        judged.source,
        judged.batch_id,
        judged.platform,
        {{ code_key('channel', 'judged.platform') }} as channel_key,
        judged.customer_key,
        coalesce(customer_version.customer_version_key, 0) as customer_version_key,
        judged.placed_product_key as product_key,
        judged.order_key,
        judged.ticket_key,
        judged.language,
        judged.rating,
        judged.rating_min,
        judged.rating_max,
        judged.rating_pomp,
        judged.stated_sentiment,
        judged.title,
        judged.review_text,
        judged.reviewed_at,
        judged.reviewed_date,
        judged.answered_at,
        case
            when judged.answered_at is not null or judged.answer_text is not null then true
            else judged.is_answered
        end as is_answered,
        case
            when judged.answered_at >= judged.reviewed_at
                then cast({{ minutes_between('judged.reviewed_at', 'judged.answered_at') }} as double)
        end as answer_minutes,
        judged.answer_text,
        judged.is_counted,
        judged.needs_closing,
        case when judged.needs_closing and judged.follow_up_count > 0 then judged.is_looped end as is_closed_loop,
        {{ is_new_customer('buyers.first_purchase_date', 'judged.reviewed_date') }} as is_new_customer
    from judged
    left join buyers on judged.customer_key = buyers.customer_key
    -- a review without a time is one of the customer as known now
    {{ customer_version_join('judged.customer_key', 'coalesce(judged.reviewed_at, judged.as_of)') }}

)

select * from final
