{{ staged_versions('customer_identity') }}
