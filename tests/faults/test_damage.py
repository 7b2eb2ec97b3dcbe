"""Files of the data home damaged by somebody else: never a wrong number, and an end of it once they are restored."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from include.progress import progress_file, read_events
from include.settings import SAMPLE_SOURCES, parse_instant
from include.sources import load_sources
from include.warehouse.build_file import build_file, wal_of
from include.warehouse.publish import history_folder, serve_file
from tests.support.faults_homes import NIGHT, Homes, assert_published
from tests.support.faults_night import run
from tests.support.faults_verdict import assert_served_whole, flip, flip_unnoticed, truncate
from tests.support.mini_company import ZONE

pytestmark = [pytest.mark.faults, pytest.mark.soak, pytest.mark.timeout(900)]
DAMAGES = pytest.mark.parametrize("damage", [flip, truncate])
Note = Callable[[str, object], None]


def restored(path: Path, damage: Callable[[Path], None]) -> Callable[[], None]:
    """Damage a file; call what is returned to restore it."""
    content = path.read_bytes()
    damage(path)
    assert path.read_bytes() != content
    return lambda: path.write_bytes(content) and None


@DAMAGES
def test_refused_before_anything_is_published(
    homes: Homes, damage: Callable[[Path], None], record_property: Note
) -> None:
    home = homes.begin_at("inputs:before_rename")
    for pattern in (
        "clean/ticket/desk.tickets.20260629*.parquet",
        "clean/survey_answer/*.parquet",
        "clean/order/*.parquet",
        "quarantine/ticket/*.[0-9].parquet",
        "quarantine/ticket_event/*.held.parquet",
        "ledger/desk.tickets.*/1.json",
        "ledger/survey.responses.*/1.json",
        "ledger/identical/*/*.json",
    ):
        # Of tonight where there is one: what the build file holds of earlier nights, dbt does not read again.
        path = max(home.glob(pattern), key=lambda one: (one.stat().st_mtime_ns, one.name))
        restore = restored(path, damage)
        homes.refused(path.name, "damaged")
        restore()
        record_property("damage refused", f"{damage.__name__} {pattern.split('/', maxsplit=1)[0]}")
    homes.recovered()


@DAMAGES
@pytest.mark.parametrize(
    ("names", "source"),
    [
        (("landing/desk/tickets/*.20260630*/rows.parquet", "landing/desk/tickets/*.20260630*/original.csv.gz"), "desk"),
        (("landing/desk/tickets/*.20260630*/batch.json",), "desk"),
        (("landing/survey/responses/*.20260630*/batch.json",), "survey"),
        (("ledger/context/*/survey.json",), "survey"),
    ],
)
def test_only_its_source_is_left_out_and_the_night_says_so(
    homes: Homes, names: tuple[str, ...], source: str, damage: Callable[[Path], None], record_property: Note
) -> None:
    # All has landed, and the last source's deliveries were not judged yet.
    feeds = sum(len(one.source.feeds) for one in load_sources(SAMPLE_SOURCES))
    home = homes.begin_at(f"landed:after_rename@{feeds}" if source == "survey" else "candidate:before_rename")
    paths = [max(home.glob(name), key=lambda one: one.stat().st_mtime_ns) for name in names]
    restores = [restored(path, damage) for path in paths]
    done = run(home, NIGHT)
    assert_published(done)
    # What steps report is what the terminal shows.
    events = read_events(progress_file(home, parse_instant(NIGHT, ZONE)))[0]
    assert any("damaged" in str(event.detail) for event in events), [event.detail for event in events]
    with duckdb.connect(str(serve_file(home)), read_only=True) as con:
        state = con.execute("select is_complete, missing_sources from audit.warehouse_state").fetchall()
    assert state == [(False, source)]
    for restore in restores:
        restore()
    homes.recovered_without_a_source()
    record_property("damage left out", f"{damage.__name__} {paths[-1].name}")


@DAMAGES
@pytest.mark.parametrize(
    "name",
    [
        "landing/desk/tickets/*/original.csv.gz",
        "landing/desk/tickets/*/rows.parquet",
        "landing/survey/questionnaire/*/rows.parquet",
        "versions/rules/*.json",
        "versions/mappings/*.yml",
        "nights/20260630*/plan.json",
        "warehouse/inputs/clean_file.parquet",
        "warehouse/build/record.json",
        "warehouse/build/warehouse.duckdb",
        "warehouse/history/*/warehouse.duckdb",
    ],
)
def test_healed(homes: Homes, name: str, damage: Callable[[Path], None], record_property: Note) -> None:
    home = homes.begin_at("candidate:before_rename")
    if "history" in name:  # it shares its bytes with the served file, which has a test of its own
        serve = serve_file(home)
        content = serve.read_bytes()
        serve.unlink()
        serve.write_bytes(content)
    damage(max(home.glob(name), key=lambda one: one.stat().st_mtime_ns))
    homes.recovered()
    record_property("damage healed", f"{damage.__name__} {Path(name).name}")


@pytest.mark.parametrize("content", [b"", b"left by a power cut", b"\0" * 70_000])
@pytest.mark.parametrize("with_file", [True, False])
def test_a_log_left_beside_the_build_file(homes: Homes, content: bytes, with_file: bool) -> None:
    home = homes.begin()
    wal_of(build_file(home)).write_bytes(content)
    if not with_file:
        build_file(home).unlink()
    homes.recovered()


def test_a_served_file_that_can_not_be_opened_is_named_with_the_way_out(homes: Homes) -> None:
    home = homes.begin()
    kept = max(history_folder(home).glob("*/warehouse.duckdb"))
    content = kept.read_bytes()
    truncate(serve_file(home))
    done = run(home, NIGHT)
    assert (done.code, str(serve_file(home)) in done.output, "history" in done.output) == (1, True, True), done.output
    for path in (serve_file(home), kept):
        path.unlink()
        path.write_bytes(content)
    homes.recovered()


def test_a_bit_flipped_in_the_served_file_goes_with_the_next_night(homes: Homes) -> None:
    home = homes.begin()
    flip_unnoticed(serve_file(home))
    homes.recovered()


def test_a_build_file_damaged_after_the_build_is_not_published(homes: Homes) -> None:
    home = homes.begin()
    homes.killed_at("publish:copied")
    flip(build_file(home))
    homes.recovered()
    assert_served_whole(home, homes.undisturbed)
    assert shutil.disk_usage(home).free
