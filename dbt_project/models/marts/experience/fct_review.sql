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

    select as_of from {{ ref('stg_as_of') }}

),

-- who wrote it and about what: its own word, else that of the order, else that of the ticket opened for it
joined as (

    select
        reviews.*,
        as_of.as_of,
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

final as (

    select
        joined.review_key,
        joined.review_id,
        joined.source,
        joined.batch_id,
        joined.platform,
        {{ code_key('channel', 'joined.platform') }} as channel_key,
        joined.customer_key,
        coalesce(customer_version.customer_version_key, 0) as customer_version_key,
        joined.placed_product_key as product_key,
        joined.order_key,
        joined.ticket_key,
        joined.language,
        joined.rating,
        joined.rating_min,
        joined.rating_max,
        case
            when joined.is_on_scale and joined.rating_max > joined.rating_min
                then cast(
                    100.0 * cast(joined.rating - joined.rating_min as double)
                    / cast(joined.rating_max - joined.rating_min as double) as double
                )
        end as rating_pomp,
        joined.stated_sentiment,
        joined.title,
        joined.review_text,
        joined.reviewed_at,
        joined.reviewed_date,
        joined.answered_at,
        case
            when joined.answered_at is not null or joined.answer_text is not null then true
            else joined.is_answered
        end as is_answered,
        case
            when joined.answered_at >= joined.reviewed_at
                then cast({{ minutes_between('joined.reviewed_at', 'joined.answered_at') }} as double)
        end as answer_minutes,
        joined.answer_text,
        joined.is_counted,
        {{ is_new_customer('buyers.first_purchase_date', 'joined.reviewed_date') }} as is_new_customer
    from joined
    left join buyers on joined.customer_key = buyers.customer_key
    -- a review without a time is one of the customer as known now
    {{ customer_version_join('joined.customer_key', 'coalesce(joined.reviewed_at, joined.as_of)') }}

)

select * from final
