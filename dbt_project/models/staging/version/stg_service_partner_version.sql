{{ staged_versions('service_partner') }}
