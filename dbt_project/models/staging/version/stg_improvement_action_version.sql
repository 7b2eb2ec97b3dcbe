{{ staged_versions('improvement_action') }}
