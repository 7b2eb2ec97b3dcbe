{{ staged_versions('asset') }}
