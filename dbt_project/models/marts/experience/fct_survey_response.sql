with

responses as (

    select * from {{ ref('stg_survey_response') }}
    where not is_deleted

),

scores as (

    select * from {{ ref('int_response_scored') }}

),

surveys as (

    select * from {{ ref('stg_survey') }}

),

invitations as (

    select * from {{ ref('stg_survey_invitation') }}

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

    select as_of from {{ ref('stg_as_of') }}

),

-- who a response is from and what about: its own word, else that of its invitation, else that of its ticket
placed as (

    select
        responses.*,
        invitations.stratum,
        invitations.sampling_probability,
        coalesce(responses.channel, invitations.channel) as placed_channel,
        coalesce(nullif(responses.ticket_key, 0), invitations.ticket_key, 0) as placed_ticket_key,
        coalesce(nullif(responses.customer_record_key, 0), invitations.customer_record_key, 0)
            as placed_customer_record_key
    from responses
    left join invitations on responses.invitation_key = invitations.invitation_key

),

joined as (

    select
        placed.*,
        as_of.as_of,
        surveys.purpose,
        surveys.wave,
        tickets.product_key,
        tickets.agent_key,
        tickets.team_key,
        tickets.issue_type,
        coalesce(nullif(coalesce(customers.customer_key, 0), 0), tickets.customer_key, 0) as customer_key,
        {{ own_rules('placed.flag_rules') }} as own_flag_rules,
        {{ local_date('placed.submitted_at') }} as submitted_date
    from placed
    cross join as_of
    left join surveys on placed.survey_key = surveys.survey_key
    left join tickets on placed.placed_ticket_key = tickets.ticket_key
    left join customers on placed.placed_customer_record_key = customers.customer_record_key

),

final as (

    select
        joined.response_key,
        joined.response_id,
        joined.source,
        joined.batch_id,
        joined.survey_key,
        joined.purpose,
        joined.wave,
        joined.invitation_key,
        joined.customer_key,
        coalesce(customer_version.customer_version_key, 0) as customer_version_key,
        joined.placed_ticket_key as ticket_key,
        coalesce(joined.product_key, 0) as product_key,
        coalesce(joined.agent_key, 0) as agent_key,
        coalesce(joined.team_key, 0) as team_key,
        joined.issue_type,
        {{ code_key('issue_type', 'joined.issue_type') }} as issue_type_key,
        joined.placed_channel as channel,
        {{ code_key('channel', 'joined.placed_channel') }} as channel_key,
        joined.language,
        joined.stratum,
        cast(joined.sampling_probability as double) as sampling_probability,
        joined.started_at,
        joined.submitted_at,
        joined.submitted_date,
        joined.duration_seconds,
        coalesce(joined.is_complete, true) as is_complete,
        joined.is_counted,
        scores.nps_score,
        scores.csat_score,
        scores.csat_is_satisfied,
        scores.ces_score,
        scores.ces_scale,
        cast(null as double) as csi_score,
        joined.is_counted and coalesce(scores.is_nps_counted, false) as is_nps_counted,
        joined.is_counted and coalesce(scores.is_csat_counted, false) as is_csat_counted,
        joined.is_counted and coalesce(scores.is_ces_counted, false) as is_ces_counted,
        coalesce(joined.answered_count, scores.answered_count, 0) as answered_count,
        joined.missing_required_count,
        joined.longest_run,
        joined.irv,
        joined.relative_speed,
        cast(null as double) as quality_score,
        case
            when joined.not_counted_rules is null then joined.own_flag_rules
            when joined.own_flag_rules is null then joined.not_counted_rules
            else joined.not_counted_rules || ',' || joined.own_flag_rules
        end as quality_flags,
        {{ is_new_customer('buyers.first_purchase_date', 'joined.submitted_date') }} as is_new_customer
    from joined
    left join scores on joined.response_key = scores.response_key
    left join buyers on joined.customer_key = buyers.customer_key
    -- a response without a time is one of the customer as known now
    {{ customer_version_join('joined.customer_key', 'coalesce(joined.submitted_at, joined.as_of)') }}

)

select * from final
