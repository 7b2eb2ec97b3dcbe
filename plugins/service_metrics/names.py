"""Names that DAGs, runner and tests share."""

from __future__ import annotations

from enum import StrEnum

OWNER = "service-metrics"
NIGHTLY = "nightly"
# One slot: only one task at a time may open the build file.
BUILD_POOL = "warehouse_build"


class Tag(StrEnum):
    """What a DAG is about."""

    NIGHTLY = "nightly"
    WAREHOUSE = "warehouse"
