{{ staged_current('order', change_time='updated_at') }}
