{{ staged_current('survey_response', change_time='updated_at', complete='version.is_complete') }}
