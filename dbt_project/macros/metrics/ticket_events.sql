{#- What fct_ticket_event takes from an event: name -> expression over its current row in staging. Nothing that depends on
    the way by which the row came in, such as the gate of its batch, so that night by night gives what one night gives. -#}
{% macro ticket_event_columns() %}
    {{ return({
        'event_key': 'events.event_key',
        'event_id': 'events.event_id',
        'ticket_key': 'events.ticket_key',
        'ticket_id': 'events.ticket_id',
        'event_type': 'events.event_type',
        'occurred_at': 'events.occurred_at',
        'occurred_date': local_date('events.occurred_at'),
        'actor_type': 'events.actor_type',
        'agent_key': 'events.agent_key',
        'is_public': 'events.is_public',
        'from_value': 'events.from_value',
        'to_value': 'events.to_value',
        'message': 'events.message',
        'is_counted': 'events.is_counted',
        'source': 'events.source',
        'batch_id': 'events.batch_id',
    }) }}
{% endmacro %}

{#- Before new events are added: take out those that are not what their current row says (a later version, a batch that was
    gated again, a deletion). Their current rows, if any, then come in like new ones. -#}
{% macro delete_superseded_events() %}
{% if execute and is_incremental() %}
delete from {{ this }} as kept
where not exists (
    select 1
    from {{ ref('stg_ticket_event') }} as events
    where
        not events.is_deleted
        {%- for name, expression in ticket_event_columns().items() %}
        and kept.{{ name }} is not distinct from {{ expression }}
        {%- endfor %}
)
{% endif %}
{% endmacro %}
{#- Order of a ticket's events: by time, then the creation, then the id as sources number them. Not by delivery: the order
    in which events came in must not matter. -#}
{% macro event_order(time='occurred_at') -%}
    {{ time }}, case when event_type = 'created' then 0 else 1 end, length(event_id), event_id, event_key
{%- endmacro %}
