{{ staged_current('service_partner', change_time='updated_at') }}
