{{ staged_current('team', change_time='updated_at') }}
