with

responses as (

    select * from {{ ref('fct_survey_response') }}
    where is_low_score

),

{{ response_reasons('low_score_reason_key') }}
