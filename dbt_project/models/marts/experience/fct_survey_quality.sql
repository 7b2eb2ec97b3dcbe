-- EX-7: the questionnaire's own quality. Careless responses say nothing about it, unfinished ones lack a whole time.
with

surveys as (

    select * from {{ ref('dim_survey') }}
    where survey_key <> 0

),

responses as (

    select
        response_key,
        survey_key,
        duration_seconds,
        case when is_ambiguous then 1 when not is_ambiguous then 0 end as ambiguous
    from {{ ref('fct_survey_response') }}
    where is_counted and is_complete

),

response_sums as (

    select
        survey_key,
        count(*) as response_count,
        sum(ambiguous) as ambiguous_count,
        count(ambiguous) as ambiguity_answer_count,
        sum(duration_seconds) as duration_seconds_sum,
        count(duration_seconds) as duration_count
    from responses
    group by survey_key

),

answer_sums as (

    select
        responses.survey_key,
        sum(case when answers.is_other then 1 else 0 end) as other_count,
        count(*) as other_answer_count
    from {{ ref('fct_survey_answer') }} as answers
    inner join responses on answers.response_key = responses.response_key
    where answers.is_counted and answers.is_other is not null
    group by responses.survey_key

),

summed as (

    select
        surveys.survey_key,
        surveys.purpose,
        surveys.wave,
        coalesce(surveys.purpose = 'pretest', false) as is_pretest,
        coalesce(response_sums.response_count, 0) as response_count,
        coalesce(response_sums.ambiguous_count, 0) as ambiguous_count,
        coalesce(response_sums.ambiguity_answer_count, 0) as ambiguity_answer_count,
        coalesce(response_sums.duration_seconds_sum, 0) as duration_seconds_sum,
        coalesce(response_sums.duration_count, 0) as duration_count,
        coalesce(answer_sums.other_count, 0) as other_count,
        coalesce(answer_sums.other_answer_count, 0) as other_answer_count
    from surveys
    left join response_sums on surveys.survey_key = response_sums.survey_key
    left join answer_sums on surveys.survey_key = answer_sums.survey_key

),

limits as (

    select
        {{ threshold('pretest_response_min') }} as response_min,
        {{ threshold('pretest_ambiguity_limit') }} as ambiguity_limit,
        {{ threshold('pretest_duration_limit') }} as duration_limit,
        {{ threshold('pretest_other_limit') }} as other_limit

),

shared as (

    select
        summed.*,
        limits.response_min,
        limits.ambiguity_limit,
        limits.duration_limit,
        limits.other_limit,
        cast(summed.ambiguous_count as double) / nullif(summed.ambiguity_answer_count, 0) as ambiguity_share,
        cast(summed.duration_seconds_sum as double) / nullif(summed.duration_count, 0) as duration_seconds_mean,
        cast(summed.other_count as double) / nullif(summed.other_answer_count, 0) as other_share
    from summed
    cross join limits

),

judged as (

    select
        *,
        case
            when not is_pretest then 'not_a_pretest'
            when response_count < response_min then 'too_few_responses'
            when ambiguity_share > ambiguity_limit then 'too_ambiguous'
            when duration_seconds_mean > duration_limit then 'too_long'
            when other_share >= other_limit then 'too_many_other'
            when ambiguity_share is null then 'no_ambiguity_answers'
            when duration_seconds_mean is null then 'no_times'
        end as reason
    from shared

),

final as (

    select
        survey_key,
        purpose,
        wave,
        is_pretest,
        response_count,
        cast(ambiguous_count as bigint) as ambiguous_count,
        ambiguity_answer_count,
        ambiguity_share,
        cast(duration_seconds_sum as bigint) as duration_seconds_sum,
        duration_count,
        duration_seconds_mean,
        cast(other_count as bigint) as other_count,
        other_answer_count,
        other_share,
        case
            when reason is null then true
            when reason not in ('not_a_pretest', 'no_ambiguity_answers', 'no_times') then false
        end as is_passed,
        reason
    from judged

)

select * from final
