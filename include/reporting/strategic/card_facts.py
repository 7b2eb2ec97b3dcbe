"""What the model card is made of, read from the served marts and from nowhere else."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from include.reporting.served_facts import local_as_of
from include.warehouse.night_summary import Language, NightSummary, read_summary
from include.warehouse.publish import serve_file

Row = dict[str, Any]
_QUERIES: dict[str, str] = dict(
    re.findall(
        r"-- name: (\w+)\n(.*?)(?=-- name: |\Z)",
        Path(__file__).with_name("card_facts.sql").read_text(encoding="utf-8"),
        re.DOTALL,
    )
)
# A warehouse that an older version built lacks it, and has no card then.
_NEEDED = ("fct_churn_model", "fct_satisfaction_link", "fct_customer_value_model")


@dataclass(frozen=True)
class CardFacts:
    """Rows of every query of `card_facts.sql`, and of what night they are."""

    summaries: dict[Language, NightSummary]
    models: list[Row]
    bins: list[Row]
    cohorts: list[Row]
    value_models: list[Row]
    survival_fitted: list[Row]
    survival_observed: list[Row]
    losses: list[Row]
    values: list[Row]
    rhythm: list[Row]
    calls: list[Row]
    links: list[Row]

    @property
    def day(self) -> date:
        """The local day of the night's moment."""
        return local_as_of(self.summaries["en"]).date()


def read_card_facts(home: Path) -> CardFacts | None:
    """Read all of it; null where an older version built what is served.

    Raises:
        duckdb.Error: the warehouse can't be read.
    """
    with duckdb.connect(str(serve_file(home)), read_only=True) as con:
        con.execute("set enable_progress_bar = false")
        tables = {name for (name,) in con.execute("select table_name from duckdb_tables()").fetchall()}
        if not tables.issuperset(_NEEDED):
            return None
        rows = {name: _rows(con, name) for name in _QUERIES}
    summaries: dict[Language, NightSummary] = {"en": read_summary(home, "en"), "zh": read_summary(home, "zh")}
    return CardFacts(summaries=summaries, **rows)


def _rows(con: duckdb.DuckDBPyConnection, name: str) -> list[Row]:
    result = con.execute(_QUERIES[name])
    names = [column[0] for column in result.description or []]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]
