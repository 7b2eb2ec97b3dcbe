{{ staged_versions('contract') }}
