"""Records that come late, out of order, twice, corrected, deleted or merged amount to one full load.

Hundreds of independent random histories go into one set of nights; each is delivered in any order over them. Another
data home gets every version once, in one night. Every cell of every mart and metric must be the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from include.reporting.audit.kept_movement import read_movement
from include.settings import Settings, parse_night_id
from include.warehouse.past_night import differing_tables, rebuild_night
from include.warehouse.publish import serve_file
from tests.support.histories import NIGHTS, Histories, in_one_night, instants, night_by_night, random_histories
from tests.support.history_homes import HASH_KEY, HistoryHomes, differences, rows_of

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(1800)]

SEED = 20260616
FEW_NIGHTS = NIGHTS[-3:]
# The deliveries differ by design, so do the ids of the batches that facts name.
LINEAGE = {"*": ("batch_id",)}


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> HistoryHomes:
    """Homes of the module's histories."""
    return HistoryHomes(tmp_path_factory.mktemp("histories"))


def test_any_order_amounts_to_one_full_load(homes: HistoryHomes) -> None:
    _assert_equal(homes, SEED, FEW_NIGHTS)


def test_a_past_night_is_rebuilt_as_it_was(homes: HistoryHomes) -> None:
    """In another data home: every table of staging, marts, metrics and audit, by a sum over the hashes of its rows."""
    lived = homes.folder / "nightly"
    if not lived.exists():
        histories = random_histories(SEED, FEW_NIGHTS)
        lived = homes.fill("nightly", night_by_night(histories, SEED, FEW_NIGHTS), FEW_NIGHTS)
    night = instants(FEW_NIGHTS)[1]
    settings = Settings(home=lived, sources=homes.folder / "gone", hash_key=HASH_KEY)
    rebuilt = rebuild_night(settings, night, homes.home)
    assert differing_tables(lived, night, rebuilt) == []


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(1, 11))
def test_any_order_amounts_to_one_full_load_many_times(tmp_path: Path, seed: int) -> None:
    _assert_equal(HistoryHomes(tmp_path), seed, NIGHTS)


def _assert_equal(homes: HistoryHomes, seed: int, nights: tuple[str, ...]) -> None:
    histories = random_histories(seed, nights)
    arrivals = night_by_night(histories, seed, nights)
    nightly = homes.fill("nightly", arrivals, nights)
    at_once = homes.fill("at_once", in_one_night(histories, arrivals, seed, nights), nights)
    _assert_adverse(nightly)
    _assert_movements_sum(nightly)
    found = differences(serve_file(nightly), serve_file(at_once), ("marts", "metrics"), LINEAGE)
    assert found == {}, "\n".join(f"{table}: {fault}" for table, fault in found.items())
    assert list(_wrong_orders(histories, at_once)) == []


def _assert_adverse(home: Path) -> None:
    """The nights held what they are for: rows that waited and moved, copies, known content, deletions, merges."""
    for query in (
        "select count(*) from audit.audit_quarantined_row where status = 'released'",
        "select count(*) from audit.audit_quarantined_row where status = 'held'",
        "select count(*) from audit.audit_quarantined_row where rule_id like '%duplicate_in_batch'",
        "select count(*) from audit.audit_batch where status = 'identical' and feed = 'orders'",
        "select count(*) from marts.dim_product where is_deleted",
        "select count(*) from staging.stg_ticket_event where is_deleted",
        "select count(*) from intermediate.int_customer_resolved where match_method = 'merged'",
        "select count(*) from staging.stg_survey_response where flag_rules like '%unknown_customer%'",
        "select count(*) - count(distinct (order_id, updated_at)) from staging.stg_order_version",
    ):
        assert rows_of(home, query)[0][0] > 0, query


def _assert_movements_sum(home: Path) -> None:
    """Of every headline number that a night moved, what its causes moved adds up to the whole change."""
    files = sorted((home / "nights").glob("*/movement.json"))
    told = [read_movement(home, parse_night_id(file.parent.name)) for file in files]
    assert [one.problem for one in told if one] == ["first", *[None] * (len(files) - 1)]
    periods = [period for one in told if one and one.movement for period in one.movement.periods]
    moved = [one for one in periods if one.change is not None]
    assert {"late", "correction"} <= {step.cause for one in moved for step in one.steps if step.rows}
    for one in moved:
        parts = sum(part for part in one.parts if part is not None)
        assert parts == pytest.approx(one.change, abs=1e-9), (one.metric, one.grain, one.start)


def _wrong_orders(histories: Histories, home: Path) -> Iterator[tuple[object, object]]:
    """Orders whose amount is not that of their latest version: both homes could be wrong in the same way."""
    expected: dict[str, tuple[tuple[str, bool], str, bool]] = {}
    for one in histories["orders"]:
        time = (one.row["updated_at"], one.is_correction)
        if one.key not in expected or expected[one.key][0] < time:
            expected[one.key] = (time, one.row["amount"], one.row["is_deleted"] == "true")
    wanted = {(key, float(amount)) for key, (_, amount, is_deleted) in expected.items() if not is_deleted}
    found = {
        (str(key), float(str(amount))) for key, amount in rows_of(home, "select order_id, amount from marts.fct_order")
    }
    yield from wanted ^ found
