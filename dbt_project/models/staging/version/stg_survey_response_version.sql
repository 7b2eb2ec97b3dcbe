{{ staged_versions('survey_response') }}
