{{ staged_current('customer', change_time='updated_at') }}
