{{ staged_current('customer_identity', change_time='updated_at') }}
