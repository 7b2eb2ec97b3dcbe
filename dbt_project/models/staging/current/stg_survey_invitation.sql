{{ staged_current('survey_invitation', change_time='updated_at') }}
