{#- Billing terms whose contracts go on until somebody ends them, per day on which that is judged: where most of what runs
    has no last day, one that has one was ended, and nobody had agreed on a day to renew it. `days` has `judged_date` and
    `known_date`: a last day up to the latter may have been written after the former, so it tells nothing. What is without
    a last day must be a tenth of all that ran, too, or one forgotten date would speak for all that have ended since. -#}
{% macro open_ended_billing_terms(contracts, days) -%}
select
    days.judged_date,
    contracts.billing_term_months
from {{ contracts }} as contracts
inner join {{ days }} as days
    on contracts.start_date <= days.judged_date
    and contracts.last_date > days.judged_date
group by days.judged_date, contracts.billing_term_months
having
    sum(case when contracts.end_date is null then 1 else 0 end)
    >= sum(case when contracts.end_date > days.known_date then 1 else 0 end)
    and 10 * sum(case when contracts.end_date is null then 1 else 0 end) >= count(*)
{%- endmacro %}

{# Whether a contract goes on until somebody ends it, by the open-ended billing terms that are left-joined to it. #}
{% macro is_open_ended(contract, billing_terms='billing_terms') -%}
({{ contract }}.end_date is null or {{ billing_terms }}.billing_term_months is not null)
{%- endmacro %}
