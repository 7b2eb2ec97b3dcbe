"""Names that DAGs, runner and tests share."""

from __future__ import annotations

from enum import StrEnum

OWNER = "service-metrics"
NIGHTLY = "nightly"
RELEASE_ROWS = "release_rows"
# How many decisions may wait for a person at a time.
OPEN_APPROVALS = 32
# One slot: only one task at a time may open the build file.
BUILD_POOL = "warehouse_build"


class Tag(StrEnum):
    """What a DAG is about."""

    NIGHTLY = "nightly"
    WAREHOUSE = "warehouse"
    DECISION = "decision"
