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
    {%- for name, expression in ticket_event_columns().items() %}
        {{ expression }} as {{ name }}{{ "," if not loop.last }}
    {%- endfor %}
    from events
    {% if is_incremental() %}
    left join {{ this }} as kept on events.event_key = kept.event_key
    where kept.event_key is null
    {% endif %}

)

select * from final
