{{ staged_versions('visit') }}
