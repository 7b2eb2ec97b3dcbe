{{ staged_current('ticket', change_time='updated_at') }}
