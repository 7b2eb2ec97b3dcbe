"""What the dbt models of customer value read: DuckDB's relations as columns of arrays, settings, the store's place."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from include.customer_value.contract_value import Contracts
from include.customer_value.model_tables import contracts_of
from include.customer_value.predicted_value import ValueSettings

STORE = "METRICS_MODEL_STORE"
# A small company's month-ends are a few hundred rows each, and an insert costs more than they do.
_ROWS_TOGETHER = 100_000


class Relation(Protocol):
    """The part of DuckDB's relation that is used."""

    def filter(self, condition: str) -> Relation:
        """Rows that meet a condition."""

    def project(self, columns: str) -> Relation:
        """Some columns."""

    def distinct(self) -> Relation:
        """Rows that differ."""

    def order(self, columns: str) -> Relation:
        """Sorted rows."""

    def fetchall(self) -> list[tuple[Any, ...]]:
        """All rows."""

    def fetchnumpy(self) -> dict[str, Any]:
        """All columns, as arrays."""

    @property
    def columns(self) -> list[str]:
        """Names of the columns."""


def cuts_of(months: Relation) -> Sequence[date]:
    """The days of valuation, ascending, from `fct_customer_month`."""
    return [cut for (cut,) in months.project("reached_date").distinct().order("reached_date").fetchall()]


def read_cut(histories: Relation) -> Callable[[date], dict[str, Any]]:
    """Reads the rows of one cut of `int_customer_order_history`, by ascending customer."""

    def read(cut: date) -> dict[str, Any]:
        return histories.filter(f"as_of_date = date '{cut.isoformat()}'").order("customer_key").fetchnumpy()

    return read


def read_contracts(terms: Relation) -> Callable[[date], Contracts]:
    """Reads the contracts of `int_contract_term` as they are judged at a cut, by ascending key."""
    days = [day for (day,) in terms.project("judged_from_date").distinct().order("judged_from_date").fetchall()]

    @lru_cache(maxsize=1)
    def judged_from(day: date | None) -> Contracts:
        of_day = terms.filter(f"judged_from_date = date '{day.isoformat()}'" if day else "false")
        return contracts_of(of_day.order("contract_key").fetchnumpy())

    return lambda cut: judged_from(max((day for day in days if day <= cut), default=None))


def rows_of(relation: Relation) -> list[dict[str, Any]]:
    """All rows of a small table, as dicts."""
    names = relation.columns
    return [dict(zip(names, row, strict=True)) for row in relation.fetchall()]


def gathered(session: Any, name: str, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> Any:
    """Rows put into a temporary table of a DuckDB connection some batches at a time; returns it as a relation."""
    session.register("batch", schema.empty_table())
    session.execute(f"create or replace temp table {name} as from batch")
    waiting: list[pa.RecordBatch] = []
    for batch in batches:
        waiting.append(batch)
        if sum(one.num_rows for one in waiting) >= _ROWS_TOGETHER:
            _insert(session, name, waiting)
            waiting = []
    if waiting:
        _insert(session, name, waiting)
    session.unregister("batch")
    return session.table(name)


def _insert(session: Any, name: str, batches: list[pa.RecordBatch]) -> None:
    session.register("batch", pa.Table.from_batches(batches))
    session.execute(f"insert into {name} from batch")


def value_settings(**told: Any) -> ValueSettings:
    """Settings from the configuration of a dbt model, which may come as texts."""
    return ValueSettings(
        annual_rate=float(told["annual_rate"]),
        min_repeat_buyers=int(told["min_repeat_buyers"]),
        min_decisions=int(told["min_decisions"]),
        correlation_limit=float(told["correlation_limit"]),
        horizon_days=float(told["horizon_days"]),
        grace_days=int(told["grace_days"]),
    )


def model_store() -> Path:
    """Where fitted models are kept: METRICS_MODEL_STORE, else beside the folder that dbt reads."""
    given = os.environ.get(STORE)
    return Path(given) if given else Path(os.environ["METRICS_WAREHOUSE_INPUTS"]).resolve().parent / "models"
