{{ staged_current('agent', change_time='updated_at') }}
