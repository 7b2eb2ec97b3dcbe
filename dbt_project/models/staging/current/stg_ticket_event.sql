{{ staged_current('ticket_event', change_time='updated_at') }}
