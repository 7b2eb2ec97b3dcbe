{# OP-8: what was done about a piece of feedback, put together from all of its follow-ups; one row per value of the key. #}
{% macro closed_loops(key) %}
    select
        {{ key }},
        max(agent_key <> 0) as has_owner,
        max(action_taken is not null) as has_action,
        max(outcome is not null) as has_result,
        max(coalesce(is_confirmed_solved, false)) as is_confirmed
    from {{ ref('stg_follow_up') }}
    where {{ key }} <> 0 and is_counted and not is_deleted
    group by {{ key }}
{% endmacro %}
