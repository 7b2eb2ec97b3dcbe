-- A dimension of a response scores the mean of its answered items, each turned so that more is better.
with

answers as (

    select * from {{ ref('fct_survey_answer') }}
    where
        coalesce(metric_role, 'dimension') = 'dimension'
        and dimension is not null
        and answer_pomp is not null
        and is_own_counted

),

final as (

    select
        response_key,
        dimension,
        count(*) as item_count,
        {{ exact_sum('answer_pomp') }} / count(*) as dimension_pomp
    from answers
    group by response_key, dimension

)

select * from final
