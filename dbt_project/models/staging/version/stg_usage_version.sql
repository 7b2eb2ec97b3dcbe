{{ staged_versions('usage') }}
