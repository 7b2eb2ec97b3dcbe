"""Airflow's plugin: the pages of the data home in Airflow's own web page, behind its log-in.

Executed by every process of Airflow, so it imports nothing heavy; the application is made at its first request.
"""

from __future__ import annotations

from typing import Any, ClassVar

from airflow.plugins_manager import AirflowPlugin
from service_metrics.page_links import PREFIX, page_links
from service_metrics.report_pages import serve_pages


class ServiceMetricsPlugin(AirflowPlugin):
    """Links to the metrics and auditors' pages in the navigation, and what answers them."""

    name = "service_metrics"
    fastapi_apps: ClassVar[list[Any]] = [{"app": serve_pages, "url_prefix": PREFIX, "name": "service metrics pages"}]
    external_views: ClassVar[list[Any]] = page_links()
