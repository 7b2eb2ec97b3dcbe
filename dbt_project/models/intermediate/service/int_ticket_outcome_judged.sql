-- Contacts, repeats, visits, follow-ups, bots and complaints: what is known of a ticket beyond its times and states.
with

tickets as (

    select * from {{ ref('int_ticket_settled') }}

),

as_of as (

    select
        as_of,
        {{ threshold('first_contact_window') }} * 86400000000 as first_contact_window,
        {{ threshold('repeat_window') }} * 86400000000 as repeat_window,
        {{ threshold('follow_up_limit') }} * 86400000000 as follow_up_limit,
        {{ threshold('complaint_touch_limit') }} * 60000000 as touch_limit,
        {{ threshold('complaint_result_limit') }} * 3600000000 as result_limit
    from {{ ref('stg_as_of') }}

),

contacts as (

    select
        contacts.ticket_key,
        count(*) as contact_count,
        min(case when contacts.position = 1 then contacts.ended_at end) as first_contact_ended_at,
        sum(case when contacts.began_at <= tickets.resolved_at then 1 else 0 end) as contacts_to_resolution
    from {{ ref('int_ticket_contact') }} as contacts
    inner join tickets on contacts.ticket_key = tickets.ticket_key
    group by contacts.ticket_key

),

visits as (

    select
        visits.ticket_key,
        count(*) as visit_count,
        -- visits of which one has no known length have none together
        case
            when count(*) = sum(case when visits.finished_at >= visits.arrived_at then 1 else 0 end)
                then sum({{ microseconds_between('visits.arrived_at', 'visits.finished_at') }})
        end as visit_microseconds
    from {{ ref('stg_visit') }} as visits
    cross join as_of
    where
        {{ is_arrival('visits') }}
        and visits.arrived_at <= as_of.as_of
    group by visits.ticket_key

),

visited_sources as (

    select distinct tickets.source
    from visits
    inner join tickets on visits.ticket_key = tickets.ticket_key

),

linked as (

    select * from {{ ref('int_ticket_repeat_linked') }}

),

chained as (

    select
        ticket_key,
        1 + max(steps_back) as repeat_number
    from {{ ref('int_ticket_repeat_chained') }}
    group by ticket_key

),

followed_up as (

    select * from {{ ref('int_ticket_followed_up') }}

),

touched as (

    select * from {{ ref('int_ticket_touched') }}

),

complaints as (

    select
        ticket_key,
        created_at,
        lag(created_at) over (partition by customer_key order by created_at, ticket_key) as previous_complaint_at,
        row_number() over (
            partition by customer_key, {{ month_start(local_date('created_at')) }} order by created_at, ticket_key
        ) as place_in_month
    from tickets
    where is_in_scope and is_complaint and customer_key <> 0

),

joined as (

    select
        tickets.*,
        as_of.as_of,
        as_of.first_contact_window,
        as_of.repeat_window,
        as_of.follow_up_limit,
        as_of.touch_limit,
        as_of.result_limit,
        {{ microseconds_between('tickets.created_at', 'as_of.as_of') }} as age,
        {{ microseconds_between('tickets.resolved_at', 'as_of.as_of') }} as resolved_age,
        {{ microseconds_between('tickets.resolved_at', 'linked.next_created_at') }} as next_after,
        coalesce(contacts.contact_count, 0) as counted_contacts,
        contacts.first_contact_ended_at,
        coalesce(contacts.contacts_to_resolution, 0) as contacts_to_resolution,
        case when visited_sources.source is not null then coalesce(visits.visit_count, 0) end as visit_count,
        visits.visit_microseconds,
        linked.ticket_key is not null as is_matter_known,
        coalesce(linked.repeat_of_ticket_key, 0) as repeat_of_ticket_key,
        case when linked.ticket_key is not null then coalesce(chained.repeat_number, 1) end as repeat_number,
        followed_up.ticket_key is not null as is_source_following_up,
        followed_up.followed_up_at,
        followed_up.delay_business_microseconds,
        followed_up.is_within_limit as is_followed_up_within_limit,
        followed_up.is_reached,
        followed_up.is_confirmed_solved,
        case
            when tickets.has_messages then touched.first_touched_at
            when tickets.source_states_responses then tickets.summary_response_at
        end as first_touched_at,
        touched.bot_handed_over_at,
        touched.has_bot_phase,
        complaints.ticket_key is not null as is_known_complaint,
        complaints.previous_complaint_at,
        complaints.place_in_month
    from tickets
    cross join as_of
    left join contacts on tickets.ticket_key = contacts.ticket_key
    left join visits on tickets.ticket_key = visits.ticket_key
    left join visited_sources on tickets.source = visited_sources.source
    left join linked on tickets.ticket_key = linked.ticket_key
    left join chained on tickets.ticket_key = chained.ticket_key
    left join followed_up on tickets.ticket_key = followed_up.ticket_key
    left join touched on tickets.ticket_key = touched.ticket_key
    left join complaints on tickets.ticket_key = complaints.ticket_key

),

judged as (

    select
        *,
        -- literally as METHODS: nothing is judged before its window has closed, so that no period leans to one side
        case
            when is_matter_known and resolved_age >= repeat_window then coalesce(next_after <= repeat_window, false)
        end as is_followed_by_repeat,
        case
            when
                has_messages and is_matter_known and reopen_count is not null and resolved_age >= first_contact_window
                then contacts_to_resolution <= 1
                and reopen_count = 0
                and coalesce(next_after > first_contact_window, true)
        end as is_first_contact_resolved,
        is_in_scope and is_resolved and is_source_following_up and resolved_age >= follow_up_limit
            as is_follow_up_judged
    from joined

),

final as (

    select
        ticket_key,
        case when has_messages then counted_contacts end as contact_count,
        case when has_messages then first_contact_ended_at end as first_contact_ended_at,
        is_first_contact_resolved,
        is_followed_by_repeat,
        repeat_of_ticket_key,
        cast(repeat_number as bigint) as repeat_number,
        cast(visit_count as bigint) as visit_count,
        {{ microseconds_to_minutes('visit_microseconds') }} as visit_minutes,
        case
            when visit_count >= 1 and is_followed_by_repeat is not null
                then visit_count = 1 and not is_followed_by_repeat
        end as is_first_time_fix,
        case
            when is_source_following_up and is_in_scope and (not is_resolved or resolved_age is not null)
                then coalesce(is_follow_up_judged, false)
        end as is_follow_up_due,
        followed_up_at,
        case
            when followed_up_at is not null
                then cast({{ minutes_between('resolved_at', 'followed_up_at') }} as double)
        end as follow_up_delay_minutes,
        {{ microseconds_to_minutes('delay_business_microseconds') }} as follow_up_delay_business_minutes,
        case when is_follow_up_judged then is_followed_up_within_limit end as is_followed_up_within_limit,
        case when is_follow_up_judged then is_reached end as is_follow_up_reached,
        case when is_follow_up_judged then is_confirmed_solved end as is_follow_up_confirmed_solved,
        case when has_bot_phase then bot_handed_over_at is not null end as is_bot_handed_over,
        bot_handed_over_at,
        first_touched_at,
        case
            when is_complaint and is_response_told and age >= touch_limit
                then coalesce({{ microseconds_between('created_at', 'first_touched_at') }} > touch_limit, true)
        end as is_complaint_untouched_2h,
        case
            -- a resolution before the creation is a contradiction
            when not coalesce(is_complaint, false) or age < result_limit or first_resolved_at < created_at then null
            when first_resolved_at is not null
                then {{ microseconds_between('created_at', 'first_resolved_at') }} <= result_limit
            -- solved, or reopened, at a time that nobody states
            when status is null or is_resolved or coalesce(reopen_count, 0) > 0 then null
            else false
        end as is_complaint_resolved_within_48h,
        case
            when is_known_complaint
                then coalesce(
                    {{ microseconds_between('previous_complaint_at', 'created_at') }} <= repeat_window, false
                )
        end as is_repeat_complaint,
        case when is_known_complaint then place_in_month = 1 end as is_first_complaint_in_month
    from judged

)

select * from final
