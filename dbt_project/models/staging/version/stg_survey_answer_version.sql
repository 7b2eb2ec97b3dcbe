{{ staged_versions('survey_answer') }}
