{% set grace = var('contract_grace_days') %}

with {{ contract_successions() }},

-- one contract that renews several goes to each by its share of what was due
ranked as (

    select
        contract_key,
        renewed_by_contract_key,
        kind_rank,
        cast(monthly_amount * amount_due as double)
        / nullif(cast(sum(amount_due) over (partition by renewed_by_contract_key) as double), 0) as amount_after,
        row_number() over (partition by contract_key order by kind_rank, start_date, renewed_by_contract_key) as place
    from successions

),

renewals as (

    select
        contract_key,
        max(case when place = 1 then renewed_by_contract_key end) as renewed_by_contract_key,
        min(kind_rank) as kind_rank,
        cast(round(sum(cast(amount_after as decimal(38, 12))), 4) as decimal(18, 4)) as amount_after
    from ranked
    group by contract_key

),

-- where most of what runs has no last day, one that has one was ended: nobody had agreed on a day to renew it
billing_terms as (

    select
        coalesce(contracts.billing_term_months, 1) as billing_term_months,
        2 * sum(case when contracts.due_date is null then 1 else 0 end) >= count(*) as is_open_ended
    from contracts
    cross join {{ ref('stg_as_of') }} as as_of
    where
        contracts.start_date <= as_of.as_of_date
        and (contracts.due_date is null or contracts.due_date > as_of.as_of_date)
    group by coalesce(contracts.billing_term_months, 1)

),

judged as (

    select
        contracts.*,
        coalesce(billing_terms.is_open_ended, false) as is_open_ended,
        as_of.as_of_date >= {{ add_days('contracts.due_date', grace) }} as is_decided,
        coalesce(renewals.renewed_by_contract_key, 0) as renewed_by_contract_key,
        case renewals.kind_rank when 1 then 'explicit' when 2 then 'new_contract' end as renewal_kind,
        coalesce(renewals.amount_after, 0) as amount_after,
        renewals.contract_key is not null as is_followed
    from contracts
    cross join {{ ref('stg_as_of') }} as as_of
    left join billing_terms
        on billing_terms.billing_term_months = coalesce(contracts.billing_term_months, 1)
    left join renewals
        on renewals.contract_key = contracts.contract_key
    where contracts.due_date <= as_of.as_of_date

),

final as (

    select
        judged.contract_key,
        judged.contract_id,
        judged.source,
        judged.batch_id,
        judged.customer_key,
        customer_version.customer_version_key,
        judged.product_key,
        judged.billing_term_months,
        termed.term_months,
        termed.decision_number,
        judged.due_date,
        judged.is_open_ended,
        case when not judged.is_open_ended then judged.is_decided end as is_due_decided,
        case when judged.is_decided and not judged.is_open_ended then judged.is_followed end as is_renewed,
        judged.renewed_by_contract_key,
        judged.renewal_kind,
        judged.currency,
        currency_rate.rate as currency_rate,
        judged.monthly_amount as amount_due,
        case
            when judged.is_decided and not judged.is_open_ended and judged.monthly_amount is not null
                then least(judged.amount_after, judged.monthly_amount)
        end as amount_renewed,
        judged.end_reason,
        judged.is_voluntary,
        case
            when not judged.is_decided or judged.is_followed then null
            when judged.is_voluntary then 'voluntary'
            when not judged.is_voluntary then 'involuntary'
            else 'unknown'
        end as churn_kind,
        case when judged.is_decided then churned.customer_key is not null end as is_customer_churned
    from judged
    -- the class of its length and its place in the chain, as renewals are fitted by; one that could go on has none
    left join {{ ref('int_contract_term') }} as termed
        on termed.contract_key = judged.contract_key
        and not termed.is_open_ended
    left join {{ ref('fct_customer_month') }} as churned
        on churned.customer_key = judged.customer_key
        and churned.churn_date = judged.due_date
    {{ currency_rate_join('judged.currency', 'judged.due_date') }}
    {{ customer_version_join('judged.customer_key', local_midnight('judged.due_date')) }}

)

select * from final
