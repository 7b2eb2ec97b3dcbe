-- Who a response is from and what it is about: its own word, else that of its invitation, else that of its ticket.
with

responses as (

    select * from {{ ref('stg_survey_response') }}
    where not is_deleted

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

products as (

    select * from {{ ref('dim_product') }}

),

channels as (

    select * from {{ ref('dim_channel') }}

),

scenes as (

    select * from {{ ref('stg_csi_scene') }}

),

as_of as (

    select
        as_of,
        as_of_date
    from {{ ref('stg_as_of') }}

),

told as (

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
        told.*,
        as_of.as_of,
        as_of.as_of_date,
        surveys.purpose,
        surveys.wave,
        coalesce(tickets.product_key, 0) as product_key,
        coalesce(tickets.agent_key, 0) as agent_key,
        coalesce(tickets.service_partner_key, 0) as service_partner_key,
        coalesce(tickets.team_key, 0) as team_key,
        tickets.issue_type,
        coalesce(tickets.is_complaint, false) as is_about_complaint,
        coalesce(nullif(coalesce(customers.customer_key, 0), 0), tickets.customer_key, 0) as customer_key,
        {{ local_date('told.submitted_at') }} as submitted_date
    from told
    cross join as_of
    left join surveys on told.survey_key = surveys.survey_key
    left join tickets on told.placed_ticket_key = tickets.ticket_key
    left join customers on told.placed_customer_record_key = customers.customer_record_key

),

known as (

    select
        joined.*,
        coalesce(customer_version.customer_version_key, 0) as customer_version_key,
        customer_version.tier,
        customer_version.customer_type,
        products.product_line,
        channels.channel_group,
        {{ code_key('issue_type', 'joined.issue_type') }} as issue_type_key,
        {{ code_key('channel', 'joined.placed_channel') }} as channel_key,
        {{ is_new_customer('buyers.first_purchase_date', 'joined.submitted_date') }} as is_new_customer,
        -- weights, like attributes, are those of the time; a response without a time is one of now
        coalesce(joined.submitted_date, joined.as_of_date) as weighted_date
    from joined
    left join buyers on joined.customer_key = buyers.customer_key
    left join products on joined.product_key = products.product_key
    left join channels on {{ code_key('channel', 'joined.placed_channel') }} = channels.channel_key
    {{ customer_version_join('joined.customer_key', 'coalesce(joined.submitted_at, joined.as_of)') }}

),

-- the first scene of the satisfaction index that fits
scene_found as (

    select
        known.response_key,
        min(scenes.scene_rank) as scene_rank
    from known
    inner join scenes
        on (scenes.purpose is null or scenes.purpose = known.purpose)
        and (scenes.customer_type is null or scenes.customer_type = known.customer_type)
        and (scenes.tier is null or scenes.tier = known.tier)
        and (scenes.product_line is null or scenes.product_line = known.product_line)
        and (scenes.channel_group is null or scenes.channel_group = known.channel_group)
        and (scenes.valid_from is null or scenes.valid_from <= known.weighted_date)
        and (scenes.valid_to is null or scenes.valid_to >= known.weighted_date)
    group by known.response_key

),

scene_names as (

    select
        scene_rank,
        min(scene) as scene
    from scenes
    group by scene_rank

),

final as (

    select
        known.response_key,
        known.response_id,
        known.source,
        known.batch_id,
        known.survey_key,
        known.purpose,
        known.wave,
        known.invitation_key,
        known.customer_key,
        known.customer_version_key,
        known.placed_ticket_key as ticket_key,
        known.product_key,
        known.agent_key,
        known.service_partner_key,
        known.team_key,
        known.issue_type,
        known.issue_type_key,
        known.is_about_complaint,
        known.placed_channel as channel,
        known.channel_key,
        known.language,
        known.stratum,
        cast(known.sampling_probability as double) as sampling_probability,
        known.started_at,
        known.submitted_at,
        known.submitted_date,
        known.weighted_date,
        known.duration_seconds,
        coalesce(known.is_complete, true) as is_complete,
        known.is_counted,
        known.not_counted_rules,
        {{ own_rules('known.flag_rules') }} as own_flag_rules,
        known.answered_count,
        known.missing_required_count,
        known.optional_gap_count,
        known.longest_run,
        known.irv,
        known.relative_speed,
        known.even_odd,
        known.mahalanobis,
        known.psychometric_synonyms,
        known.careless_sign_count,
        known.quality_score,
        known.is_new_customer,
        scene_found.scene_rank,
        scene_names.scene
    from known
    left join scene_found on known.response_key = scene_found.response_key
    left join scene_names on scene_found.scene_rank = scene_names.scene_rank

)

select * from final
