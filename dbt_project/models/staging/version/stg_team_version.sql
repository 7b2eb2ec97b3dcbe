{{ staged_versions('team') }}
