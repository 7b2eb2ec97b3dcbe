{% set classes = var('contract_term_classes') %}
{% set peers = "partition by customer_key, currency" %}

with settings as (

    select coalesce(max(case when is_contract_end_agreed then 1 else 0 end), 0) = 1 as is_contract_end_agreed
    from {{ ref('stg_health_setting') }}

),

contracts as (

    select
        in_force.contract_key,
        in_force.customer_key,
        in_force.currency,
        {{ converted('in_force.monthly_amount') }} as monthly_amount,
        {{ converted('in_force.monthly_amount - in_force.monthly_cost') }} as monthly_margin,
        in_force.in_force_from_date,
        in_force.in_force_to_date,
        in_force.outcome,
        contract.start_date,
        contract.end_date,
        in_force.billing_term_months,
        in_force.is_open_ended,
        -- where few go on without an end, those of them that were ended look like contracts with one
        not in_force.is_open_ended or in_force.is_billing_term_open_ended as is_fitted,
        {{ dbt.datediff('contract.start_date', 'contract.end_date', 'day') }} + 1 as contract_days
    from {{ ref('int_contract_in_force') }} as in_force
    inner join {{ ref('stg_contract') }} as contract
        on contract.contract_key = in_force.contract_key
    -- the rate of its first day, so that no later rate changes what was expected on an earlier day
    {{ currency_rate_join('in_force.currency', 'contract.start_date') }}
    where in_force.is_recurring

),

starts as (

    select
        customer_key,
        currency,
        in_force_from_date,
        max(in_force_to_date) as last_date
    from contracts
    group by customer_key, currency, in_force_from_date

),

-- what a contract came to until its end: one decision, or one for each term that an open-ended one lived
-- (terms_lived of include/customer_value/contract_value.py at a cut)
decided as (

    select
        customer_key,
        currency,
        in_force_to_date,
        max(case
            when is_open_ended
                then cast(floor(
                    cast(12 * ({{ dbt.datediff('in_force_from_date', 'in_force_to_date', 'day') }} + 1 + 3) as double)
                    / (365 * greatest(billing_term_months, 1))
                ) as bigint)
            else 1
        end) as decision_count
    from contracts
    group by customer_key, currency, in_force_to_date

),

-- a start on the day after a last day is a renewal
renewing as (

    select
        starts.customer_key,
        starts.currency,
        starts.in_force_from_date,
        starts.last_date,
        coalesce(decided.decision_count, 0) as decision_count
    from starts
    left join decided
        on decided.customer_key = starts.customer_key
        and decided.currency = starts.currency
        and decided.in_force_to_date = {{ add_days('starts.in_force_from_date', -1) }}

),

covered as (

    select
        renewing.*,
        max(last_date) over (
            {{ peers }} order by in_force_from_date rows between unbounded preceding and 1 preceding
        ) as others_date
    from renewing

),

-- a gap begins a new chain
chained as (

    select
        covered.*,
        sum(case when in_force_from_date <= {{ add_days('others_date', 1) }} then 0 else 1 end) over (
            {{ peers }} order by in_force_from_date rows between unbounded preceding and current row
        ) as chain
    from covered

),

numbered as (

    select
        customer_key,
        currency,
        in_force_from_date,
        1 + sum(decision_count) over (
            partition by customer_key, currency, chain order by in_force_from_date
            rows between unbounded preceding and current row
        ) as decision_number
    from chained

),

final as (

    select
        contracts.contract_key,
        contracts.customer_key,
        contracts.is_open_ended,
        contracts.is_fitted,
        not contracts.is_open_ended or settings.is_contract_end_agreed as is_end_agreed,
        cast(case
            when contracts.is_open_ended then greatest(contracts.billing_term_months, 1)
            {%- for months in classes[:-1] %}
            when contracts.contract_days < {{ (months + classes[loop.index]) / 2 * 365 / 12 }} then {{ months }}
            {%- endfor %}
            else {{ classes[-1] }}
        end as bigint) as term_months,
        cast(numbered.decision_number as bigint) as decision_number,
        contracts.start_date,
        contracts.end_date,
        contracts.in_force_from_date,
        contracts.in_force_to_date,
        contracts.outcome = 'continued' as is_renewed,
        cast(contracts.monthly_amount as double) as monthly_amount,
        cast(contracts.monthly_margin as double) as monthly_margin
    from contracts
    cross join settings
    inner join numbered
        on numbered.customer_key = contracts.customer_key
        and numbered.currency = contracts.currency
        and numbered.in_force_from_date = contracts.in_force_from_date

)

select * from final
