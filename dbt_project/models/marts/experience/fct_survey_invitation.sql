with

invitations as (

    select * from {{ ref('stg_survey_invitation') }}
    where not is_deleted

),

answered as (

    select
        invitation_key,
        -- a source that does not say so delivers completed responses only
        min(case when coalesce(is_complete, true) then submitted_at end) as completed_at,
        max(coalesce(is_complete, true)) as is_completed
    from {{ ref('stg_survey_response') }}
    where invitation_key <> 0 and not is_deleted
    group by invitation_key

),

surveys as (

    select * from {{ ref('stg_survey') }}

),

tickets as (

    select * from {{ ref('fct_ticket') }}

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
        {{ threshold('response_short_limit') }} * 60 as short_limit_minutes,
        {{ threshold('response_long_limit') }} * 60 as long_limit_minutes
    from {{ ref('stg_as_of') }}

),

joined as (

    select
        invitations.*,
        surveys.purpose,
        surveys.wave,
        tickets.product_key,
        tickets.agent_key,
        tickets.service_partner_key,
        tickets.team_key,
        tickets.issue_type,
        -- an invitation without a customer of its own is that of its ticket's customer
        coalesce(nullif(coalesce(customers.customer_key, 0), 0), tickets.customer_key, 0) as customer_key,
        answered.completed_at,
        answered.invitation_key is not null as is_answered,
        coalesce(answered.is_completed, false) as is_completed,
        -- a completed response without a time came at no time that is known
        coalesce(answered.is_completed, false) and answered.completed_at is null as is_untimed,
        {{ minutes_between('invitations.sent_at', 'answered.completed_at') }} as response_minutes,
        {{ minutes_between('invitations.sent_at', 'as_of.as_of') }} as age_minutes,
        as_of.short_limit_minutes,
        as_of.long_limit_minutes
    from invitations
    cross join as_of
    left join answered on invitations.invitation_key = answered.invitation_key
    left join surveys on invitations.survey_key = surveys.survey_key
    left join tickets on invitations.ticket_key = tickets.ticket_key
    left join customers on invitations.customer_record_key = customers.customer_record_key

),

final as (

    select
        joined.invitation_key,
        joined.invitation_id,
        joined.source,
        joined.batch_id,
        joined.survey_key,
        joined.purpose,
        joined.wave,
        joined.customer_key,
        coalesce(customer_version.customer_version_key, 0) as customer_version_key,
        joined.ticket_key,
        coalesce(joined.product_key, 0) as product_key,
        coalesce(joined.agent_key, 0) as agent_key,
        coalesce(joined.service_partner_key, 0) as service_partner_key,
        coalesce(joined.team_key, 0) as team_key,
        joined.issue_type,
        {{ code_key('issue_type', 'joined.issue_type') }} as issue_type_key,
        joined.channel,
        {{ code_key('channel', 'joined.channel') }} as channel_key,
        joined.stratum,
        cast(joined.sampling_probability as double) as sampling_probability,
        joined.sent_at,
        {{ local_date('joined.sent_at') }} as sent_date,
        joined.reminded_at,
        joined.opened_at,
        joined.completed_at,
        -- who answers has received and opened the invitation, whatever the sender's log says
        case when joined.is_answered then true else joined.is_delivered end as delivered,
        joined.is_answered or joined.opened_at is not null as opened,
        joined.is_answered as started,
        joined.is_completed as completed,
        case
            when not joined.is_untimed and joined.age_minutes >= joined.short_limit_minutes
                then coalesce(joined.response_minutes <= joined.short_limit_minutes, false)
        end as responded_within_24h,
        case
            when not joined.is_untimed and joined.age_minutes >= joined.long_limit_minutes
                then coalesce(joined.response_minutes <= joined.long_limit_minutes, false)
        end as responded_within_72h,
        joined.is_counted,
        {{ is_new_customer('buyers.first_purchase_date', local_date('joined.sent_at')) }} as is_new_customer,
        joined.follow_up_of_response_key
    from joined
    left join buyers on joined.customer_key = buyers.customer_key
    {{ customer_version_join('joined.customer_key', 'joined.sent_at') }}

)

select * from final
