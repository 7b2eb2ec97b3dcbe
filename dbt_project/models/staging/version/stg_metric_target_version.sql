{{ staged_versions('metric_target') }}
