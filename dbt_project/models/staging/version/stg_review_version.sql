{{ staged_versions('review') }}
