{{ staged_current('review', change_time='updated_at') }}
