with

answers as (

    select * from {{ ref('stg_survey_answer') }}
    where not is_deleted

),

responses as (

    select * from {{ ref('int_response_placed') }}

),

-- a recommendation is asked on 0-10, so that is its scale where the source states none
questions as (

    select
        question_key,
        block,
        position,
        dimension,
        metric_role,
        coalesce(scale_min, case when metric_role = 'nps' then 0 end) as scale_min,
        coalesce(scale_max, case when metric_role = 'nps' then 10 end) as scale_max,
        direction,
        is_reverse_keyed,
        satisfied_min,
        other_codes
    from {{ ref('stg_survey_question') }}

),

satisfied_scales as (

    select * from {{ ref('metric_satisfied_scale') }}

),

joined as (

    select
        answers.answer_key,
        answers.response_key,
        answers.question_key,
        responses.survey_key,
        answers.source,
        answers.batch_id,
        responses.purpose,
        responses.customer_key,
        responses.customer_version_key,
        responses.product_key,
        responses.agent_key,
        responses.service_partner_key,
        responses.team_key,
        responses.issue_type,
        responses.channel,
        responses.channel_key,
        responses.is_new_customer,
        responses.submitted_at,
        responses.submitted_date,
        questions.block,
        questions.position,
        questions.dimension,
        questions.metric_role,
        questions.scale_min,
        questions.scale_max,
        questions.direction,
        replace(questions.other_codes, ' ', '') as other_codes,
        coalesce(answers.is_not_applicable, false) as is_not_applicable,
        case when not coalesce(answers.is_not_applicable, false) then answers.answer_value end as answer_value,
        answers.answer_text,
        answers.is_counted as is_own_counted,
        answers.is_counted and responses.is_counted as is_counted,
        -- turned answers count from the other end of the scale; reverse-keying and direction undo each other
        coalesce(questions.direction, 'higher_is_better') = 'lower_is_better' as is_lower_better,
        coalesce(questions.is_reverse_keyed, false) as is_reverse_keyed,
        -- the question says from where on an answer is satisfied; the usual scales have a known point
        questions.satisfied_min as own_satisfied_min,
        satisfied_scales.satisfied_min as usual_satisfied_min
    from answers
    inner join responses on answers.response_key = responses.response_key
    left join questions on answers.question_key = questions.question_key
    left join satisfied_scales
        on questions.scale_min = satisfied_scales.scale_min
        and questions.scale_max = satisfied_scales.scale_max

),

judged as (

    select
        *,
        is_lower_better <> is_reverse_keyed as is_turned,
        answer_value is not null
        and coalesce(answer_value >= scale_min, true)
        and coalesce(answer_value <= scale_max, true) as is_on_scale,
        -- codes are whole numbers
        case
            when answer_value = cast(answer_value as bigint)
                then cast(cast(answer_value as bigint) as {{ dbt.type_string() }})
        end as answer_code
    from joined

),

turned as (

    select
        *,
        case when is_turned then scale_min + scale_max - answer_value else answer_value end as turned_value,
        case
            when own_satisfied_min is null then usual_satisfied_min
            when is_turned then scale_min + scale_max - own_satisfied_min
            else own_satisfied_min
        end as turned_satisfied_min
    from judged

),

final as (

    select
        answer_key,
        response_key,
        question_key,
        survey_key,
        source,
        batch_id,
        purpose,
        customer_key,
        customer_version_key,
        product_key,
        agent_key,
        service_partner_key,
        team_key,
        issue_type,
        channel,
        channel_key,
        is_new_customer,
        submitted_at,
        submitted_date,
        block,
        position,
        dimension,
        metric_role,
        scale_min,
        scale_max,
        direction,
        answer_value,
        case
            when is_on_scale and scale_max > scale_min
                then cast(
                    100.0 * cast(turned_value - scale_min as double) / cast(scale_max - scale_min as double) as double
                )
        end as answer_pomp,
        case when is_on_scale then turned_value >= turned_satisfied_min end as is_satisfied,
        answer_text,
        is_not_applicable,
        case
            when other_codes is not null and is_on_scale
                then coalesce(',' || other_codes || ',' like '%,' || answer_code || ',%', false)
        end as is_other,
        is_on_scale,
        is_own_counted,
        is_counted
    from turned

)

select * from final
