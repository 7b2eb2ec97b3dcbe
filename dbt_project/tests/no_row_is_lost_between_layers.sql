-- Rows that staging has and a mart lacks, or the other way round: returns the pairs that differ.
{% set pairs = [
    ("stg_order", "not is_deleted", "fct_order", "true"),
    ("stg_contract", "true", "dim_contract", "contract_key <> 0"),
    ("stg_ticket", "true", "fct_ticket", "created_from = 'summary'"),
    ("stg_ticket_event", "not is_deleted", "fct_ticket_event", "true"),
    ("stg_visit", "not is_deleted", "fct_visit", "true"),
    ("stg_follow_up", "not is_deleted", "fct_follow_up", "true"),
    ("stg_review", "not is_deleted", "fct_review", "true"),
    ("stg_improvement_action", "not is_deleted", "fct_improvement_action", "true"),
    ("stg_metric_target", "not is_deleted", "fct_metric_target", "true"),
    ("stg_survey_response", "not is_deleted", "fct_survey_response", "true"),
    ("stg_survey_invitation", "not is_deleted", "fct_survey_invitation", "true"),
    ("stg_batch", "true", "audit_batch", "true"),
    ("stg_check_result", "true", "audit_check_result", "true"),
    ("stg_decision", "true", "audit_decision", "true"),
    ("stg_quarantined_row", "true", "audit_quarantined_row", "true"),
] %}
{% for staged, staged_filter, mart, mart_filter in pairs %}
select '{{ mart }}' as mart, staged.row_count as staged_count, built.row_count as built_count
from (select count(*) as row_count from {{ ref(staged) }} where {{ staged_filter }}) as staged
cross join (select count(*) as row_count from {{ ref(mart) }} where {{ mart_filter }}) as built
where staged.row_count <> built.row_count
{{ "union all" if not loop.last }}
{% endfor %}
