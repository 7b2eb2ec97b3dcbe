{#- Whether a visit is one at which somebody came to its ticket: what counts as a visit of the ticket. -#}
{% macro is_arrival(visits) -%}
{{ visits }}.arrived_at is not null
        and {{ visits }}.ticket_key <> 0
        and {{ visits }}.is_counted
        and not {{ visits }}.is_deleted
        and coalesce({{ visits }}.outcome, '') <> 'cancelled'
{%- endmacro %}
