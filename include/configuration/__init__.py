"""What an installation says of its business rather than of its sources: YAML files in the folder METRICS_CONFIG."""
