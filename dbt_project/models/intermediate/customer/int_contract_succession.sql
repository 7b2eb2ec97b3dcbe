{% set grace = var('contract_grace_days') %}

with contracts as (

    select
        in_force.contract_key,
        in_force.customer_key,
        in_force.currency,
        in_force.is_recurring,
        in_force.monthly_amount,
        stated.start_date,
        in_force.in_force_from_date,
        in_force.in_force_to_date,
        stated.end_date as due_date,
        -- a name that leads to no contract of the customer and currency names nothing
        coalesce(named.contract_key, 0) as renews_contract_key
    from {{ ref('int_contract_in_force') }} as in_force
    inner join {{ ref('stg_contract') }} as stated
        on stated.contract_key = in_force.contract_key
    left join {{ ref('int_contract_in_force') }} as named
        on named.contract_key = stated.renews_contract_key
        and named.customer_key = in_force.customer_key
        and named.currency = in_force.currency
        and named.contract_key <> in_force.contract_key

),

explicit as (

    select
        due.contract_key,
        renewal.contract_key as renewed_by_contract_key,
        'explicit' as renewal_kind
    from contracts as due
    inner join contracts as renewal
        on renewal.renews_contract_key = due.contract_key
        and renewal.start_date > due.start_date
        and (due.due_date is null or renewal.start_date <= {{ add_days('due.due_date', grace) }})

),

-- what names nothing renews what it follows: from its last day on, or within grace after all others had ended
new_contracts as (

    select
        due.contract_key,
        renewal.contract_key as renewed_by_contract_key,
        'new_contract' as renewal_kind
    from contracts as due
    inner join contracts as renewal
        on renewal.customer_key = due.customer_key
        and renewal.currency = due.currency
        and renewal.is_recurring = due.is_recurring
        and renewal.renews_contract_key = 0
        and renewal.start_date > due.start_date
        and renewal.start_date >= due.due_date
        and renewal.in_force_from_date <= {{ add_days('due.due_date', 1) }}
        and renewal.in_force_to_date > due.due_date
    where not exists (select 1 from explicit where explicit.contract_key = due.contract_key)

),

pairs as (

    select * from explicit
    union all
    select * from new_contracts

),

final as (

    select
        pairs.contract_key,
        due.customer_key,
        due.start_date,
        due.monthly_amount,
        pairs.renewed_by_contract_key,
        renewal.start_date as renewed_date,
        renewal.monthly_amount as renewal_amount,
        pairs.renewal_kind
    from pairs
    inner join contracts as due
        on due.contract_key = pairs.contract_key
    inner join contracts as renewal
        on renewal.contract_key = pairs.renewed_by_contract_key

)

select * from final
