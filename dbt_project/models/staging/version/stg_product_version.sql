{{ staged_versions('product') }}
