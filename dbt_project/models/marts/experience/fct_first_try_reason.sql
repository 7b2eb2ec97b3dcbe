with

responses as (

    select * from {{ ref('fct_survey_response') }}
    where not is_first_try_solved

),

{{ response_reasons('first_try_reason_key') }}
