{#- What was known of every customer in force at every month-end: nothing that happened after it. What a source writes
    over later (the last day of a contract that was ended early, a ticket's last resolution) is not used as it is now. -#}
{% set grace = var('contract_grace_days') %}
{% set year = 365 %}
{% set quarter = 90 %}

with settings as (

    select
        setting.*,
        as_of.as_of_date as known_until_date,
        as_of.currency
    from {{ ref('stg_health_setting') }} as setting
    cross join {{ ref('stg_as_of') }} as as_of

),

cuts as (

    select
        valued.customer_key,
        valued.customer_version_key,
        valued.as_of_date,
        valued.is_current,
        -- of the last order, for t_x and T count from the first
        valued.age_days - valued.recency_days as days_since_order,
        valued.order_count - coalesce(year_before.order_count, 0) as orders_12m,
        valued.ltv_revenue - coalesce(year_before.ltv_revenue, 0) as revenue_12m,
        valued.ltv_margin - coalesce(year_before.ltv_margin, 0) as margin_12m,
        {{ dbt.datediff('customer.first_purchase_date', 'valued.as_of_date', 'day') }} as tenure_days
    from {{ ref('fct_customer_value') }} as valued
    inner join {{ ref('dim_customer') }} as customer
        on customer.customer_key = valued.customer_key
    left join {{ ref('fct_customer_value') }} as year_before
        on year_before.customer_key = valued.customer_key
        and year_before.as_of_date = {{ month_end(dbt.dateadd('month', -12, 'valued.as_of_date')) }}

),

contracts as (

    select
        contract.customer_key,
        contract.start_date,
        contract.end_date,
        contract.billing_term_months,
        {{ converted('contract.monthly_amount') }} as monthly_amount,
        settings.is_contract_end_agreed
    from {{ ref('dim_contract') }} as contract
    cross join settings
    -- at the rate of its first day, as its expected value
    {{ currency_rate_join('coalesce(contract.currency, settings.currency)', 'contract.start_date') }}
    where
        contract.customer_key <> 0
        and contract.is_counted
        and not contract.is_deleted
        and (contract.end_date is null or contract.end_date >= contract.start_date)

),

-- as signed, not as closed up by a renewal that came later
contracts_in_force as (

    select
        cuts.customer_key,
        cuts.as_of_date,
        contracts.monthly_amount,
        case
            when contracts.is_contract_end_agreed then contracts.end_date
            when contracts.billing_term_months > 0
                then {{ add_days(dbt.dateadd(
                    'month',
                    '(cast(floor(' ~ dbt.datediff('contracts.start_date', 'cuts.as_of_date', 'month')
                    ~ ' / cast(contracts.billing_term_months as double)) as integer) + 1)'
                    ~ ' * cast(contracts.billing_term_months as integer)',
                    'contracts.start_date'
                ), -1) }}
        end as term_end_date
    from cuts
    inner join contracts
        on contracts.customer_key = cuts.customer_key
        and contracts.start_date <= cuts.as_of_date
        and coalesce(contracts.end_date, cast('2999-12-31' as date)) >= cuts.as_of_date

),

contract_cuts as (

    select
        customer_key,
        as_of_date,
        sum(monthly_amount) as monthly_amount,
        -- with one that has no known end there is none
        case when count(*) = count(term_end_date) then max(term_end_date) end as term_end_date
    from contracts_in_force
    group by customer_key, as_of_date

),

graces as (

    select distinct
        cuts.customer_key,
        cuts.as_of_date
    from cuts
    inner join contracts
        on contracts.customer_key = cuts.customer_key
        and contracts.end_date < cuts.as_of_date
        -- the last day on which a renewal may begin is not over
        and contracts.end_date > {{ add_days('cuts.as_of_date', -grace) }}

),

in_force as (

    select
        cuts.*,
        contract_cuts.monthly_amount,
        {{ dbt.datediff('cuts.as_of_date', 'contract_cuts.term_end_date', 'day') }} as contract_days_left,
        case
            when contract_cuts.customer_key is not null then 'contract'
            when graces.customer_key is not null then 'in_grace'
            else 'order'
        end as customer_kind
    from cuts
    left join contract_cuts
        on contract_cuts.customer_key = cuts.customer_key
        and contract_cuts.as_of_date = cuts.as_of_date
    left join graces
        on graces.customer_key = cuts.customer_key
        and graces.as_of_date = cuts.as_of_date
    where
        contract_cuts.customer_key is not null
        or graces.customer_key is not null
        or cuts.days_since_order <= {{ var('active_order_days') }}

),

-- each as it was told of at the time: what became a complaint, was merged or struck out later was not so then
tickets as (

    select * from {{ ref('int_ticket_in_time') }}

),

-- from when on sources tell of service, and of complaints and reopenings
service_told as (

    select
        min(created_date) as first_date,
        least(
            min(case when is_complaint is not null then greatest(created_date, valid_from_date) end),
            min(complained_date)
        ) as first_complaint_date
    from tickets

),

reopens as (

    select
        tickets.customer_key,
        tickets.valid_from_date,
        tickets.valid_to_date,
        {{ local_date('spans.from_at') }} as reopened_date
    from {{ ref('int_ticket_state_span') }} as spans
    inner join tickets
        on tickets.ticket_key = spans.ticket_key
    where spans.is_reopen = 1

),

states_told as (

    select {{ local_date('min(from_at)') }} as first_date
    from {{ ref('int_ticket_state_span') }}

),

ticket_cuts as (

    select
        in_force.customer_key,
        in_force.as_of_date,
        count(*) as ticket_count,
        sum(case when tickets.created_date > {{ add_days('in_force.as_of_date', -quarter) }} then 1 else 0 end)
            as tickets_90d,
        sum(
            case when tickets.is_complaint or tickets.complained_date <= in_force.as_of_date then 1 else 0 end
        ) as complaint_count,
        {{ exact_percentile(
            'case when tickets.first_response_date <= in_force.as_of_date then tickets.first_response_minutes end', 0.5
        ) }} as response_minutes
    from in_force
    inner join tickets
        on tickets.customer_key = in_force.customer_key
        and tickets.valid_from_date <= in_force.as_of_date
        and tickets.valid_to_date > in_force.as_of_date
        and tickets.created_date <= in_force.as_of_date
        and tickets.created_date > {{ add_days('in_force.as_of_date', -year) }}
    group by in_force.customer_key, in_force.as_of_date

),

reopen_cuts as (

    select
        in_force.customer_key,
        in_force.as_of_date,
        count(*) as reopen_count
    from in_force
    inner join reopens
        on reopens.customer_key = in_force.customer_key
        and reopens.valid_from_date <= in_force.as_of_date
        and reopens.valid_to_date > in_force.as_of_date
        and reopens.reopened_date <= in_force.as_of_date
        and reopens.reopened_date > {{ add_days('in_force.as_of_date', -year) }}
    group by in_force.customer_key, in_force.as_of_date

),

-- a customer's last word of each kind, of whatever purpose: a feature, not a score of any
answers as (

    select
        response.customer_key,
        response.response_key,
        response.submitted_date,
        response.submitted_at,
        'csat' as score_kind,
        cast(scored.overall_pomp as decimal(18, 6)) as pomp
    from {{ ref('fct_survey_response') }} as response
    inner join {{ ref('int_response_scored') }} as scored
        on scored.response_key = response.response_key
    where
        response.is_csat_counted
        and response.csat_score is not null
        and coalesce(response.purpose, '') <> 'pretest'
        and response.customer_key <> 0
    union all
    select
        response.customer_key,
        response.response_key,
        response.submitted_date,
        response.submitted_at,
        'nps',
        cast(scored.nps_pomp as decimal(18, 6))
    from {{ ref('fct_survey_response') }} as response
    inner join {{ ref('int_response_scored') }} as scored
        on scored.response_key = response.response_key
    where
        response.is_nps_counted
        and response.nps_score is not null
        and coalesce(response.purpose, '') <> 'pretest'
        and response.customer_key <> 0

),

placed_answers as (

    select
        in_force.customer_key,
        in_force.as_of_date,
        answers.score_kind,
        answers.pomp,
        row_number() over (
            partition by in_force.customer_key, in_force.as_of_date, answers.score_kind
            order by answers.submitted_at desc, answers.response_key desc
        ) as place
    from in_force
    inner join answers
        on answers.customer_key = in_force.customer_key
        and answers.submitted_date <= in_force.as_of_date
        and answers.submitted_date > {{ add_days('in_force.as_of_date', -year) }}

),

answer_cuts as (

    select
        customer_key,
        as_of_date,
        max(case when score_kind = 'csat' and place = 1 then pomp end) as last_csat,
        max(case when score_kind = 'nps' and place = 1 then pomp end) as last_nps,
        sum(case when score_kind = 'csat' and place > 1 then pomp end) as earlier_csat_sum,
        sum(case when score_kind = 'csat' and place > 1 then 1 end) as earlier_csat_count
    from placed_answers
    group by customer_key, as_of_date

),

usage_told as (

    select min(usage_date) as first_date
    from {{ ref('fct_usage_daily') }}

),

usage_cuts as (

    select
        in_force.customer_key,
        in_force.as_of_date,
        sum(
            case
                when used.usage_date > {{ add_days('in_force.as_of_date', -quarter) }}
                    then cast(used.usage_count as decimal(18, 4))
                else 0
            end
        ) as usage_now,
        sum(
            case
                when used.usage_date <= {{ add_days('in_force.as_of_date', -quarter) }}
                    then cast(used.usage_count as decimal(18, 4))
                else 0
            end
        ) as usage_before
    from in_force
    inner join {{ ref('fct_usage_daily') }} as used
        on used.customer_key = in_force.customer_key
        and used.usage_date <= in_force.as_of_date
        and used.usage_date > {{ add_days('in_force.as_of_date', -2 * quarter) }}
    where used.is_counted
    group by in_force.customer_key, in_force.as_of_date

),

churns as (

    select customer_key, churn_date
    from {{ ref('fct_customer_month') }}
    where churn_date is not null

),

losses as (

    select distinct
        in_force.customer_key,
        in_force.as_of_date
    from in_force
    cross join settings
    inner join churns
        on churns.customer_key = in_force.customer_key
        -- dated on the last day of the contract, which is over for who is in grace
        and (
            (
                in_force.customer_kind = 'contract'
                and churns.churn_date >= in_force.as_of_date
                and churns.churn_date <= {{ add_days('in_force.as_of_date', 'settings.contract_horizon_days') }}
            )
            or (
                in_force.customer_kind = 'in_grace'
                and churns.churn_date < in_force.as_of_date
                and churns.churn_date > {{ add_days('in_force.as_of_date', -grace) }}
            )
        )

),

purchases as (

    select customer_key, ordered_date as purchase_date
    from {{ ref('fct_order') }}
    where is_counted and customer_key <> 0
    union all
    select customer_key, start_date
    from contracts

),

-- who buys or signs is not lost
returns as (

    select distinct
        in_force.customer_key,
        in_force.as_of_date
    from in_force
    cross join settings
    inner join purchases
        on purchases.customer_key = in_force.customer_key
        and purchases.purchase_date > in_force.as_of_date
        and purchases.purchase_date <= {{ add_days('in_force.as_of_date', 'settings.order_horizon_days') }}
    where in_force.customer_kind = 'order'

),

measured as (

    select
        in_force.*,
        settings.known_until_date,
        settings.contract_horizon_days,
        case in_force.customer_kind
            when 'contract' then settings.contract_horizon_days
            when 'order' then settings.order_horizon_days
            when 'in_grace' then {{ grace }}
        end as horizon_days,
        case in_force.customer_kind
            when 'contract'
                then {{ add_days('in_force.as_of_date', 'settings.contract_horizon_days + ' ~ grace) }}
            when 'order' then {{ add_days('in_force.as_of_date', 'settings.order_horizon_days') }}
            when 'in_grace' then {{ add_days('in_force.as_of_date', grace) }}
        end as outcome_known_date,
        case in_force.customer_kind
            when 'order' then returns.customer_key is null
            else losses.customer_key is not null
        end as is_lost,
        -- the part of the last year of which sources and the customer's own time tell
        case
            when service_told.first_date <= {{ add_days('in_force.as_of_date', 1 - quarter) }}
                then least(
                    {{ year }},
                    {{ dbt.datediff('service_told.first_date', 'in_force.as_of_date', 'day') }} + 1,
                    greatest(in_force.tenure_days + 1, {{ quarter }})
                )
        end as observed_days,
        service_told.first_complaint_date,
        states_told.first_date as first_state_date,
        ticket_cuts.ticket_count,
        ticket_cuts.tickets_90d,
        ticket_cuts.complaint_count,
        ticket_cuts.response_minutes,
        reopen_cuts.reopen_count,
        answer_cuts.last_csat,
        answer_cuts.last_nps,
        answer_cuts.earlier_csat_sum,
        answer_cuts.earlier_csat_count,
        usage_told.first_date as first_usage_date,
        usage_cuts.usage_now,
        usage_cuts.usage_before
    from in_force
    cross join settings
    cross join service_told
    cross join states_told
    cross join usage_told
    left join losses
        on losses.customer_key = in_force.customer_key
        and losses.as_of_date = in_force.as_of_date
    left join returns
        on returns.customer_key = in_force.customer_key
        and returns.as_of_date = in_force.as_of_date
    left join ticket_cuts
        on ticket_cuts.customer_key = in_force.customer_key
        and ticket_cuts.as_of_date = in_force.as_of_date
    left join reopen_cuts
        on reopen_cuts.customer_key = in_force.customer_key
        and reopen_cuts.as_of_date = in_force.as_of_date
    left join answer_cuts
        on answer_cuts.customer_key = in_force.customer_key
        and answer_cuts.as_of_date = in_force.as_of_date
    left join usage_cuts
        on usage_cuts.customer_key = in_force.customer_key
        and usage_cuts.as_of_date = in_force.as_of_date

),

final as (

    select
        {{ surrogate_key([
            "cast(customer_key as " ~ dbt.type_string() ~ ")",
            "cast(as_of_date as " ~ dbt.type_string() ~ ")"
        ]) }} as customer_feature_key,
        customer_key,
        customer_version_key,
        as_of_date,
        is_current,
        customer_kind,
        horizon_days,
        outcome_known_date,
        case when outcome_known_date <= known_until_date then is_lost end as is_lost,
        case when observed_days is not null then cast(coalesce(tickets_90d, 0) as double) end as tickets_90d,
        cast(coalesce(ticket_count, 0) as double) * {{ year }} / observed_days as tickets_per_year,
        case
            when first_complaint_date <= {{ add_days('as_of_date', 1 - quarter) }}
                then cast(coalesce(complaint_count, 0) as double) * {{ year }} / observed_days
        end as complaints_per_year,
        case
            when first_state_date <= {{ add_days('as_of_date', 1 - quarter) }}
                then cast(coalesce(reopen_count, 0) as double) * {{ year }} / observed_days
        end as reopens_per_year,
        cast(response_minutes as double) as response_minutes,
        cast(last_csat as double) as last_csat,
        cast(last_csat as double) - cast(earlier_csat_sum as double) / earlier_csat_count as csat_trend,
        cast(last_nps as double) as last_nps,
        cast(tenure_days as double) as tenure_days,
        cast(days_since_order as double) as days_since_order,
        cast(orders_12m as double) as orders_12m,
        cast(revenue_12m as double) as revenue_12m,
        cast(margin_12m as double) as margin_12m,
        cast(monthly_amount as double) as monthly_amount,
        cast(contract_days_left as double) as contract_days_left,
        case
            when contract_days_left <= contract_horizon_days then 1.0
            when contract_days_left is not null then 0.0
        end as is_contract_due,
        case
            when
                first_usage_date <= {{ add_days('as_of_date', 1 - 2 * quarter) }}
                and usage_now + usage_before > 0
                then 100 * cast(usage_now - usage_before as double) / cast(greatest(usage_now, usage_before) as double)
        end as usage_change
    from measured

)

select * from final
