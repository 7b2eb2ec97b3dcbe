{{ staged_versions('agent') }}
