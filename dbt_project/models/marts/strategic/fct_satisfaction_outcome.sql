{% set grace = var('contract_grace_days') %}
{% set window = var('satisfaction_outcome_months') %}

with answers as (

    select
        response.response_key,
        'nps' as score_kind,
        response.nps_score as score,
        -- the bands are part of what the net promoter score is
        case
            when response.nps_score >= 9 then 'promoter'
            when response.nps_score >= 7 then 'passive'
            else 'detractor'
        end as satisfaction_band
    from {{ ref('fct_survey_response') }} as response
    where response.is_nps_counted and response.nps_score is not null
    union all
    -- satisfied is what the question says; of the others those in the upper half of their scale are neutral
    select
        response.response_key,
        'csat',
        response.csat_score,
        case
            when response.csat_is_satisfied then 'satisfied'
            when scored.overall_pomp >= 50 then 'neutral'
            else 'dissatisfied'
        end
    from {{ ref('fct_survey_response') }} as response
    inner join {{ ref('int_response_scored') }} as scored
        on scored.response_key = response.response_key
    where response.is_csat_counted and response.csat_is_satisfied is not null

),

-- a customer counts once a quarter, with the last answer
measured as (

    select
        answers.*,
        response.source,
        response.batch_id,
        response.customer_key,
        response.customer_version_key,
        response.product_key,
        coalesce(response.purpose, '(none)') as purpose,
        response.submitted_date as measured_date,
        cast({{ dbt.dateadd('month', window, 'response.submitted_date') }} as date) as window_end_date,
        row_number() over (
            partition by
                response.customer_key,
                answers.score_kind,
                response.purpose,
                {{ dbt.date_trunc('quarter', 'response.submitted_date') }}
            order by response.submitted_at desc, response.response_key desc
        ) as place
    from answers
    inner join {{ ref('fct_survey_response') }} as response
        on response.response_key = answers.response_key
    where response.is_counted and response.customer_key <> 0 and response.submitted_date is not null

),

chosen as (

    select * from measured
    where place = 1

),

-- who had a contract on the day of the answer can be kept or lost: as signed, for a gap is closed up only if a renewal
-- came, so that of those who answered in one only the kept would count
covered as (

    select distinct chosen.response_key
    from chosen
    inner join {{ ref('int_contract_in_force') }} as contract
        on contract.customer_key = chosen.customer_key
        and contract.start_date <= chosen.measured_date
        and contract.in_force_to_date >= chosen.measured_date

),

-- a contract's last day is the day before the first one without
lost as (

    select distinct chosen.response_key, chosen.score_kind
    from chosen
    inner join {{ ref('fct_customer_month') }} as customer_month
        on customer_month.customer_key = chosen.customer_key
        and customer_month.churn_date >= chosen.measured_date
        and customer_month.churn_date < chosen.window_end_date

),

bought as (

    select
        chosen.response_key,
        chosen.score_kind,
        max(case when ordered.ordered_date <= chosen.measured_date then 1 else 0 end) as bought_before,
        max(
            case
                when ordered.ordered_date <= chosen.measured_date then 0
                when ordered.ordered_date <= chosen.window_end_date then 1
                else 0
            end
        ) as bought_after
    from chosen
    inner join {{ ref('fct_order') }} as ordered
        on ordered.customer_key = chosen.customer_key
    where ordered.is_counted
    group by chosen.response_key, chosen.score_kind

),

final as (

    select
        {{ surrogate_key([
            "cast(chosen.response_key as " ~ dbt.type_string() ~ ")",
            "chosen.score_kind"
        ]) }} as satisfaction_outcome_key,
        chosen.response_key,
        chosen.source,
        chosen.batch_id,
        chosen.customer_key,
        chosen.customer_version_key,
        chosen.product_key,
        chosen.purpose,
        chosen.score_kind,
        chosen.satisfaction_band,
        chosen.score,
        chosen.measured_date,
        chosen.window_end_date,
        case
            when covered.response_key is null then null
            when as_of.as_of_date >= {{ add_days('chosen.window_end_date', grace) }} then lost.response_key is null
        end as is_retained,
        case
            when bought.bought_before = 1 and as_of.as_of_date >= chosen.window_end_date then bought.bought_after = 1
        end as is_repurchased,
        value_after.ltv_revenue - coalesce(value_before.ltv_revenue, 0) as revenue_after,
        value_after.ltv_margin - coalesce(value_before.ltv_margin, 0) as margin_after,
        value_after.ltv_margin as ltv_margin_after,
        value_before.predicted_ltv_12m
    from chosen
    cross join {{ ref('stg_as_of') }} as as_of
    left join covered
        on covered.response_key = chosen.response_key
    left join lost
        on lost.response_key = chosen.response_key
        and lost.score_kind = chosen.score_kind
    left join bought
        on bought.response_key = chosen.response_key
        and bought.score_kind = chosen.score_kind
    -- value moves on by whole months: from the end of the month of the answer
    left join {{ ref('fct_customer_value') }} as value_before
        on value_before.customer_key = chosen.customer_key
        and value_before.as_of_date = {{ month_end('chosen.measured_date') }}
    left join {{ ref('fct_customer_value') }} as value_after
        on value_after.customer_key = chosen.customer_key
        and value_after.as_of_date = {{ month_end('chosen.window_end_date') }}

)

select * from final
