with final as (

    select
        contract.contract_key,
        contract.contract_id,
        contract.contract_id_space as key_space,
        coalesce(resolved.customer_key, 0) as customer_key,
        contract.product_key,
        contract.start_date,
        contract.end_date,
        contract.billing_term_months,
        contract.monthly_amount,
        contract.monthly_cost,
        contract.currency,
        contract.renews_contract_key,
        contract.end_reason,
        contract.is_voluntary,
        contract.is_counted,
        contract.is_deleted,
        in_force.in_force_from_date,
        in_force.outcome
    from {{ ref('stg_contract') }} as contract
    left join {{ ref('int_customer_resolved') }} as resolved
        on resolved.customer_record_key = contract.customer_record_key
    left join {{ ref('int_contract_in_force') }} as in_force
        on in_force.contract_key = contract.contract_key
    union all
    select 0, null, null, 0, 0, null, null, null, null, null, null, 0, null, null, true, false, null, null

)

select * from final
