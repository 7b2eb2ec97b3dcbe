"""Airflow in these tests: a home of its own, and loaded first, since loading it replaces the handlers of the log."""

from __future__ import annotations

import os
import tempfile

_home = tempfile.TemporaryDirectory(prefix="airflow-", ignore_cleanup_errors=True)
os.environ.setdefault("AIRFLOW_HOME", _home.name)

import airflow.settings  # noqa: E402, F401
