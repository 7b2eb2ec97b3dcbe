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
        coalesce(contract.billing_term_months, 1) as billing_term_months,
        {{ dbt.datediff('contract.start_date', 'contract.end_date', 'day') }} + 1 as contract_days
    from {{ ref('int_contract_in_force') }} as in_force
    inner join {{ ref('stg_contract') }} as contract
        on contract.contract_key = in_force.contract_key
    -- the rate of its first day, so that no later rate changes what was expected on an earlier day
    {{ currency_rate_join('in_force.currency', 'contract.start_date') }}
    where in_force.is_recurring

),

-- where some contracts of a billing term have no end, those that have one were ended like these: term by term
termed as (

    select
        contracts.*,
        max(case when end_date is null then 1 else 0 end) over (partition by billing_term_months) = 1 as is_open_ended
    from contracts

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

-- a start on the day after a last day is a renewal
renewing as (

    select
        starts.customer_key,
        starts.currency,
        starts.in_force_from_date,
        starts.last_date,
        case when ended.customer_key is not null then 1 else 0 end as is_renewal
    from starts
    left join (select distinct customer_key, currency, in_force_to_date from contracts) as ended
        on ended.customer_key = starts.customer_key
        and ended.currency = starts.currency
        and ended.in_force_to_date = {{ add_days('starts.in_force_from_date', -1) }}

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
        1 + sum(is_renewal) over (
            partition by customer_key, currency, chain order by in_force_from_date
            rows between unbounded preceding and current row
        ) as decision_number
    from chained

),

final as (

    select
        termed.contract_key,
        termed.customer_key,
        termed.is_open_ended,
        not termed.is_open_ended or settings.is_contract_end_agreed as is_end_agreed,
        cast(case
            when termed.is_open_ended then greatest(termed.billing_term_months, 1)
            {%- for months in classes[:-1] %}
            when termed.contract_days < {{ (months + classes[loop.index]) / 2 * 365 / 12 }} then {{ months }}
            {%- endfor %}
            else {{ classes[-1] }}
        end as bigint) as term_months,
        cast(numbered.decision_number as bigint) as decision_number,
        termed.start_date,
        termed.end_date,
        termed.in_force_from_date,
        termed.in_force_to_date,
        termed.outcome = 'continued' as is_renewed,
        cast(termed.monthly_amount as double) as monthly_amount,
        cast(termed.monthly_margin as double) as monthly_margin
    from termed
    cross join settings
    inner join numbered
        on numbered.customer_key = termed.customer_key
        and numbered.currency = termed.currency
        and numbered.in_force_from_date = termed.in_force_from_date

)

select * from final
