with

responses as (

    select * from {{ ref('int_response_placed') }}

),

scores as (

    select * from {{ ref('int_response_scored') }}

),

indices as (

    select * from {{ ref('int_response_csi') }}

),

invitations as (

    select * from {{ ref('int_invitation_framed') }}

),

frames as (

    select * from {{ ref('fct_survey_frame') }}

),

follow_ups as (
    {{ closed_loops('response_key') }}
),

-- where no source delivers follow-ups nobody knows whether a loop was closed
follow_ups_delivered as (

    select count(*) as follow_up_count
    from {{ ref('stg_follow_up') }}
    where not is_deleted

),

limits as (

    select {{ threshold('low_score_pomp') }} as low_score_pomp

),

judged as (

    select
        responses.*,
        scores.nps_score,
        scores.csat_score,
        scores.csat_is_satisfied,
        scores.csat_pomp,
        scores.ces_score,
        scores.ces_scale,
        scores.ces_is_top,
        scores.is_first_try_solved,
        scores.is_ambiguous,
        indices.csi_score,
        case when responses.scene is not null then coalesce(indices.csi_coverage, 0) end as csi_coverage,
        responses.is_counted and coalesce(scores.is_nps_counted, false) as is_nps_counted,
        responses.is_counted and coalesce(scores.is_csat_counted, false) as is_csat_counted,
        responses.is_counted and coalesce(scores.is_ces_counted, false) as is_ces_counted,
        responses.is_counted and coalesce(scores.is_first_try_counted, false) as is_first_try_counted,
        scores.overall_pomp,
        scores.overall_pomp < limits.low_score_pomp as is_low_score,
        scores.answered_count as scored_count,
        coalesce(invitations.stratum, responses.stratum) as framed_stratum,
        coalesce(invitations.frame_key, 0) as frame_key,
        frames.weight
    from responses
    cross join limits
    left join scores on responses.response_key = scores.response_key
    left join indices
        on responses.response_key = indices.response_key
        and responses.scene_rank = indices.scene_rank
    left join invitations on responses.invitation_key = invitations.invitation_key
    left join frames on invitations.frame_key = frames.frame_key

),

final as (

    select
        judged.response_key,
        judged.response_id,
        judged.source,
        judged.batch_id,
        judged.survey_key,
        judged.purpose,
        judged.wave,
        judged.invitation_key,
        judged.customer_key,
        judged.customer_version_key,
        judged.ticket_key,
        judged.product_key,
        judged.agent_key,
        judged.service_partner_key,
        judged.team_key,
        judged.issue_type,
        judged.issue_type_key,
        judged.channel,
        judged.channel_key,
        judged.language,
        judged.framed_stratum as stratum,
        judged.sampling_probability,
        judged.frame_key,
        case when judged.is_counted then judged.weight end as sampling_weight,
        case
            when not judged.is_counted then 'not_counted'
            when judged.weight is not null then null
            when judged.invitation_key = 0 then 'no_invitation'
            when judged.frame_key = 0 then 'no_frame'
            else 'no_population'
        end as weight_null_reason,
        judged.started_at,
        judged.submitted_at,
        judged.submitted_date,
        judged.duration_seconds,
        judged.is_complete,
        judged.is_counted,
        judged.nps_score,
        judged.csat_score,
        judged.csat_is_satisfied,
        judged.csat_pomp,
        judged.ces_score,
        judged.ces_scale,
        judged.ces_is_top,
        judged.is_first_try_solved,
        judged.is_ambiguous,
        judged.csi_score,
        judged.scene as csi_scene,
        judged.csi_coverage,
        judged.is_nps_counted,
        judged.is_csat_counted,
        judged.is_ces_counted,
        judged.is_first_try_counted,
        judged.is_low_score,
        coalesce(judged.is_low_score, false) or judged.is_about_complaint as needs_closing,
        case
            when
                follow_ups_delivered.follow_up_count > 0
                and (coalesce(judged.is_low_score, false) or judged.is_about_complaint)
                then coalesce(
                    follow_ups.has_owner and follow_ups.has_action and follow_ups.has_result
                    and follow_ups.is_confirmed, false
                )
        end as is_closed_loop,
        coalesce(judged.answered_count, judged.scored_count, 0) as answered_count,
        judged.missing_required_count,
        judged.optional_gap_count,
        judged.longest_run,
        judged.irv,
        judged.relative_speed,
        judged.even_odd,
        judged.mahalanobis,
        judged.psychometric_synonyms,
        judged.careless_sign_count,
        judged.quality_score,
        case
            when judged.not_counted_rules is null then judged.own_flag_rules
            when judged.own_flag_rules is null then judged.not_counted_rules
            else judged.not_counted_rules || ',' || judged.own_flag_rules
        end as quality_flags,
        judged.is_new_customer
    from judged
    cross join follow_ups_delivered
    left join follow_ups on judged.response_key = follow_ups.response_key

)

select * from final
