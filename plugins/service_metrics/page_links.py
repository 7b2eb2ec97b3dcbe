"""Where the pages of the data home are in Airflow's web page, and the links that lead there."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import urlsplit

PREFIX = "/reports"
_NAMES = {
    "metrics": {"en": "Service metrics", "zh": "服务指标"},
    "audit": {"en": "Data quality audit", "zh": "数据质量审计"},
}


def page_links() -> list[dict[str, Any]]:
    """The links of Airflow's navigation, in the installation's language; they open in a tab of their own.

    Read from the environment alone: every process of Airflow asks, also those that know no settings.
    """
    language = "zh" if os.environ.get("METRICS_LANGUAGE") == "zh" else "en"
    # Behind a proxy that serves Airflow below a path the pages are below it too.
    below = urlsplit(os.environ.get("AIRFLOW__API__BASE_URL", "")).path.rstrip("/")
    return [
        {"name": names[language], "href": f"{below}{PREFIX}/{folder}/", "destination": "nav", "category": "browse"}
        for folder, names in _NAMES.items()
    ]
