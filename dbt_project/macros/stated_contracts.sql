{#- Contracts as they are stated, of customers resolved, those that the gate took out included; what ends before it starts
    is in force on no day. -#}
{% macro stated_contracts() -%}
select
        contract.contract_key,
        resolved.customer_key,
        contract.is_counted,
        -- a source that names no currency means the installation's
        coalesce(contract.currency, as_of.currency) as currency,
        coalesce(contract.monthly_amount, 0) > 0 as is_recurring,
        contract.monthly_amount,
        contract.monthly_cost,
        contract.start_date,
        contract.end_date,
        coalesce(contract.end_date, cast('2999-12-31' as date)) as last_date,
        contract.renews_contract_key,
        coalesce(contract.billing_term_months, 1) as billing_term_months,
        as_of.as_of_date
    from {{ ref('stg_contract') }} as contract
    inner join {{ ref('int_customer_resolved') }} as resolved
        on resolved.customer_record_key = contract.customer_record_key
    cross join {{ ref('stg_as_of') }} as as_of
    where
        not contract.is_deleted
        and (contract.end_date is null or contract.end_date >= contract.start_date)
{%- endmacro %}
