{{ staged_current('product', change_time='updated_at') }}
