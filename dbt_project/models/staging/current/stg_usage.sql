{{ staged_current('usage', change_time='updated_at') }}
