"""MetricFlow, from the same semantic YAML, as the second opinion on fct_metric_period.

Module paths of MetricFlow move between releases; they are named here and nowhere else.
"""

from __future__ import annotations

import logging
from datetime import date
from pathlib import Path
from typing import Any, Self

import duckdb
from metricflow.engine.metricflow_engine import MetricFlowEngine, MetricFlowQueryRequest
from metricflow.protocols.sql_client import SqlEngine
from metricflow.sql.render.duckdb_renderer import DuckDbSqlPlanRenderer
from metricflow.validation.data_warehouse_model_validator import DataWarehouseModelValidator
from metricflow_semantic_interfaces.implementations.semantic_manifest import PydanticSemanticManifest
from metricflow_semantic_interfaces.validations.semantic_manifest_validator import SemanticManifestValidator
from metricflow_semantics.model.dbt_manifest_parser import parse_manifest_from_dbt_generated_manifest
from metricflow_semantics.model.semantic_manifest_lookup import SemanticManifestLookup

logging.getLogger("metricflow").setLevel(logging.WARNING)
logging.getLogger("metricflow_semantics").setLevel(logging.WARNING)


class WarehouseClient:
    """What MetricFlow asks of a warehouse: a dialect, and whether a statement would run."""

    sql_engine_type = SqlEngine.DUCKDB
    sql_plan_renderer = DuckDbSqlPlanRenderer()

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection

    def dry_run(self, stmt: str, sql_bind_parameter_set: Any = None) -> None:
        """Plan a statement; an unknown column is an error here."""
        self.connection.execute(f"explain {stmt}")

    def query(self, stmt: str, sql_bind_parameter_set: Any = None) -> Any:
        """Never needed: the oracle runs the statements itself, to read them as it likes."""
        raise RuntimeError("the oracle only compiles")

    execute = query

    def render_bind_parameter_key(self, bind_parameter_key: str) -> str:
        """Name of a parameter in a statement."""
        return f"${bind_parameter_key}"

    def close(self) -> None:
        """The connection belongs to the caller."""


class MetricFlowOracle:
    """Compiles metrics over a built warehouse and runs them; close it (or use it in `with`) to free the file."""

    def __init__(self, warehouse: Path, dbt_target: Path) -> None:
        """`dbt_target` holds the semantic_manifest.json of the build."""
        self.manifest: PydanticSemanticManifest = parse_manifest_from_dbt_generated_manifest(
            manifest_json_string=(dbt_target / "semantic_manifest.json").read_text()
        )
        self.connection = duckdb.connect(str(warehouse), read_only=True)
        self.connection.execute("set TimeZone = 'UTC'")
        self._client = WarehouseClient(self.connection)
        self._engine = MetricFlowEngine(
            semantic_manifest_lookup=SemanticManifestLookup(self.manifest), sql_client=self._client
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def problems(self) -> list[str]:
        """What `mf validate-configs` reports as errors: semantics first, then every column against the warehouse."""
        found = SemanticManifestValidator[PydanticSemanticManifest]().validate_semantic_manifest(self.manifest)
        if found.errors:
            return [str(issue) for issue in found.errors]
        validator = DataWarehouseModelValidator(sql_client=self._client)
        return [
            str(issue)
            for validate in (
                validator.validate_semantic_models,
                validator.validate_dimensions,
                validator.validate_entities,
                validator.validate_simple_metrics,
                validator.validate_metrics,
            )
            for issue in validate(self.manifest).errors
        ]

    def dimension(self, metric: str, segment: str) -> str | None:
        """MetricFlow's name of a segment for a metric, None where it cannot cut the metric so.

        Raises:
            ValueError: more than one dimension has the segment's name.
        """
        reachable = {found.dunder_name for found in self._engine.simple_dimensions_for_metrics([metric])}
        matching = [name for name in reachable if name.split("__")[-1] == segment]
        if len(matching) > 1:
            raise ValueError(f"{metric} by {segment} is ambiguous: {', '.join(sorted(matching))}")
        return matching[0] if matching else None

    def cells(self, metric: str, grain: str, dimension: str | None = None) -> dict[tuple[date, str], float | None]:
        """(period_start, member) -> value of a metric; without dimension the member is 'all'."""
        period = f"metric_time__{grain}"
        rows = self._rows(metric, dimension, period)
        return {(start, member): value for start, member, value in rows if start is not None}

    def members(self, metric: str, dimension: str | None = None) -> dict[str, float | None]:
        """Member -> value of a metric over all there is, with a time or without; without dimension it is 'all'."""
        return {member: value for _, member, value in self._rows(metric, dimension, None)}

    def _rows(
        self, metric: str, dimension: str | None, period: str | None
    ) -> list[tuple[date | None, str, float | None]]:
        request = MetricFlowQueryRequest.create(
            metric_names=[metric], group_by_names=[name for name in (period, dimension) if name] or None
        )
        compiled = self._engine.explain(request).sql_statement.sql
        member = f"coalesce(cast({dimension} as varchar), '(none)')" if dimension else "'all'"
        rows = self.connection.execute(
            f"select cast({period or 'null'} as date), {member}, cast({metric} as double) from ({compiled})"
        ).fetchall()
        if len({row[:2] for row in rows}) != len(rows):
            raise ValueError(f"{metric} by {dimension}: a cell stands twice")
        return rows
