-- Rows that staging has and a mart lacks, or the other way round: returns the pairs that differ.
{% set pairs = [
    ("stg_order", "not is_deleted", "fct_order", "true"),
    ("stg_contract", "true", "dim_contract", "contract_key <> 0"),
    ("stg_batch", "true", "audit_batch", "true"),
    ("stg_check_result", "true", "audit_check_result", "true"),
    ("stg_quarantined_row", "true", "audit_quarantined_row", "true"),
] %}
{% for staged, staged_filter, mart, mart_filter in pairs %}
select '{{ mart }}' as mart, staged.row_count as staged_count, built.row_count as built_count
from (select count(*) as row_count from {{ ref(staged) }} where {{ staged_filter }}) as staged
cross join (select count(*) as row_count from {{ ref(mart) }} where {{ mart_filter }}) as built
where staged.row_count <> built.row_count
{{ "union all" if not loop.last }}
{% endfor %}
