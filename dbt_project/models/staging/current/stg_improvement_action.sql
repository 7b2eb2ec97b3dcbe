{{ staged_current('improvement_action', change_time='updated_at') }}
