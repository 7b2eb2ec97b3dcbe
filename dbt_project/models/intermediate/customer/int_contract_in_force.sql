{% set grace = var('contract_grace_days') %}
{% set peers = "customer_key, currency, is_recurring" %}

with stated as (

    {{ stated_contracts() }}

),

contracts as (

    select * from stated
    where is_counted

),

as_of_day as (

    select
        as_of_date as judged_date,
        as_of_date as known_date
    from {{ ref('stg_as_of') }}

),

billing_terms as (

    {{ open_ended_billing_terms('contracts', 'as_of_day') }}

),

-- a renewal replaces what it renews: from its first day, or back to the day after the last one if that is within grace
renewed as (

    select
        contract.contract_key,
        min(renewal.start_date) as renewed_date
    from contracts as contract
    inner join contracts as renewal
        on renewal.renews_contract_key = contract.contract_key
        and renewal.customer_key = contract.customer_key
        and renewal.currency = contract.currency
        and renewal.start_date > contract.start_date
    group by contract.contract_key

),

shortened as (

    select
        contracts.*,
        case
            when renewed.renewed_date <= contracts.last_date then {{ add_days('renewed.renewed_date', -1) }}
            else contracts.last_date
        end as reached_date
    from contracts
    left join renewed
        on renewed.contract_key = contracts.contract_key

),

named as (

    select
        contract.*,
        case
            when
                contract.start_date > renewed.reached_date
                and contract.start_date <= {{ add_days('renewed.reached_date', grace) }}
                then {{ add_days('renewed.reached_date', 1) }}
            else contract.start_date
        end as named_date
    from shortened as contract
    left join shortened as renewed
        on renewed.contract_key = contract.renews_contract_key
        and renewed.customer_key = contract.customer_key
        and renewed.currency = contract.currency

),

-- a new contract within grace after all others ended is a renewal although nobody said so
starts as (

    select
        customer_key,
        currency,
        is_recurring,
        named_date,
        max(max(reached_date)) over (
            partition by {{ peers }} order by named_date
            rows between unbounded preceding and 1 preceding
        ) as others_date
    from named
    group by customer_key, currency, is_recurring, named_date

),

placed as (

    select
        named.*,
        case
            when
                named.named_date > starts.others_date
                and named.named_date <= {{ add_days('starts.others_date', grace) }}
                then {{ add_days('starts.others_date', 1) }}
            else named.named_date
        end as in_force_from_date
    from named
    inner join starts
        on starts.customer_key = named.customer_key
        and starts.currency = named.currency
        and starts.is_recurring = named.is_recurring
        and starts.named_date = named.named_date

),

followed as (

    select
        contract.contract_key,
        max(case when other.in_force_from_date = {{ add_days('contract.reached_date', 1) }} then 1 else 0 end)
            as continued
    from placed as contract
    inner join placed as other
        on other.customer_key = contract.customer_key
        and other.currency = contract.currency
        and other.is_recurring = contract.is_recurring
        and other.in_force_from_date <= {{ add_days('contract.reached_date', 1) }}
        and other.reached_date > contract.reached_date
    group by contract.contract_key

),

final as (

    select
        placed.contract_key,
        placed.customer_key,
        placed.currency,
        placed.is_recurring,
        placed.monthly_amount,
        placed.monthly_cost,
        placed.start_date,
        placed.in_force_from_date,
        placed.reached_date as in_force_to_date,
        placed.billing_term_months,
        {{ is_open_ended('placed') }} as is_open_ended,
        case
            when placed.reached_date > placed.as_of_date then 'running'
            when followed.continued = 1 then 'continued'
            when followed.continued = 0 then 'reduced'
            when placed.as_of_date < {{ add_days('placed.reached_date', grace) }} then 'undecided'
            else 'ended'
        end as outcome
    from placed
    left join followed
        on followed.contract_key = placed.contract_key
    left join billing_terms
        on billing_terms.billing_term_months = placed.billing_term_months

)

select * from final
