{% set grace = var('contract_grace_days') %}

-- one contract that renews several goes to each by its share of what was due
with shared as (

    select
        contract_key,
        renewed_by_contract_key,
        renewal_kind,
        cast(renewal_amount * monthly_amount as double)
        / nullif(cast(sum(monthly_amount) over (partition by renewed_by_contract_key) as double), 0) as amount_after,
        row_number() over (partition by contract_key order by renewed_date, renewed_by_contract_key) as place
    from {{ ref('int_contract_succession') }}

),

renewals as (

    select
        contract_key,
        max(case when place = 1 then renewed_by_contract_key end) as renewed_by_contract_key,
        -- all of a contract are of one kind
        max(renewal_kind) as renewal_kind,
        cast(round(sum(cast(amount_after as decimal(38, 12))), 4) as decimal(18, 4)) as amount_after
    from shared
    group by contract_key

),

judged as (

    select
        in_force.contract_key,
        in_force.customer_key,
        in_force.currency,
        in_force.monthly_amount,
        in_force.is_open_ended,
        stated.contract_id,
        stated.source,
        stated.batch_id,
        stated.product_key,
        stated.end_date as due_date,
        stated.billing_term_months,
        stated.end_reason,
        stated.is_voluntary,
        as_of.as_of_date >= {{ add_days('stated.end_date', grace) }} as is_decided,
        coalesce(renewals.renewed_by_contract_key, 0) as renewed_by_contract_key,
        renewals.renewal_kind,
        coalesce(renewals.amount_after, 0) as amount_after,
        renewals.contract_key is not null as is_followed
    from {{ ref('int_contract_in_force') }} as in_force
    inner join {{ ref('stg_contract') }} as stated
        on stated.contract_key = in_force.contract_key
    cross join {{ ref('stg_as_of') }} as as_of
    left join renewals
        on renewals.contract_key = in_force.contract_key
    where stated.end_date <= as_of.as_of_date

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
        and termed.is_current
        and not termed.is_open_ended
    left join {{ ref('fct_customer_month') }} as churned
        on churned.customer_key = judged.customer_key
        and churned.churn_date = judged.due_date
    {{ currency_rate_join('judged.currency', 'judged.due_date') }}
    {{ customer_version_join('judged.customer_key', local_midnight('judged.due_date')) }}

)

select * from final
