{{ staged_current('contract', change_time='updated_at') }}
