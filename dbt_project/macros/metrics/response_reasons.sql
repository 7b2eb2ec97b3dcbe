{#- Why customers say what they say (EX-6, EX-11): one row per response of the relation `responses` and category of reasons
    that its words name, under the name `key`; what follows a `with` that holds the relation. -#}
{% macro response_reasons(key) %}
texts as (

    select
        answers.answer_key,
        answers.response_key,
        answers.answer_text,
        lower(answers.answer_text) as plain_text,
        row_number() over (
            partition by answers.response_key order by coalesce(answers.position, 0), answers.question_key
        ) as text_position
    from {{ ref('fct_survey_answer') }} as answers
    inner join responses on answers.response_key = responses.response_key
    where length(trim(answers.answer_text)) > 0

),

phrases as (

    select * from {{ ref('low_score_phrase') }}

),

labels as (

    select * from {{ ref('low_score_reason') }}

),

found as (

    select
        texts.answer_key,
        texts.response_key,
        texts.answer_text,
        texts.text_position,
        phrases.phrase,
        phrases.reason_category
    from texts
    inner join phrases
        on length(replace(texts.plain_text, phrases.phrase, '')) < length(texts.plain_text)

),

-- longest match first: a phrase that only is part of a longer one in the same text says nothing of its own
covered as (

    select distinct
        found.answer_key,
        found.phrase
    from found
    inner join found as longer
        on found.answer_key = longer.answer_key
        and length(found.phrase) < length(longer.phrase)
        and length(replace(longer.phrase, found.phrase, '')) < length(longer.phrase)

),

matched as (

    select
        found.response_key,
        found.reason_category,
        found.phrase,
        found.answer_text,
        row_number() over (
            partition by found.response_key, found.reason_category
            order by found.text_position, length(found.phrase) desc, found.phrase
        ) as match_position
    from found
    left join covered
        on found.answer_key = covered.answer_key
        and found.phrase = covered.phrase
    where
        covered.phrase is null
        -- such a phrase ('not slow') only takes away what it contains
        and found.reason_category <> ''

),

classified as (

    select
        response_key,
        reason_category,
        phrase,
        answer_text
    from matched
    where match_position = 1

),

reasons as (

    select * from classified
    union all
    select
        responses.response_key,
        case when texts.response_key is null then 'no_words' else 'unclassified' end as reason_category,
        null as phrase,
        texts.answer_text
    from responses
    left join texts
        on responses.response_key = texts.response_key
        and texts.text_position = 1
    left join (
        select distinct response_key from classified
    ) as known on responses.response_key = known.response_key
    where known.response_key is null

),

final as (

    select
        {{ surrogate_key([
            "cast(reasons.response_key as " ~ dbt.type_string() ~ ")", 'reasons.reason_category'
        ]) }} as {{ key }},
        reasons.response_key,
        reasons.reason_category,
        labels.label_en as reason_label_en,
        labels.label_zh as reason_label_zh,
        reasons.phrase,
        reasons.answer_text,
        responses.source,
        responses.batch_id,
        responses.survey_key,
        responses.purpose,
        responses.customer_key,
        responses.customer_version_key,
        responses.product_key,
        responses.team_key,
        responses.agent_key,
        responses.issue_type,
        responses.channel,
        responses.channel_key,
        responses.submitted_date,
        responses.is_counted
    from reasons
    inner join responses on reasons.response_key = responses.response_key
    left join labels on reasons.reason_category = labels.reason_category

)

select * from final
{% endmacro %}
