with

tickets as (

    select * from {{ ref('int_ticket_united') }}

),

states as (

    select * from {{ ref('int_ticket_state_measured') }}

),

responses as (

    select * from {{ ref('int_ticket_response_measured') }}

),

held as (

    select
        spans.ticket_key,
        spans.position,
        spans.from_at,
        -- not null, for a condition with `or` can't be hashed
        coalesce(spans.to_at, cast('9999-12-31' as timestamp)) as to_at,
        schedules.schedule
    from {{ ref('int_ticket_span') }} as spans
    inner join {{ ref('int_team_scheduled') }} as schedules on spans.team_key = schedules.team_key

),

outcomes as (

    select * from {{ ref('int_ticket_outcome_judged') }}

),

customers as (

    select * from {{ ref('int_customer_resolved') }}

),

buyers as (

    select * from {{ ref('dim_customer') }}

),

as_of as (

    select
        as_of,
        {{ threshold('first_response_short_limit') }} as short_limit,
        {{ threshold('first_response_long_limit') }} as long_limit,
        {{ threshold('resolution_limit') }} as resolution_limit,
        {{ threshold('one_touch_reply_limit') }} as one_touch_limit
    from {{ ref('stg_as_of') }}

),

-- each time and count once: from the ticket's events where they tell it, else from the summary row
told as (

    select
        tickets.*,
        as_of.as_of,
        as_of.short_limit,
        as_of.long_limit,
        as_of.resolution_limit,
        as_of.one_touch_limit,
        coalesce(customers.customer_key, 0) as customer_key,
        states.ticket_key is not null as has_states,
        coalesce(responses.has_messages, false) as has_messages,
        coalesce(responses.is_response_logged, false) or tickets.source_states_responses as is_response_told,
        {{ told_status() }} as told_status,
        case
            when responses.has_messages then responses.first_response_at
            else tickets.first_response_at
        end as told_first_response_at,
        case
            when responses.has_messages then responses.first_response_clock_at
            else tickets.created_at
        end as first_response_clock_at,
        {{ told_first_resolved_at() }} as first_resolved_at,
        {{ told_resolved_at() }} as told_resolved_at,
        case
            when states.ticket_key is not null then states.closed_at
            when tickets.status = 'closed' then tickets.closed_at
        end as told_closed_at,
        {{ told_reopen_count() }} as told_reopen_count,
        states.is_resolved_at_limit,
        states.new_microseconds,
        states.open_microseconds,
        states.pending_microseconds,
        states.hold_microseconds,
        states.solved_microseconds,
        states.life_microseconds,
        {%- for state in ['new', 'open', 'pending', 'hold', 'life'] %}
        states.{{ state }}_business_microseconds,
        {%- endfor %}
        case when responses.has_messages then responses.human_reply_count end as human_reply_count,
        responses.transfer_count,
        responses.escalation_count,
        {{ told_is_complaint() }} as told_is_complaint,
        {{ minutes_between('tickets.created_at', 'as_of.as_of') }} as age_minutes
    from tickets
    cross join as_of
    left join states on tickets.ticket_key = states.ticket_key
    left join responses on tickets.ticket_key = responses.ticket_key
    left join customers on tickets.customer_record_key = customers.customer_record_key

),

-- a clock's business time runs by the calendar of the team that held the ticket when the clock began
clocked as (

    select
        told.*,
        {{ minutes_between('told.first_response_clock_at', 'told.told_first_response_at') }}
            as first_response_minutes_uncleaned,
        {{ minutes_between('told.created_at', 'told.told_resolved_at') }} as service_cycle_minutes_uncleaned,
        {{ business_at('response_piece', 'told.told_first_response_at') }}
        - {{ business_at('clock_piece', 'told.first_response_clock_at') }} as first_response_business_microseconds,
        {{ business_at('first_resolved_piece', 'told.first_resolved_at') }}
        - {{ business_at('created_piece', 'told.created_at') }} as first_resolution_business_microseconds,
        {{ business_at('resolved_piece', 'told.told_resolved_at') }}
        - {{ business_at('created_piece', 'told.created_at') }} as service_cycle_business_microseconds
    from told
    left join held as first_held on told.ticket_key = first_held.ticket_key and first_held.position = 1
    left join held as clock_held
        on told.ticket_key = clock_held.ticket_key
        and told.first_response_clock_at >= clock_held.from_at
        and told.first_response_clock_at < clock_held.to_at
    {{ business_join('created_piece', 'first_held.schedule', 'told.created_at') }}
    {{ business_join('clock_piece', 'clock_held.schedule', 'told.first_response_clock_at') }}
    {{ business_join('response_piece', 'clock_held.schedule', 'told.told_first_response_at') }}
    {{ business_join('first_resolved_piece', 'first_held.schedule', 'told.first_resolved_at') }}
    {{ business_join('resolved_piece', 'first_held.schedule', 'told.told_resolved_at') }}

),

measured as (

    select
        *,
        told_status in ('resolved', 'closed') as is_resolved,
        -- solved at a time that nobody states is neither within a limit nor outside of it
        told_status is not null
        and (
            told_status not in ('resolved', 'closed')
            or told_resolved_at is not null
            or is_resolved_at_limit is not null
        ) as is_resolution_told,
        {{ told_is_countable('told_status') }} as is_countable,
        -- a time before the creation is a contradiction, not a duration
        case
            when first_response_minutes_uncleaned >= 0 then first_response_minutes_uncleaned
        end as first_response_minutes,
        {{ minutes_between('first_response_clock_at', 'as_of') }} as first_response_age_minutes,
        case
            when first_resolved_at >= created_at then {{ minutes_between('created_at', 'first_resolved_at') }}
        end as first_resolution_minutes,
        case
            when service_cycle_minutes_uncleaned >= 0 then service_cycle_minutes_uncleaned
        end as service_cycle_minutes
    from clocked

),

final as (

    select
        measured.ticket_key,
        measured.ticket_id,
        measured.source,
        measured.batch_id,
        measured.customer_key,
        coalesce(customer_version.customer_version_key, 0) as customer_version_key,
        measured.product_key,
        measured.agent_key,
        measured.team_key,
        measured.asset_key,
        measured.service_partner_key,
        measured.told_status as status,
        measured.is_counted,
        measured.priority,
        measured.issue_type,
        {{ code_key('issue_type', 'measured.issue_type') }} as issue_type_key,
        {{ is_repair('measured.issue_type') }} as is_repair,
        measured.channel,
        {{ code_key('channel', 'measured.channel') }} as channel_key,
        measured.subject,
        measured.created_at,
        {{ local_date('measured.created_at') }} as created_date,
        measured.first_response_clock_at,
        measured.told_first_response_at as first_response_at,
        measured.first_resolved_at,
        measured.told_resolved_at as resolved_at,
        {{ local_date('measured.told_resolved_at') }} as resolved_date,
        measured.told_closed_at as closed_at,
        measured.is_resolved,
        measured.is_response_told,
        measured.is_resolution_told,
        measured.is_countable,
        measured.is_countable and measured.is_counted as is_in_scope,
        measured.exclusion,
        cast(measured.first_response_minutes as double) as first_response_minutes,
        cast(measured.first_response_minutes_uncleaned as double) as first_response_minutes_uncleaned,
        case
            when measured.first_response_minutes is not null
                then {{ microseconds_to_minutes('measured.first_response_business_microseconds') }}
        end as first_response_business_minutes,
        cast(
            case
                when
                    measured.is_response_told and measured.told_first_response_at is null
                    and not measured.is_resolved and measured.is_countable
                    then greatest(measured.first_response_age_minutes, 0)
            end as double
        ) as first_response_open_wait_minutes,
        {%- for form in ['', '_uncleaned'] %}
        case
            when measured.is_response_told and measured.first_response_age_minutes >= measured.short_limit
                then coalesce(measured.first_response_minutes{{ form }} <= measured.short_limit, false)
        end as is_first_response_within_2h{{ form }},
        {%- endfor %}
        case
            when measured.is_response_told and measured.first_response_age_minutes >= measured.long_limit
                then coalesce(measured.first_response_minutes <= measured.long_limit, false)
        end as is_first_response_within_4h,
        cast(measured.first_resolution_minutes as double) as first_resolution_minutes,
        case
            when measured.first_resolution_minutes is not null
                then {{ microseconds_to_minutes('measured.first_resolution_business_microseconds') }}
        end as first_resolution_business_minutes,
        cast(measured.service_cycle_minutes as double) as service_cycle_minutes,
        cast(measured.service_cycle_minutes_uncleaned as double) as service_cycle_minutes_uncleaned,
        case
            when measured.service_cycle_minutes is not null
                then {{ microseconds_to_minutes('measured.service_cycle_business_microseconds') }}
        end as service_cycle_business_minutes,
        {%- for form in ['', '_uncleaned'] %}
        case
            when measured.is_resolution_told and measured.age_minutes >= measured.resolution_limit * 1440
                then coalesce(
                    measured.is_resolved_at_limit,
                    measured.service_cycle_minutes{{ form }} <= measured.resolution_limit * 1440,
                    false
                )
        end as is_resolved_within_30d{{ form }},
        {%- endfor %}
        {{ microseconds_to_minutes('(new_microseconds + open_microseconds + hold_microseconds)') }}
            as requester_wait_minutes,
        {{ microseconds_to_minutes('pending_microseconds') }} as agent_wait_minutes,
        {{ microseconds_to_minutes('(new_microseconds + open_microseconds)') }} as agent_work_minutes,
        {{ microseconds_to_minutes('hold_microseconds') }} as on_hold_minutes,
        {{ microseconds_to_minutes('solved_microseconds') }} as solved_minutes,
        {{ microseconds_to_minutes('life_microseconds') }} as life_minutes,
        {{ microseconds_to_minutes(
            '(new_business_microseconds + open_business_microseconds + hold_business_microseconds)'
        ) }} as requester_wait_business_minutes,
        {{ microseconds_to_minutes('pending_business_microseconds') }} as agent_wait_business_minutes,
        {{ microseconds_to_minutes('(new_business_microseconds + open_business_microseconds)') }}
            as agent_work_business_minutes,
        {{ microseconds_to_minutes('hold_business_microseconds') }} as on_hold_business_minutes,
        {{ microseconds_to_minutes('life_business_microseconds') }} as life_business_minutes,
        cast(measured.handling_minutes as double) as handling_minutes,
        cast(measured.human_reply_count as bigint) as human_reply_count,
        cast(measured.told_reopen_count as bigint) as reopen_count,
        cast(measured.stated_reopen_count as bigint) as stated_reopen_count,
        measured.first_resolved_at is not null
        or measured.is_resolved
        or coalesce(measured.told_reopen_count, 0) > 0 as is_ever_resolved,
        cast(measured.transfer_count as bigint) as transfer_count,
        cast(measured.escalation_count as bigint) as escalation_count,
        case
            when measured.has_messages
                then measured.is_resolved
                and measured.human_reply_count <= measured.one_touch_limit
                and coalesce(measured.told_reopen_count, 0) = 0
        end as is_one_touch,
        outcomes.contact_count,
        outcomes.first_contact_ended_at,
        outcomes.is_first_contact_resolved,
        outcomes.is_followed_by_repeat,
        coalesce(outcomes.repeat_of_ticket_key, 0) as repeat_of_ticket_key,
        outcomes.repeat_number,
        outcomes.visit_count,
        outcomes.visit_minutes,
        outcomes.is_first_time_fix,
        outcomes.is_follow_up_due,
        outcomes.followed_up_at,
        outcomes.follow_up_delay_minutes,
        outcomes.follow_up_delay_business_minutes,
        outcomes.is_followed_up_within_limit,
        outcomes.is_follow_up_reached,
        outcomes.is_follow_up_confirmed_solved,
        outcomes.is_bot_handed_over,
        -- from the hand-over to the first person, where that is what the clock runs from
        case
            when outcomes.bot_handed_over_at = measured.first_response_clock_at
                then cast(measured.first_response_minutes as double)
        end as bot_handover_wait_minutes,
        case
            when
                outcomes.bot_handed_over_at = measured.first_response_clock_at
                and measured.first_response_minutes is not null
                then {{ microseconds_to_minutes('measured.first_response_business_microseconds') }}
        end as bot_handover_wait_business_minutes,
        outcomes.first_touched_at,
        measured.told_is_complaint as is_complaint,
        outcomes.is_complaint_untouched_2h,
        outcomes.is_complaint_resolved_within_48h,
        outcomes.is_repeat_complaint,
        outcomes.is_first_complaint_in_month,
        measured.merged_into_ticket_key <> 0 as is_merged,
        measured.merged_into_ticket_key,
        {{ is_new_customer('buyers.first_purchase_date', local_date('measured.created_at')) }}
            as is_new_customer,
        measured.created_from,
        -- a ticket without a summary row has nothing else to take them from
        case when measured.has_messages then 'events' when measured.created_from = 'summary' then 'summary' end
            as first_response_from,
        case when measured.has_states then 'events' when measured.created_from = 'summary' then 'summary' end
            as states_from
    from measured
    left join outcomes on measured.ticket_key = outcomes.ticket_key
    left join buyers on measured.customer_key = buyers.customer_key
    {{ customer_version_join('measured.customer_key', 'measured.created_at') }}

)

select * from final
