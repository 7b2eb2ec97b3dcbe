{{ staged_versions('ticket') }}
