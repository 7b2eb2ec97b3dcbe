{{ staged_versions('follow_up') }}
