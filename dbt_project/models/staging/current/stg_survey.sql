{{ staged_current('survey') }}
