{{ staged_current('follow_up', change_time='updated_at') }}
