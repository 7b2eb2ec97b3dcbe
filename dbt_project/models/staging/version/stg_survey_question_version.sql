{{ staged_versions('survey_question') }}
