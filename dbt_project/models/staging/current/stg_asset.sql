{{ staged_current('asset', change_time='updated_at') }}
