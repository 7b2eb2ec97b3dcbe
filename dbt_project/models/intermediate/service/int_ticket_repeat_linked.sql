-- METHODS 'Repeat': tickets on one matter, that is of one customer, issue type and product, or of one asset where both
-- name theirs. Creations and resolutions of a matter are put in order of time, so that each ticket finds its neighbours
-- by a window and no pair of tickets is ever compared.
{% set in_order = 'order by moment_at, is_resolution, ticket_key' %}
{% set earlier = 'rows between unbounded preceding and 1 preceding' %}
{% set following = 'rows between 1 following and unbounded following' %}
{% set of_product = 'partition by customer_key, issue_type, product_key ' ~ in_order %}
{% set of_asset = 'partition by customer_key, issue_type, asset_key ' ~ in_order %}
with

tickets as (

    select * from {{ ref('int_ticket_settled') }}
    where is_in_scope and customer_key <> 0 and issue_type is not null

),

moments as (

    -- at one instant creations come first: a ticket created as another is resolved does not follow it
    select
        ticket_key,
        customer_key,
        issue_type,
        product_key,
        asset_key,
        created_at as moment_at,
        0 as is_resolution
    from tickets
    union all
    select
        ticket_key,
        customer_key,
        issue_type,
        product_key,
        asset_key,
        resolved_at as moment_at,
        1 as is_resolution
    from tickets
    -- a resolution before the creation is a contradiction
    where resolved_at >= created_at

),

of_products as (

    select
        *,
        row_number() over ({{ of_product }}) as place
    from moments

),

-- a ticket that names its asset meets those of the product that name none; one that names none meets all
within_product as (

    select
        *,
        min(case when is_resolution = 0 then moment_at end) over ({{ of_product }} {{ following }}) as next_any_at,
        min(case when is_resolution = 0 and asset_key = 0 then moment_at end)
            over ({{ of_product }} {{ following }}) as next_unnamed_at,
        max(case when is_resolution = 1 then place end) over ({{ of_product }} {{ earlier }}) as any_place,
        max(case when is_resolution = 1 and asset_key = 0 then place end)
            over ({{ of_product }} {{ earlier }}) as unnamed_place
    from of_products

),

of_assets as (

    select
        *,
        row_number() over ({{ of_asset }}) as place
    from moments
    where asset_key <> 0

),

within_asset as (

    select
        *,
        min(case when is_resolution = 0 then moment_at end) over ({{ of_asset }} {{ following }}) as next_at,
        max(case when is_resolution = 1 then place end) over ({{ of_asset }} {{ earlier }}) as earlier_place
    from of_assets

),

followed as (

    select
        product.ticket_key,
        case
            when product.asset_key = 0 then product.next_any_at
            when asset.next_at < product.next_unnamed_at then asset.next_at
            else coalesce(product.next_unnamed_at, asset.next_at)
        end as next_created_at
    from within_product as product
    left join within_asset as asset
        on product.ticket_key = asset.ticket_key
        and asset.is_resolution = 1
    where product.is_resolution = 1

),

-- the earlier tickets that a creation may repeat: the last one resolved of each kind
candidates as (

    select
        created.ticket_key,
        earlier.ticket_key as earlier_ticket_key,
        earlier.moment_at as earlier_resolved_at,
        created.moment_at as created_at
    from within_product as created
    inner join within_product as earlier
        on created.customer_key = earlier.customer_key
        and created.issue_type = earlier.issue_type
        and created.product_key = earlier.product_key
        and case when created.asset_key = 0 then created.any_place else created.unnamed_place end = earlier.place
    where created.is_resolution = 0
    union all
    select
        created.ticket_key,
        earlier.ticket_key as earlier_ticket_key,
        earlier.moment_at as earlier_resolved_at,
        created.moment_at as created_at
    from within_asset as created
    inner join within_asset as earlier
        on created.customer_key = earlier.customer_key
        and created.issue_type = earlier.issue_type
        and created.asset_key = earlier.asset_key
        and created.earlier_place = earlier.place
    where created.is_resolution = 0

),

ranked as (

    select
        *,
        row_number() over (
            partition by ticket_key order by earlier_resolved_at desc, earlier_ticket_key desc
        ) as choice
    from candidates
    where
        {{ microseconds_between('earlier_resolved_at', 'created_at') }}
        <= {{ threshold('repeat_window') }} * 86400000000

),

final as (

    select
        tickets.ticket_key,
        followed.next_created_at,
        coalesce(ranked.earlier_ticket_key, 0) as repeat_of_ticket_key
    from tickets
    left join followed on tickets.ticket_key = followed.ticket_key
    left join ranked
        on tickets.ticket_key = ranked.ticket_key
        and ranked.choice = 1

)

select * from final
