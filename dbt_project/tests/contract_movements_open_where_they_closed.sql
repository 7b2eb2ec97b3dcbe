-- A month opens with what the month before closed with; a month that is not there had nothing. Returns the others.
with movements as (

    select
        customer_key,
        currency,
        month_start_date,
        opening,
        lag(closing) over (partition by customer_key, currency order by month_start_date) as previous_closing,
        lag(month_start_date) over (partition by customer_key, currency order by month_start_date) as previous_month
    from {{ ref('fct_customer_contract_movement') }}

)

select *
from movements
where
    opening <> coalesce(previous_closing, 0)
    or (opening <> 0 and previous_month <> {{ month_start(add_days('month_start_date', -1)) }})
