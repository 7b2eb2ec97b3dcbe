"""All real data sets, mapped by YAML alone, landed, gated and settled once."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from include.gate.ledger import Gate, last_gates, read_ledger
from include.settings import Settings
from include.sources import load_sources
from tests.support.mapped_rows import map_delivery

SOURCES = Path(__file__).parent / "sources"
AS_OF = datetime(2026, 6, 30, 16, tzinfo=UTC)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where the data is not, its tests are skipped, saying so."""
    folder = Settings().real_data
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.real_data)
            if not folder.is_dir():
                item.add_marker(pytest.mark.skip(reason="the real data sets (METRICS_REAL_DATA) are not here"))


@dataclass(frozen=True)
class RealData:
    """The data sets in a data home: `con` has the mapped rows as `<source>_<feed>_<entity>`."""

    con: duckdb.DuckDBPyConnection
    settings: Settings
    records: dict[str, int]

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of a query; `{clean}/<entity>` stands for the clean rows of an entity."""
        parts = sql.split("{clean}/")
        for number, part in enumerate(parts[1:], start=1):
            entity, _, rest = part.partition(" ")
            path = self.settings.home / "clean" / entity / "*.parquet"
            parts[number] = f"read_parquet('{path}', union_by_name = true) {rest}"
        return self.con.execute("".join(parts)).fetchall()

    def row(self, sql: str) -> Any:
        """The only row of a query, or its only value."""
        [row] = self.rows(sql)
        return row if len(row) > 1 else row[0]

    def gates(self) -> list[Gate]:
        """The gate of each batch."""
        return list(last_gates(read_ledger(self.settings.home, AS_OF)).values())

    def verdicts(self, status: str) -> dict[str, int]:
        """Rows of quarantine with a status, by `source.feed.entity: rule`."""
        path = self.settings.home / "quarantine" / "*" / "*.[0-9].parquet"
        found = self.con.execute(
            "select concat(source, '.', feed, '.', entity, ': ', replace(rule_id, entity || '_', '')), count(*) "
            f"from read_parquet('{path}', union_by_name = true) where status = ? group by 1",
            [status],
        )
        return dict(found.fetchall())


def installation(folder: Path) -> Path:
    """One folder with the YAMLs of all sets."""
    folder.mkdir(parents=True)
    for path in SOURCES.glob("*/*.yml"):
        shutil.copy(path, folder / path.name)
    return folder


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealData]:
    """The sets after land, gate and settle."""
    from include.gate.context import prepare_night
    from include.gate.gating import gate_group
    from include.gate.settling import settle_night

    folder = tmp_path_factory.mktemp("real")
    settings = Settings(home=folder / "home", sources=installation(folder / "sources"), hash_key="a key for tests")
    with duckdb.connect() as con:
        con.execute("set timezone = 'UTC'")
        loaded = load_sources(settings.sources)
        records = {
            f"{one.source.name}.{feed}": map_delivery(con, settings, AS_OF, one, feed)
            for one in loaded
            for feed in one.source.feeds
        }
        prepare_night(settings, AS_OF)
        for group in sorted({one.source.group for one in loaded}):
            gate_group(settings, AS_OF, group)
        settle_night(settings, AS_OF)
        yield RealData(con, settings, records)
