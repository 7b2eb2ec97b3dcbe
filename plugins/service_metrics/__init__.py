"""What stands between Airflow and the plain Python of `include`: defaults, steps, the runner."""
