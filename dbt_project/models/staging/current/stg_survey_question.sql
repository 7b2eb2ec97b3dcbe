{{ staged_current('survey_question') }}
