"""The strategic marts of a warehouse made by hand: enough for every picture and table of the model card."""

from __future__ import annotations

from pathlib import Path

import duckdb

from include.warehouse.publish import serve_file
from tests.support.reported_home import HOSTILE

CARD_TABLES = """
create table marts.fct_churn_model (
    customer_kind varchar, fit_date date, model_kind varchar, horizon_days bigint, test_from_date date,
    test_to_date date, test_row_count bigint, test_lost_count bigint, naive_rate double, auc double, brier double,
    naive_brier double, brier_gain_low double, brier_gain_high double, calibration_error double,
    lift_top_decile double, is_used boolean, reason_en varchar, reason_zh varchar);
create table marts.fct_churn_calibration (
    customer_kind varchar, fit_date date, bin_number bigint, predicted_rate double, observed_rate double,
    row_count bigint);
create table marts.fct_cohort_retention (
    segment varchar, is_mature boolean, cohort_month date, month_number bigint, active_count bigint,
    cohort_size bigint);
create table marts.fct_customer_value_model (
    is_current boolean, model_kind varchar, is_fitted boolean, term_months bigint, alpha double, beta double,
    case_count bigint, alpha_se double, beta_se double, customer_count bigint, log_likelihood double,
    hold_out_days bigint, hold_out_auc double, hold_out_brier double, hold_out_naive_brier double,
    warnings_en varchar, warnings_zh varchar);
create table marts.fct_contract_renewal (
    term_months bigint, decision_number bigint, is_due_decided boolean, is_renewed boolean, due_date date,
    end_reason varchar, churn_kind varchar, amount_due decimal(18, 4), currency_rate decimal(18, 8));
create table marts.fct_customer_value (
    customer_key bigint, customer_version_key bigint, is_current boolean, predicted_ltv_12m double,
    order_count bigint, age_days bigint, recency_days bigint, p_alive double);
create or replace table marts.dim_customer_version (customer_version_key bigint, tier varchar);
create or replace table marts.dim_customer (customer_key bigint, customer_id varchar);
create table marts.fct_customer_health (
    call_rank bigint, customer_key bigint, customer_version_key bigint, health_score double, churn_probability double,
    value_12m double, expected_value_saved double, reason_1_en varchar, reason_2_en varchar, reason_3_en varchar,
    reason_1_zh varchar, reason_2_zh varchar, reason_3_zh varchar);
create table marts.fct_satisfaction_link (
    score_kind varchar, purpose varchar, outcome varchar, customer_count bigint, spearman double, spearman_low double,
    spearman_high double, odds_ratio double, odds_ratio_low double, odds_ratio_high double, adjusted_for varchar);
"""
_ROWS = f"""
insert into marts.fct_churn_model values
    ('contract', '2025-12-31', 'boosting', 90, '2025-01-31', '2025-04-30', 1, 1, 0.5, 0.5, 0.5, 0.5, 0, 0, 0, 1, true,
     null, null),
    ('contract', '2026-06-30', 'logistic', 90, '2025-11-30', '2026-02-28', 3061, 97, 0.0367, 0.9148, 0.02715, 0.03071,
     0.0018, 0.0045, 0.0067, 5.05, true, null, null),
    ('order', '2026-06-30', null, 180, null, null, 0, 0, 0.3, null, null, null, null, null, null, null, false,
     'Too few lost customers', '流失客户过少'),
    ('in_grace', '2026-06-30', null, 30, null, null, 0, 0, 0.8, null, null, null, null, null, null, null, false,
     'Too few lost customers', '流失客户过少');
insert into marts.fct_churn_calibration values
    ('contract', '2026-06-30', 1, 0.01, 0.0, 100), ('contract', '2026-06-30', 2, 0.2, 0.3, 100),
    ('contract', '2025-12-31', 1, 0.9, 0.9, 100);
insert into marts.fct_cohort_retention values
    ('all', true, '2026-01-01', 0, 40, 40), ('all', true, '2026-01-01', 1, 30, 40),
    ('all', true, '2026-05-01', 0, 8, 10),
    ('tier', true, '2026-01-01', 2, 1, 40), ('all', false, '2026-06-01', 0, null, 5);
insert into marts.fct_customer_value_model (is_current, model_kind, is_fitted, term_months, alpha, beta, case_count)
    values
    (true, 'sbg', true, 12, 0.6681, 3.8061, 900), (true, 'sbg', true, 3, 1.0, 1.0, 50),
    (true, 'sbg', true, 6, 1.0, 1.0, 50),
    (true, 'sbg', true, 0, 1.0, 1.0, 999);
insert into marts.fct_customer_value_model values
    (true, 'bg_nbd', true, null, 2147.6540336, null, 1235, 422.1857, null, 1235, -5322.697, 365, 0.7721, 0.15004,
     0.17453, 'Nobody seems to stop ordering', '未见客户停止下单'),
    (true, 'sbg', false, 24, null, null, 41, null, null, null, null, null, null, null, null,
     'Too few renewal decisions of this term', '该期限的续约决定过少'),
    (false, 'bg_nbd', true, null, 9, null, 7777, 0, null, 7777, -1, null, null, null, null, null, null);
-- 40 came to the first decision and 30 renewed, 24 of the 30 once more; of the third too few are decided
insert into marts.fct_contract_renewal (term_months, decision_number, is_due_decided, is_renewed)
    select 12, 1, true, n < 30 from range(40) as numbers (n) union all
    select 12, 2, true, n < 24 from range(30) as numbers (n) union all
    select 12, 3, n < 19, true from range(24) as numbers (n) union all
    select 3, 1, true, n < 20 from range(50) as numbers (n) union all
    -- a term whose first decisions are too few
    select 6, 1 + n // 19, true, true from range(50) as numbers (n);
insert into marts.fct_contract_renewal (due_date, end_reason, churn_kind, amount_due, currency_rate) values
    ('2025-07-01', 'price', 'voluntary', 100, 7), ('2026-05-31', 'price', 'unknown', 50, 1),
    ('2026-05-31', 'price', 'voluntary', 50, 1), ('2026-05-31', null, 'involuntary', 30, 1),
    -- a year ago; of an unknown rate; not decided or renewed
    ('2025-06-30', 'price', 'voluntary', 1000, 1), ('2026-05-31', '{HOSTILE}', 'voluntary', 1000, null),
    ('2026-06-20', 'price', null, 1000, 1);
insert into marts.dim_customer_version values (1, 'vip'), (2, '{HOSTILE}');
insert into marts.dim_customer values (1, 'C-0001'), (2, 'C-0002');
insert into marts.fct_customer_value
    select n, 1 + n % 2, true, n * 10, 1 + n % 3, 400, 400 - n, case when n % 3 = 0 then 1 else 0.5 end
    from range(90) as numbers (n);
insert into marts.fct_customer_health values
    (1, 1, 1, 34.6, 0.302, 8727, 527.1, 'Contract is due for renewal', 'Low satisfaction when last asked', null,
     '合同即将到期待续', '最近一次满意度低', null),
    (11, 2, 2, 50, 0.2, 10, 1, 'Not shown', null, null, '不显示', null, null);
insert into marts.fct_satisfaction_link values
    ('csat', 'transactional', 'retained', 254, 0.14, 0.017, 0.26, 1.18, 1.01, 1.38, 'tenure,tier'),
    ('nps', 'relationship', 'retained', 3, null, null, null, null, null, null, null);
"""


def add_strategic_marts(home: Path) -> None:
    """Add them to a home of `make_reported_home`."""
    with duckdb.connect(str(serve_file(home))) as con:
        con.execute(CARD_TABLES)
        con.execute(_ROWS)
