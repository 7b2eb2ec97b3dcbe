{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        on_schema_change='append_new_columns',
        pre_hook="{{ delete_superseded_events() }}"
    )
}}
-- Only what the event itself says, so that a row never changes unless its event is delivered again.
with

events as (

    select * from {{ ref('stg_ticket_event') }}
    where not is_deleted

),

final as (

    select
        events.event_key,
        events.event_id,
        events.ticket_key,
        events.ticket_id,
        events.event_type,
        events.occurred_at,
        {{ local_date('events.occurred_at') }} as occurred_date,
        events.actor_type,
        events.agent_key,
        events.is_public,
        events.from_value,
        events.to_value,
        events.message,
        events.is_counted,
        events.source,
        events.batch_id,
        events.gate_no,
        events.row_number,
        events.row_id
    from events
    {% if is_incremental() %}
    left join {{ this }} as kept on events.event_key = kept.event_key
    where kept.event_key is null
    {% endif %}

)

select * from final
