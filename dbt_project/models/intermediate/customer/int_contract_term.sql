{% set classes = var('contract_term_classes') %}
{% set peers = "partition by customer_key, currency, judged_from_date" %}

with settings as (

    select coalesce(max(case when is_contract_end_agreed then 1 else 0 end), 0) = 1 as is_contract_end_agreed
    from {{ ref('stg_health_setting') }}

),

stated as (

    select
        in_force.contract_key,
        in_force.customer_key,
        in_force.currency,
        in_force.is_recurring,
        in_force.monthly_amount,
        in_force.monthly_cost,
        in_force.billing_term_months,
        in_force.in_force_from_date,
        in_force.in_force_to_date,
        in_force.outcome,
        contract.start_date,
        contract.end_date,
        coalesce(contract.end_date, cast('2999-12-31' as date)) as last_date
    from {{ ref('int_contract_in_force') }} as in_force
    inner join {{ ref('stg_contract') }} as contract
        on contract.contract_key = in_force.contract_key

),

months as (

    {{ month_spine() }}

),

days as (

    select
        months.reached_date as judged_date,
        lag(months.reached_date) over (order by months.reached_date) as date_before,
        case when settings.is_contract_end_agreed then months.reached_date else months.as_of_date end as known_date
    from months
    cross join settings

),

billing_terms as (

    {{ open_ended_billing_terms('stated', 'days') }}

),

judged as (

    select
        days.judged_date,
        count(billing_terms.billing_term_months) as term_count,
        count(before.billing_term_months) as kept_count
    from days
    left join billing_terms
        on billing_terms.judged_date = days.judged_date
    left join billing_terms as before
        on before.judged_date = days.date_before
        and before.billing_term_months = billing_terms.billing_term_months
    group by days.judged_date

),

compared as (

    select
        judged.*,
        lag(term_count) over (order by judged_date) as count_before
    from judged

),

-- the days from which on others are open-ended than before, and the first one
judgements as (

    select
        judged_date as judged_from_date,
        lead(judged_date) over (order by judged_date) is null as is_current
    from compared
    where count_before is null or count_before <> kept_count or term_count <> kept_count

),

contracts as (

    select
        stated.contract_key,
        stated.customer_key,
        stated.currency,
        judgements.judged_from_date,
        judgements.is_current,
        {{ converted('stated.monthly_amount') }} as monthly_amount,
        {{ converted('stated.monthly_amount - stated.monthly_cost') }} as monthly_margin,
        stated.in_force_from_date,
        stated.in_force_to_date,
        stated.outcome,
        stated.start_date,
        stated.end_date,
        stated.billing_term_months,
        {{ is_open_ended('stated') }} as is_open_ended,
        -- where few go on without an end, those of them that were ended look like contracts with one
        stated.end_date is not null or billing_terms.billing_term_months is not null as is_fitted,
        {{ dbt.datediff('stated.start_date', 'stated.end_date', 'day') }} + 1 as contract_days
    from stated
    cross join judgements
    left join billing_terms
        on billing_terms.judged_date = judgements.judged_from_date
        and billing_terms.billing_term_months = stated.billing_term_months
    -- the rate of its first day, so that no later rate changes what was expected on an earlier day
    {{ currency_rate_join('stated.currency', 'stated.start_date') }}
    where stated.is_recurring

),

starts as (

    select
        customer_key,
        currency,
        judged_from_date,
        in_force_from_date,
        max(in_force_to_date) as last_date
    from contracts
    group by customer_key, currency, judged_from_date, in_force_from_date

),

-- what a contract came to until its end: one decision, or one for each term that an open-ended one lived
-- (terms_lived of include/customer_value/contract_value.py at a cut)
decided as (

    select
        customer_key,
        currency,
        judged_from_date,
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
    group by customer_key, currency, judged_from_date, in_force_to_date

),

-- a start on the day after a last day is a renewal
renewing as (

    select
        starts.*,
        coalesce(decided.decision_count, 0) as decision_count
    from starts
    left join decided
        on decided.customer_key = starts.customer_key
        and decided.currency = starts.currency
        and decided.judged_from_date = starts.judged_from_date
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
        judged_from_date,
        in_force_from_date,
        1 + sum(decision_count) over (
            {{ peers }}, chain order by in_force_from_date
            rows between unbounded preceding and current row
        ) as decision_number
    from chained

),

final as (

    select
        {{ surrogate_key([
            "cast(contracts.contract_key as " ~ dbt.type_string() ~ ")",
            "cast(contracts.judged_from_date as " ~ dbt.type_string() ~ ")",
        ]) }} as contract_term_key,
        contracts.contract_key,
        contracts.customer_key,
        contracts.judged_from_date,
        contracts.is_current,
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
        and numbered.judged_from_date = contracts.judged_from_date
        and numbered.in_force_from_date = contracts.in_force_from_date

)

select * from final
