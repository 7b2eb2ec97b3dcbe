-- Each query has a name; all read the served marts. What is recent is counted from the as-of date.
-- name: models
select
    customer_kind, fit_date, model_kind, horizon_days, test_from_date, test_to_date, test_row_count, test_lost_count,
    naive_rate, auc, brier, naive_brier, brier_gain_low, brier_gain_high, calibration_error, lift_top_decile, is_used,
    reason_en, reason_zh
from marts.fct_churn_model
qualify row_number() over (partition by customer_kind order by fit_date desc) = 1
order by customer_kind
-- name: bins
select calibration.customer_kind, calibration.predicted_rate, calibration.observed_rate, calibration.row_count
from marts.fct_churn_calibration as calibration
where fit_date = (
    select max(model.fit_date) from marts.fct_churn_model as model
    where model.customer_kind = calibration.customer_kind
)
order by calibration.customer_kind, calibration.bin_number
-- name: cohorts
select cohort_month, month_number, active_count, cohort_size
from marts.fct_cohort_retention, audit.warehouse_state
where
    segment = 'all' and is_mature and month_number between 0 and 12
    and cohort_month >= date_trunc('month', as_of_date) - interval 13 months
order by cohort_month, month_number
-- name: value_models
select * from marts.fct_customer_value_model
where is_current
order by model_kind, term_months
-- name: survival_fitted
select term_months, alpha, beta, case_count
from marts.fct_customer_value_model
where is_current and model_kind = 'sbg' and is_fitted and term_months > 0 and alpha is not null
order by term_months
-- name: survival_observed
select term_months, decision_number as number, count(*) as due, sum(cast(is_renewed as integer)) as renewed
from marts.fct_contract_renewal
where is_due_decided and term_months is not null
group by term_months, decision_number
having count(*) >= 20
order by term_months, decision_number
-- name: losses
select
    coalesce(end_reason, '') as reason, count(*) as contracts, count(*) / sum(count(*)) over () as share,
    count(*) filter (where churn_kind = 'voluntary') as voluntary,
    count(*) filter (where churn_kind = 'involuntary') as involuntary,
    count(*) filter (where churn_kind = 'unknown') as unknown, cast(sum(amount_due * currency_rate) as double) as amount
from marts.fct_contract_renewal, audit.warehouse_state
where churn_kind is not null and due_date > as_of_date - interval 12 months
group by all
order by contracts desc, reason
limit 10
-- name: values
select
    coalesce(version.tier, '(none)') as tier, count(*) as customers,
    quantile_cont(value.predicted_ltv_12m, 0.1), quantile_cont(value.predicted_ltv_12m, 0.25),
    quantile_cont(value.predicted_ltv_12m, 0.5), quantile_cont(value.predicted_ltv_12m, 0.75),
    quantile_cont(value.predicted_ltv_12m, 0.9)
from marts.fct_customer_value as value
left join marts.dim_customer_version as version using (customer_version_key)
where value.is_current and value.predicted_ltv_12m is not null
group by all
order by 5 desc, 1
-- name: rhythm
select
    case
        when order_count = 1 then 0 when order_count = 2 then 1 when order_count <= 4 then 2
        when order_count <= 7 then 3 else 4
    end as often,
    case
        when age_days - recency_days <= 30 then 0 when age_days - recency_days <= 90 then 1
        when age_days - recency_days <= 180 then 2 when age_days - recency_days <= 365 then 3 else 4
    end as ago,
    count(*) as customers, avg(p_alive) as p_alive
from marts.fct_customer_value
where is_current and order_count > 0
group by all
order by all
-- name: calls
select
    health.call_rank, customer.customer_id, coalesce(version.tier, '') as tier, health.health_score,
    health.churn_probability, health.value_12m, health.expected_value_saved,
    health.reason_1_en, health.reason_2_en, health.reason_3_en,
    health.reason_1_zh, health.reason_2_zh, health.reason_3_zh
from marts.fct_customer_health as health
join marts.dim_customer as customer using (customer_key)
left join marts.dim_customer_version as version on version.customer_version_key = health.customer_version_key
where health.call_rank <= 10
order by health.call_rank
-- name: links
select
    score_kind, purpose, outcome, customer_count, spearman, spearman_low, spearman_high, odds_ratio, odds_ratio_low,
    odds_ratio_high, adjusted_for
from marts.fct_satisfaction_link
where spearman is not null
order by score_kind, purpose, outcome
