{{ staged_current('metric_target', change_time='updated_at') }}
