"""Run Great Expectations on a DuckDB connection that is open already.

GX has no DuckDB datasource. Its SQL datasource opens connections of its own, and its engine closes a connection before
the failing rows are read (the rows are then silently none); here GX works on a second connection to the caller's
database, which stays open until all is read. It sees the caller's tables, save temporary ones.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, Literal

os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
logging.getLogger("great_expectations").setLevel(logging.WARNING)

import duckdb  # noqa: E402
import great_expectations as gx  # noqa: E402
import sqlalchemy as sa  # noqa: E402
from duckdb_engine import ConnectionWrapper  # noqa: E402
from great_expectations import expectations as native  # noqa: E402
from great_expectations.data_context.types.base import ProgressBarsConfig  # noqa: E402
from great_expectations.datasource.fluent.sql_datasource import SQLDatasource  # noqa: E402
from great_expectations.execution_engine import SqlAlchemyExecutionEngine  # noqa: E402
from great_expectations.expectations import UnexpectedRowsExpectation  # noqa: E402

from expectations import custom  # noqa: E402
from include.gate.rules import Rule, RuleError  # noqa: E402
from include.sql import error_text  # noqa: E402


class _Autocommit(ConnectionWrapper):
    """Opens no transaction: in one, a rule that raises would end it, and the rules beside it would raise for that."""

    def begin(self) -> None: ...
    def commit(self) -> None: ...
    def rollback(self) -> None: ...


class _DuckDBExecutionEngine(SqlAlchemyExecutionEngine):
    """Keeps its connection: GX's own closes it before the result of a query is read."""

    @contextmanager
    def get_connection(self) -> Iterator[sa.Connection]:
        if self._connection is None:
            self._connection = self.engine.connect()
        yield self._connection


class DuckDBDatasource(SQLDatasource):
    """A GX datasource on the connection in `lent`."""

    type: Literal["duckdb"] = "duckdb"  # type: ignore[assignment]
    lent: ClassVar[duckdb.DuckDBPyConnection | None] = None

    def _create_engine(self) -> sa.Engine:
        con = DuckDBDatasource.lent
        if con is None:
            raise RuleError("no connection is lent to GX")
        return sa.create_engine("duckdb://", creator=lambda: _Autocommit(con), poolclass=sa.StaticPool)

    def get_execution_engine(self) -> SqlAlchemyExecutionEngine:
        if self._execution_engine is None:
            self._execution_engine = _DuckDBExecutionEngine(
                name=self.name, engine=self.get_engine(), create_temp_table=False
            )
        return self._execution_engine

    def close(self) -> None:
        """Let go of the connection."""
        engine = self._execution_engine
        if engine is not None and engine._connection is not None:
            engine._connection.close()
        self.get_engine().dispose()


@dataclass(frozen=True)
class RuleResult:
    """What GX found for one rule: how many rows fail, and the query that returns them."""

    rule: Rule
    failed_count: int
    failing_rows: str


def validate(con: duckdb.DuckDBPyConnection, table: str, rules: Sequence[Rule]) -> list[RuleResult]:
    """Run rules as one GX suite on a table of `con` that has `row_id`.

    Raises:
        RuleError: an expectation is unknown, was dropped from the suite, or raised.
    """
    if not rules:
        return []
    with con.cursor() as lent:
        DuckDBDatasource.lent = lent
        try:
            return _validate(table, rules)
        finally:
            DuckDBDatasource.lent = None


@cache
def _context() -> Any:
    """GX's own state, which knows nothing between validations but the name of the datasource."""
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    return context


def _validate(table: str, rules: Sequence[Rule]) -> list[RuleResult]:
    suite = gx.ExpectationSuite(name=table, expectations=[expectation_of(rule) for rule in rules])
    if len(suite.expectations) != len(rules):
        raise RuleError(f"{table}: {len(suite.expectations)} of {len(rules)} rules reached the suite")
    source = _context().data_sources.add_or_update_duckdb(name="gate", connection_string="duckdb://")
    data = source.add_table_asset(table, table_name=table).add_batch_definition_whole_table("all")
    try:
        # On the batch itself: a validation definition would write suite and results into stores that nobody reads.
        outcome = data.get_batch().validate(
            suite,
            result_format={
                "result_format": "SUMMARY",
                "unexpected_index_column_names": ["row_id"],
                "return_unexpected_index_query": True,
                "partial_unexpected_count": 0,
            },
        )
    finally:
        source.close()
    results = {one.expectation_config.meta["rule"]: one for one in outcome.results if one.expectation_config}
    if len(results) != len(rules):
        raise RuleError(f"{table}: {len(results)} results of {len(rules)} rules")
    return [_result_of(rule, results[rule.id], table) for rule in rules]


def expectation_of(rule: Rule) -> Any:
    """The GX expectation of a rule.

    Raises:
        RuleError: no such expectation, or it refuses its arguments.
    """
    meta = {"rule": rule.id}
    if rule.query is not None:
        return UnexpectedRowsExpectation(unexpected_rows_query=rule.query, description=rule.words("en"), meta=meta)
    assert rule.expectation is not None  # noqa: S101 - the schema of rules says so
    name = rule.expectation.type
    native_name = "".join(part.capitalize() for part in name.split("_"))
    kind = getattr(custom, name, None) or getattr(native, native_name, None)
    if kind is None:
        raise RuleError(f"{rule.id}: no such expectation: {name}")
    try:
        return kind(**rule.expectation.kwargs, meta=meta)
    except (TypeError, ValueError) as error:
        raise RuleError(f"{rule.id}: {error}") from error


def _result_of(rule: Rule, outcome: Any, table: str) -> RuleResult:
    """A rule's count and query; an expectation that raised has neither and must not pass for a success."""
    raised = outcome.exception_info or {}
    details = raised.values() if raised and "raised_exception" not in raised else [raised]
    for one in details:
        if isinstance(one, dict) and one.get("raised_exception"):
            raise RuleError(f"{rule.id}: {error_text(one.get('exception_message'))}")
    query = getattr(expectation_of(rule), "unexpected_rows_query", None)
    if query is not None:
        return RuleResult(rule, int(outcome.result["observed_value"]), query.format(batch=table))
    failing = outcome.result.get("unexpected_index_query")
    if failing is None:
        raise RuleError(f"{rule.id}: {rule.expectation and rule.expectation.type} does not say which rows fail")
    return RuleResult(rule, int(outcome.result["unexpected_count"]), failing.strip().rstrip(";"))
