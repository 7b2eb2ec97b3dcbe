with members as (

    {{ mentioned_members('question', [
        ref('stg_survey_question'), ref('stg_survey_answer'),
    ]) }}

),

final as (

    select
        members.question_key,
        members.question_id,
        members.key_space,
        coalesce(delivered.survey_key, 0) as survey_key,
        delivered.block,
        delivered.position,
        delivered.dimension,
        delivered.question_text_en,
        delivered.question_text_zh,
        delivered.scale_min,
        delivered.scale_max,
        delivered.direction,
        delivered.is_reverse_keyed,
        coalesce(delivered.opposite_of_key, 0) as opposite_of_key,
        delivered.shown_if,
        delivered.is_required,
        delivered.metric_role,
        delivered.not_applicable_codes,
        delivered.other_codes,
        delivered.satisfied_min,
        delivered.question_key is null as is_inferred,
        coalesce(delivered.is_deleted, false) as is_deleted
    from members
    left join {{ ref('stg_survey_question') }} as delivered
        on delivered.question_key = members.question_key
    union all
    select
        0,
        null,
        null,
        0,
        null,
        null,
        null,
        null,
        null,
        null,
        null,
        null,
        null,
        0,
        null,
        null,
        null,
        null,
        null,
        null,
        false,
        false

)

select * from final
