{{ staged_versions('survey') }}
