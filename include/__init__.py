"""The product's logic: plain Python that knows no Airflow."""
