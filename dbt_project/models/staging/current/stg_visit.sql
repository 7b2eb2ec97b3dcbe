{{ staged_current('visit', change_time='updated_at') }}
