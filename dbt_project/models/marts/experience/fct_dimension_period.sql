with

answers as (

    select * from {{ ref('fct_survey_answer') }}
    where
        coalesce(metric_role, 'dimension') = 'dimension'
        and dimension is not null
        and answer_pomp is not null
        and is_counted
        and submitted_date is not null

),

customer_versions as (

    select * from {{ ref('dim_customer_version') }}

),

placed as (

    select
        {{ month_start('answers.submitted_date') }} as period_start,
        coalesce(answers.purpose, '(none)') as purpose,
        answers.dimension,
        coalesce(customer_versions.region, '(none)') as region,
        answers.answer_pomp
    from answers
    left join customer_versions on answers.customer_version_key = customer_versions.customer_version_key

),

final as (

    select
        {{ surrogate_key([
            "cast(period_start as " ~ dbt.type_string() ~ ")", 'purpose', 'dimension', 'region'
        ]) }} as dimension_period_key,
        period_start,
        purpose,
        dimension,
        region,
        count(*) as answer_count,
        {{ exact_sum('answer_pomp') }} as pomp_sum,
        {{ exact_sum('answer_pomp * answer_pomp') }} as pomp_squares
    from placed
    group by period_start, purpose, dimension, region

)

select * from final
