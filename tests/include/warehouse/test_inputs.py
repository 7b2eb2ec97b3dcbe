"""The control tables: which gates hold, what is missing, and that damaged files are found."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from include import files
from include.contracts import load_contracts
from include.gate.ledger import CheckResult
from include.warehouse.inputs import SCHEMAS, Inputs, inputs_folder, write_inputs
from include.warehouse.night_records import mark_built
from tests.support.warehouse_home import NIGHT_1, NIGHT_2, NIGHT_3, WarehouseHome


@pytest.fixture
def home(tmp_path: Path) -> WarehouseHome:
    made = WarehouseHome(tmp_path)
    for night in (NIGHT_1, NIGHT_2, NIGHT_3):
        made.begin(night)
    return made


def table(home: WarehouseHome, name: str, columns: str = "*") -> list[tuple[Any, ...]]:
    path = inputs_folder(home.home) / f"{name}.parquet"
    with duckdb.connect() as con:
        return con.execute(f"select {columns} from read_parquet('{path}') order by all").fetchall()


def write(home: WarehouseHome, night: datetime, verified: set[str] | None = None) -> Inputs:
    return write_inputs(home.settings, night, verified or set())


def test_only_gates_up_to_the_night_hold_and_the_last_full_one_replaces(home: WarehouseHome) -> None:
    batch = home.gate(NIGHT_1, ["a", "b"], quarantined=["c"]).batch_id
    home.gate(NIGHT_2, ["c"], batch=batch, gate_no=2, kind="moved")
    home.gate(NIGHT_3, ["a", "b", "c", "d"], batch=batch, gate_no=3, kind="full")

    held = {}
    for night in (NIGHT_1, NIGHT_2, NIGHT_3):
        write(home, night)
        held[night] = table(home, "clean_file", "gate_no, kind, row_count, night")

    # of whichever gate, the rows tell of the night that the delivery speaks of
    told = NIGHT_1.replace(tzinfo=None)
    assert held[NIGHT_1] == [(1, "full", 2, told)]
    assert held[NIGHT_2] == [(1, "full", 2, told), (2, "moved", 1, told)]
    assert held[NIGHT_3] == [(3, "full", 4, told)]


def test_clean_file_says_where_the_rows_lie(home: WarehouseHome) -> None:
    gate = home.gate(NIGHT_1, ["a", "b"], quarantined=["c"])

    inputs = write(home, NIGHT_1)

    file = gate.entities["ticket"].clean
    assert file is not None
    columns = "entity, batch_id, source, feed, delivery, night, path"
    expected = ("ticket", gate.batch_id, "desk", "tickets", "incremental", datetime(2026, 6, 28, 16))
    assert table(home, "clean_file", columns) == [(*expected, str(home.home / file.path))]
    assert len(table(home, "quarantine_file")) == 1
    assert inputs.clean_rows == {"ticket": 2}


def test_a_moved_gate_gives_the_totals_of_its_batch(home: WarehouseHome) -> None:
    batch = home.gate(NIGHT_1, ["a", "b"], quarantined=["c"]).batch_id
    home.gate(NIGHT_2, ["c"], batch=batch, gate_no=2, kind="moved")

    write(home, NIGHT_2)

    # The hand-made moved gate states one row in and one clean as the batch's totals.
    assert table(home, "batch", "entity, rows_in, rows_clean, rows_quarantined, status") == [
        ("ticket", 1, 1, 0, "gated")
    ]


def test_identical_deliveries_are_batches_without_rows(home: WarehouseHome) -> None:
    gate = home.gate(NIGHT_1, ["a"], delivery="snapshot")
    for night, name in [(NIGHT_2, "20260629T160000Z"), (NIGHT_3, "20260630T160000Z")]:
        files.write_json(
            home.home / "ledger" / "identical" / name / f"desk.tickets.{name}.abababababab.json",
            {
                "source": "desk",
                "feed": "tickets",
                "night": night.isoformat(),
                "content_hash": "ab" * 32,
                "identical_to": gate.batch_id,
                "received_at": night.isoformat(),
                "records": 1,
            },
        )

    write(home, NIGHT_2)

    assert table(home, "batch", "status, entity, rows_in, delivery, records_received") == [
        ("gated", "ticket", 1, "snapshot", 1),
        ("identical", None, None, "snapshot", 1),
    ]
    assert table(home, "snapshot_batch") == [("desk", "tickets", "ticket", gate.batch_id)]


def test_a_stopped_snapshot_is_not_the_latest_delivery(home: WarehouseHome) -> None:
    good = home.gate(NIGHT_1, ["a", "b"], delivery="snapshot")
    home.gate(NIGHT_2, [], quarantined=["a"], delivery="snapshot", status="stopped")

    write(home, NIGHT_2)

    assert table(home, "snapshot_batch", "batch_id") == [(good.batch_id,)]


def test_the_last_gate_that_ran_a_rule_says_how_it_came_out(home: WarehouseHome) -> None:
    def check(failed: int) -> CheckResult:
        return CheckResult(entity="ticket", rule_id="r1", verdict="flag", failed_count=failed, checked_count=3)

    batch = home.gate(NIGHT_1, ["a", "b"], checks=[check(2)]).batch_id
    home.gate(NIGHT_2, ["c"], batch=batch, gate_no=2, kind="moved", checks=[check(1)])

    write(home, NIGHT_1)
    first = table(home, "check_result", "rule_id, gate_no, failed_count")
    write(home, NIGHT_2)

    assert first == [("r1", 1, 2)]
    assert table(home, "check_result", "rule_id, gate_no, failed_count") == [("r1", 2, 1)]


def test_as_of_is_one_row_and_the_run_number_counts_nights_built(home: WarehouseHome) -> None:
    columns = "as_of, as_of_date, time_zone, run_number, is_complete, missing_sources"
    expected = (datetime(2026, 6, 29, 16), date(2026, 6, 29), "Asia/Shanghai")

    write(home, NIGHT_2)
    assert table(home, "as_of", columns) == [(*expected, 1, True, None)]

    mark_built(home.home, NIGHT_1)
    mark_built(home.home, NIGHT_2)
    mark_built(home.home, NIGHT_3)
    write(home, NIGHT_2)
    assert table(home, "as_of", columns) == [(*expected, 2, True, None)]


@pytest.mark.parametrize("status", ["stopped", "unreadable", "failed"])
def test_a_batch_of_tonight_that_was_not_judged_makes_its_source_missing(home: WarehouseHome, status: Any) -> None:
    home.gate(NIGHT_2, [], quarantined=["a"], status=status)

    assert write(home, NIGHT_2).missing_sources == ["desk"]
    assert table(home, "as_of", "is_complete, missing_sources") == [(False, "desk")]
    # The night after brought what it should.
    assert write(home, NIGHT_3).missing_sources == []


def test_what_is_not_proven_is_missing(home: WarehouseHome) -> None:
    home.add_source("crm", "crm")
    (home.sources / "broken.yml").write_text("source: [", encoding="utf-8")
    home.begin(NIGHT_2, proven=False)

    assert write(home, NIGHT_2).missing_sources == ["broken", "crm", "desk"]
    home.begin(NIGHT_2)
    assert write(home, NIGHT_2).missing_sources == ["broken"]


def test_damaged_and_lost_files_are_named(home: WarehouseHome) -> None:
    gate = home.gate(NIGHT_1, ["a", "b"], quarantined=["c"])
    count = gate.entities["ticket"]
    assert count.clean is not None and count.quarantine is not None
    clean = home.home / count.clean.path
    content = bytearray(clean.read_bytes())
    content[len(content) // 2] ^= 1
    clean.write_bytes(bytes(content))
    (home.home / count.quarantine.path).unlink()

    with pytest.raises(files.DamagedFileError) as fault:
        write(home, NIGHT_1)
    assert f"{count.clean.path} is damaged" in str(fault.value)
    assert f"{count.quarantine.path} is gone" in str(fault.value)


def test_files_of_the_last_good_build_are_not_read_again(home: WarehouseHome) -> None:
    gate = home.gate(NIGHT_1, ["a"])
    known = write(home, NIGHT_1).files
    count = gate.entities["ticket"].clean
    assert count is not None
    (home.home / count.path).write_bytes(b"")

    assert write(home, NIGHT_1, set(known)).files == known


def test_every_entity_has_an_empty_file_with_the_clean_columns(home: WarehouseHome) -> None:
    write(home, NIGHT_1)

    with duckdb.connect() as con:
        for entity, contract in load_contracts().items():
            path = inputs_folder(home.home) / "empty" / f"{entity}.parquet"
            found = con.execute(f"describe select * from read_parquet('{path}')").fetchall()
            assert [(row[0], row[1]) for row in found] == contract.clean_columns()
            assert con.execute(f"select count(*) from read_parquet('{path}')").fetchone() == (0,)


def test_every_control_table_is_written_with_its_columns(home: WarehouseHome) -> None:
    write(home, NIGHT_1)

    with duckdb.connect() as con:
        for name, schema in SCHEMAS.items():
            path = inputs_folder(home.home) / f"{name}.parquet"
            found = con.execute(f"describe select * from read_parquet('{path}')").fetchall()
            assert [row[0] for row in found] == list(schema)
    assert table(home, "key_space", "key_space_rank") == []
    assert len(table(home, "rule")) > 10


def test_times_are_utc(home: WarehouseHome) -> None:
    home.gate(datetime(2026, 6, 28, 16, tzinfo=UTC), ["a"])
    write(home, NIGHT_1)
    assert table(home, "batch", "night, received_at") == [(datetime(2026, 6, 28, 16), datetime(2026, 6, 28, 16))]
