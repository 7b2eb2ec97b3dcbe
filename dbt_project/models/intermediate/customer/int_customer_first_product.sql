-- The product of a customer's first contract or order; of several on that day one of the first line by name.
with

bought as (

    select customer_key, start_date as bought_date, product_key
    from {{ ref('dim_contract') }}
    where is_counted and not is_deleted
    union all
    select customer_key, ordered_date, product_key
    from {{ ref('fct_order') }}
    where is_counted

),

placed as (

    select
        bought.customer_key,
        bought.product_key,
        product.product_line,
        row_number() over (
            partition by bought.customer_key
            order by
                product.product_line asc nulls last,
                case when bought.product_key = 0 then 1 else 0 end,
                bought.product_key
        ) as place
    from bought
    inner join {{ ref('dim_customer') }} as customer
        on customer.customer_key = bought.customer_key
        and customer.first_purchase_date = bought.bought_date
    inner join {{ ref('dim_product') }} as product
        on product.product_key = bought.product_key
    where bought.customer_key <> 0

),

final as (

    select customer_key, product_key, product_line
    from placed
    where place = 1

)

select * from final
