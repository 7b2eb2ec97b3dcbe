{#- Before new events are added: take out those whose row is no longer the current one (a later version, a gate that was
    replaced, a deletion). Their current rows, if any, then come in like new ones. -#}
{% macro delete_superseded_events() %}
{% if execute and is_incremental() %}
delete from {{ this }} as kept
where not exists (
    select 1
    from {{ ref('stg_ticket_event') }} as current_event
    where
        current_event.event_key = kept.event_key
        and current_event.batch_id = kept.batch_id
        and current_event.gate_no = kept.gate_no
        and current_event.row_id = kept.row_id
        and not current_event.is_deleted
)
{% endif %}
{% endmacro %}
