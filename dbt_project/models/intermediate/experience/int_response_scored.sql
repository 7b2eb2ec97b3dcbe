-- One answer per response and metric role: a questionnaire that asks the same thing twice is scored by the first one.
with

answers as (

    select * from {{ ref('fct_survey_answer') }}

),

valid as (

    select
        response_key,
        metric_role,
        cast(answer_value as double) as score,
        answer_pomp,
        is_satisfied,
        is_own_counted,
        cast(cast(scale_min as integer) as {{ dbt.type_string() }})
        || '-' || cast(cast(scale_max as integer) as {{ dbt.type_string() }})
        || ' ' || coalesce(direction, 'higher_is_better') as scale,
        row_number() over (
            partition by response_key, metric_role order by coalesce(position, 0), question_key
        ) as role_position
    from answers
    where
        metric_role in ('csat', 'ces', 'nps', 'first_try', 'ambiguity')
        and is_on_scale
        -- a recommendation on another scale is no net promoter score
        and (metric_role <> 'nps' or (scale_min = 0 and scale_max = 10))

),

limits as (

    select {{ threshold('ces_top_pomp') }} as ces_top_pomp

),

counted as (

    select
        response_key,
        count(*) as answered_count
    from answers
    where answer_value is not null or answer_text is not null
    group by response_key

),

scored as (

    select
        response_key,
        max(case when metric_role = 'nps' then score end) as nps_score,
        max(case when metric_role = 'nps' and is_own_counted then 1 end) as is_nps_counted,
        max(case when metric_role = 'csat' then score end) as csat_score,
        max(case when metric_role = 'csat' then case when is_satisfied then 1 when not is_satisfied then 0 end end)
            as csat_satisfied,
        max(case when metric_role = 'csat' and is_own_counted then 1 end) as is_csat_counted,
        max(case when metric_role = 'ces' then score end) as ces_score,
        max(case when metric_role = 'ces' and is_own_counted then 1 end) as is_ces_counted,
        max(case when metric_role = 'ces' then scale end) as ces_scale,
        max(case when metric_role = 'nps' then answer_pomp end) as nps_pomp,
        max(case when metric_role = 'csat' then answer_pomp end) as csat_pomp,
        max(case when metric_role = 'ces' then answer_pomp end) as ces_pomp,
        max(case when metric_role = 'first_try' then answer_pomp end) as first_try_pomp,
        max(case when metric_role = 'first_try' and is_own_counted then 1 end) as is_first_try_counted,
        -- whatever it is that was unclear
        max(case when metric_role = 'ambiguity' and is_own_counted and score in (0, 1) then score end) as ambiguity
    from valid
    where role_position = 1 or metric_role = 'ambiguity'
    group by response_key

),

final as (

    select
        counted.response_key,
        counted.answered_count,
        scored.nps_score,
        coalesce(scored.is_nps_counted, 0) = 1 as is_nps_counted,
        scored.csat_score,
        scored.csat_pomp,
        case scored.csat_satisfied when 1 then true when 0 then false end as csat_is_satisfied,
        coalesce(scored.is_csat_counted, 0) = 1 as is_csat_counted,
        scored.ces_score,
        coalesce(scored.is_ces_counted, 0) = 1 as is_ces_counted,
        scored.ces_scale,
        scored.ces_pomp >= limits.ces_top_pomp as ces_is_top,
        -- only a plain yes, the best answer there is, says that it was solved at the first try
        scored.first_try_pomp >= 100 as is_first_try_solved,
        coalesce(scored.is_first_try_counted, 0) = 1 as is_first_try_counted,
        scored.ambiguity = 1 as is_ambiguous,
        scored.nps_pomp,
        coalesce(scored.csat_pomp, scored.nps_pomp) as overall_pomp
    from counted
    cross join limits
    left join scored on counted.response_key = scored.response_key

)

select * from final
