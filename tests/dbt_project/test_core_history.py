"""Incremental models, night by night, give what a full refresh gives.

Whole warehouses are compared over richer histories by the tests of any order.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from tests.support.warehouse_fixture import WarehouseFixture

NIGHTS = ["2026-06-28", "2026-06-29", "2026-06-30"]
START = datetime(2026, 6, 26)
# The models that are not built anew every night, and what they read.
INCREMENTAL = ("--select", "+config.materialized:incremental", "--indirect-selection", "cautious")
COMPARED = (
    "select table_schema, table_name from information_schema.tables "
    "where table_schema in ('staging', 'intermediate', 'marts', 'metrics', 'audit') order by all"
)


def _random_deliveries(home: WarehouseFixture, seed: int) -> None:
    """Versions of the same keys over three nights, a snapshot feed, gates that replace a batch and gates that add."""
    pick = random.Random(seed)

    def changed_at() -> datetime | None:
        return None if pick.random() < 0.2 else START + timedelta(hours=pick.randrange(100))

    def some(prefix: str, many: int) -> list[str]:
        return [f"{prefix}{pick.randrange(many)}" for _ in range(pick.randrange(1, 9))]

    previous = ""
    for number, night in enumerate(NIGHTS):
        home.deliver(
            "customer",
            [
                {"customer_id": name, "tier": pick.choice(["vip", "standard", None]),
                 "email_hash": pick.choice("abc"), "updated_at": changed_at()}
                for name in some("C", 6)
            ],
            night=night,
        )  # fmt: skip
        home.deliver(
            "customer_identity",
            [{"customer_id": name, "email_hash": pick.choice("abcd")} for name in some("D", 6)],
            source="desk",
            night=night,
        )
        present = sorted(set(some("P", 8)))
        home.deliver(
            "product",
            [{"product_id": name, "product_line": pick.choice("xy")} for name in present[:-1]],
            delivery="snapshot",
            night=night,
            quarantined=[{"business_key": present[-1]}],
        )
        batch = home.deliver(
            "ticket",
            [
                {"ticket_id": name, "customer_id": f"D{pick.randrange(8)}", "status": pick.choice(["open", "closed"]),
                 "created_at": START, "updated_at": changed_at(), "product_id": f"P{pick.randrange(9)}"}
                for name in some("T", 9)
            ],
            source="desk",
            night=night,
        )  # fmt: skip
        home.deliver(
            "order",
            [{"order_id": name, "customer_id": "C1", "ordered_at": START, "amount": 5} for name in some("O", 9)],
            night=night,
            batch=f"orders.{number}",
        )
        if number:
            # last night's orders are judged again, and some of its held tickets have found their place
            home.deliver(
                "order",
                [{"order_id": name, "customer_id": "C2", "ordered_at": START, "amount": 7} for name in some("O", 9)],
                night=night,
                batch=f"orders.{number - 1}",
            )
            home.deliver(
                "ticket",
                [{"ticket_id": f"M{number}", "status": "open", "row_id": 900, "row_number": 900}],
                source="desk",
                night=night,
                batch=previous,
                kind="moved",
            )
        previous = batch


def _everything(home: WarehouseFixture) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of every table, sorted; one connection, as opening a warehouse takes longer than reading a table."""
    tables = {}
    with duckdb.connect(str(home.warehouse), read_only=True) as con:
        for schema, table in con.execute(COMPARED).fetchall():
            name = f"{schema}.{table}"
            columns = sorted(row[0] for row in con.execute(f"describe {name}").fetchall())
            chosen = ", ".join(f'"{column}"' for column in columns)
            tables[name] = sorted(con.execute(f"select {chosen} from {name}").fetchall(), key=repr)
    return tables


def test_night_by_night_equals_a_full_refresh(tmp_path: Path) -> None:
    home = WarehouseFixture(tmp_path, as_of=NIGHTS[0])
    _random_deliveries(home, seed=20260630)
    for night in NIGHTS:
        home.set_as_of(night)
        home.build(*INCREMENTAL, tests=night == NIGHTS[-1])

    # the last night read its own files only, and took out the batches that were judged again
    (compiled,) = (home.dbt_target / "compiled").rglob("version/stg_order_version.sql")
    read = compiled.read_text(encoding="utf-8")
    assert "orders.2.1.parquet" in read and "orders.1.2.parquet" in read and "orders.0." not in read
    loaded = home.rows("select distinct batch_id, gate_no from staging.stg_order_version order by all")
    assert [tuple(row.values()) for row in loaded] == [("orders.0", 2), ("orders.1", 2), ("orders.2", 1)]

    found = _everything(home)
    assert sum(len(rows) for name, rows in found.items() if name.endswith("_version")) >= 60
    home.build(*INCREMENTAL, tests=False, full_refresh=True)
    expected = _everything(home)
    assert set(found) == set(expected)
    assert [name for name in expected if found[name] != expected[name]] == []
