{#- What is told of a ticket: from its own events where they tell it, else from its summary row. Expressions over the aliases
    `tickets` (int_ticket_united), `states` (int_ticket_state_measured) and `responses` (int_ticket_response_measured),
    written once for fct_ticket and for what is derived before it. -#}

{% macro told_status() -%}
case
            when tickets.is_deleted or tickets.status = 'deleted' then 'deleted'
            when states.ticket_key is not null then states.status
            else tickets.status
        end
{%- endmacro %}

{% macro told_first_resolved_at() -%}
case
            when states.ticket_key is not null then states.first_resolved_at
            -- a summary keeps the last resolution only
            when coalesce(tickets.stated_reopen_count, 0) = 0 then coalesce(tickets.resolved_at, tickets.closed_at)
        end
{%- endmacro %}

{#- Null while unresolved; a summary's closing is its resolution if it states none. -#}
{% macro told_resolved_at() -%}
case
            when tickets.is_deleted or tickets.status = 'deleted' then null
            when states.ticket_key is not null then states.resolved_at
            when tickets.status in ('resolved', 'closed') then coalesce(tickets.resolved_at, tickets.closed_at)
        end
{%- endmacro %}

{% macro told_reopen_count() -%}
case
            when states.ticket_key is not null then states.reopen_count
            else tickets.stated_reopen_count
        end
{%- endmacro %}

{% macro told_is_complaint() -%}
case
            when responses.is_complaint then true
            else coalesce(tickets.is_complaint, case when responses.has_complaints then false end)
        end
{%- endmacro %}

{#- Neither deleted, nor merged into another ticket, nor no real ticket; `told_status` is an expression, too. -#}
{% macro told_is_countable(told_status) -%}
coalesce({{ told_status }}, '') <> 'deleted'
        and merged_into_ticket_key = 0
        and exclusion is null
{%- endmacro %}

{#- Countable, and not taken out by the gate. -#}
{% macro told_is_in_scope(told_status) -%}
{{ told_is_countable(told_status) }}
        and is_counted
{%- endmacro %}
