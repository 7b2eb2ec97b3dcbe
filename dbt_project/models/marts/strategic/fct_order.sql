with orders as (

    select
        placed.*,
        coalesce(resolved.customer_key, 0) as customer_key
    from {{ ref('stg_order') }} as placed
    left join {{ ref('int_customer_resolved') }} as resolved
        on resolved.customer_record_key = placed.customer_record_key
    where not placed.is_deleted

),

final as (

    select
        orders.order_key,
        orders.order_id,
        orders.source,
        orders.batch_id,
        orders.customer_key,
        customer_version.customer_version_key,
        orders.product_key,
        {{ code_key('channel', 'orders.channel') }} as channel_key,
        orders.channel,
        orders.is_counted,
        orders.ordered_at,
        {{ local_date('orders.ordered_at') }} as ordered_date,
        orders.amount,
        orders.cost,
        orders.refund_amount,
        orders.currency,
        orders.promised_date,
        orders.delivered_date,
        orders.is_correct
    from orders
    {{ customer_version_join('orders.customer_key', 'orders.ordered_at') }}

)

select * from final
