-- Versions of a customer follow one another from 1900 to the end of time: returns the customers for whom they do not.
with versions as (

    select
        customer_key,
        valid_from,
        valid_to,
        lag(valid_to) over (partition by customer_key order by valid_from) as previous_valid_to
    from {{ ref('dim_customer_version') }}

)

select customer_key
from versions
group by customer_key
having
    min(valid_from) <> timestamp '1900-01-01'
    or max(valid_to) <> timestamp '9999-12-31'
    or count(case when valid_from >= valid_to then 1 end) > 0
    or count(case when previous_valid_to <> valid_from then 1 end) > 0
