{{ staged_versions('order') }}
