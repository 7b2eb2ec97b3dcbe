with members as (

    {{ mentioned_members('survey', [
        ref('stg_survey'), ref('stg_survey_question'), ref('stg_survey_invitation'), ref('stg_survey_response'),
    ]) }}

),

final as (

    select
        members.survey_key,
        members.survey_id,
        members.key_space,
        delivered.survey_name,
        delivered.purpose,
        delivered.wave,
        delivered.survey_key is null as is_inferred,
        coalesce(delivered.is_deleted, false) as is_deleted
    from members
    left join {{ ref('stg_survey') }} as delivered
        on delivered.survey_key = members.survey_key
    union all
    select
        0,
        null,
        null,
        null,
        null,
        null,
        false,
        false

)

select * from final
