{{ staged_versions('customer') }}
