{{ staged_versions('survey_invitation') }}
