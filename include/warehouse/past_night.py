"""A past night again, in a data home of its own: judged, built and published from what had landed by then.

Every night up to it is judged again in its turn, as verdicts on references depend on who was known that night. The
source home says what is to be judged, and how: its landing, the mappings and rules under `versions/`, the contexts, the
decisions, and its ledger, which names of every gate its night and mapping. What each night proved to have taken in is
taken over, as nobody can prove it again. Nothing is landed.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
from pydantic import ValidationError

from include import files
from include.errors import MetricsError
from include.gate.decisions import decisions_folder, gates_following
from include.gate.gating import gate_group
from include.gate.ledger import Gate, read_ledger
from include.gate.rules import holding_rules
from include.gate.settling import settle_night
from include.gate.versions import (
    NightVersions,
    nights_with_versions,
    read_versions,
    rules_text,
    write_configuration,
    write_mappings,
)
from include.landing.batches import BATCH_FILE, Batch
from include.landing.raw_rows import read_again
from include.settings import Settings, load_settings, night_id, night_text, parse_instant
from include.sources import load_source_results
from include.sources.file_reader import UnreadableFileError
from include.sources.schema import GROUPS
from include.warehouse.build import build_warehouse
from include.warehouse.build_file import WAREHOUSE, table_prints
from include.warehouse.publish import history_folder, publish_warehouse, serve_file
from include.warehouse.run_lock import run_lock


class PastNightError(MetricsError):
    """The night can't be built again; the text says what is lacking."""

    default_code = "SM409"


def rebuild_night(settings: Settings, as_of: datetime, target: Path, say: Callable[[str], None] = print) -> Path:
    """Judge, build and publish a past night of `settings.home` in the data home `target`. Returns the served file.

    Args:
        settings: of the installation; only its sources are those of the night, not of today.
        as_of: a night that was run in `settings.home`.
        target: a folder that is empty or not there yet.
        say: told how far it is.

    Raises:
        PastNightError: the night was never run, its versions were not kept, or the target is not empty.
        MetricsError: as any night.
    """
    again = judge_again(settings, as_of, target, say)
    rules = read_versions(settings.home, as_of)[-1].rules
    with run_lock(target), holding_rules(rules_text(settings.home, rules)):
        say("building")
        build_warehouse(again, as_of)
        publish_warehouse(again, as_of)
    return serve_file(target)


def judge_again(settings: Settings, as_of: datetime, target: Path, say: Callable[[str], None] = print) -> Settings:
    """Judge every night up to a past one again, in `target`. Returns the settings of that night there.

    Args and errors: as `rebuild_night`.
    """
    source = settings.home
    if target.exists() and any(target.iterdir()):
        raise PastNightError(f"{target} is not empty; name a new folder")
    nights = [night for night in nights_with_versions(source) if night <= as_of]
    if as_of not in nights:
        raise PastNightError(f"{source} has no night {night_text(as_of)} whose versions were kept")
    gates = read_ledger(source, as_of)
    arriving = _arriving(source, as_of, gates)
    followed = gates_following(gates)
    again = settings.model_copy(
        update={"home": target, "sources": target / "sources", "config": target / "configuration"}
    )
    with run_lock(target):
        _take_over(source, target, nights)
        for night in nights:
            say(f"judging night {night_text(night)}")
            noted = read_versions(source, night)
            for versions in noted:
                _restore(source, versions, again)
                with holding_rules(rules_text(source, versions.rules)):
                    known = _mapping_hashes(again)
                    waiting = arriving.pop(night, [])
                    now = [one for one in waiting if versions is noted[-1] or _is_of(one, gates, known)]
                    arriving[night] = [one for one in waiting if one not in now]
                    for batch in now:
                        _bring(source, again, batch)
                    for name, gate in followed.items():
                        if gate.night == night and (versions is noted[-1] or _is_under(gate, known)):
                            _bring_decision(source, target, name)
                    for group in GROUPS:
                        gate_group(again, night, group)
                    settle_night(again, night)
        for batch in [one for rest in arriving.values() for one in rest]:
            _bring(source, again, batch)  # landed, and not judged by that night
        for path in decisions_folder(source).glob("[!.]*.json"):
            _bring_decision(source, target, path.stem)  # taken, and not followed by that night
    return again


def differing_tables(source: Path, as_of: datetime, rebuilt: Path) -> list[str]:
    """The tables of the rebuilt warehouse whose content is not that of the one kept in `history/`.

    Raises:
        PastNightError: it is not kept any more.
    """
    kept = history_folder(source) / night_id(as_of) / WAREHOUSE
    if not kept.exists():
        raise PastNightError(f"{source} keeps no warehouse of night {night_text(as_of)} any more")
    old, new = table_prints(kept), table_prints(rebuilt)
    return sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))


def _arriving(home: Path, as_of: datetime, gates: Iterable[Gate]) -> dict[datetime, list[Batch]]:
    """The batches by the night on which they were judged first; one that was not yet, by the night it landed."""
    first: dict[str, datetime] = {}
    for gate in gates:
        first[gate.batch_id] = min(gate.night, first.get(gate.batch_id, gate.night))
    found: dict[datetime, list[Batch]] = {}
    for path in sorted((home / "landing").glob(f"*/*/[!.]*/{BATCH_FILE}")):
        batch = Batch.model_validate(files.read_json(path))
        if batch.night <= as_of:
            found.setdefault(first.get(batch.batch_id, as_of), []).append(batch)
    return found


def _take_over(source: Path, target: Path, nights: Iterable[datetime]) -> None:
    """What the nights knew and proved: contexts, deliveries that were identical, and their records."""
    for night in nights:
        for room in ("ledger/context", "ledger/identical", "nights"):
            _copy(source / room / night_id(night), target / room / night_id(night))


def _bring_decision(source: Path, target: Path, name: str) -> None:
    """A decision comes on the night that followed it: an earlier one may have died before it judged."""
    path = decisions_folder(target) / f"{name}.json"
    if not path.exists():
        files.write_bytes(path, (decisions_folder(source) / path.name).read_bytes())


def _restore(source: Path, versions: NightVersions, again: Settings) -> None:
    """The sources and the configuration of a night, in the place of those of the night before."""
    for folder, write in ((again.sources, write_mappings), (again.config, write_configuration)):
        files.remove(folder)
        folder.mkdir()
        write(source, versions, folder)


def _mapping_hashes(settings: Settings) -> dict[str, str]:
    return {one.source.name: one.mapping_hash for one in load_source_results(settings.sources)[0]}


def _is_of(batch: Batch, gates: Iterable[Gate], known: dict[str, str]) -> bool:
    """Whether a batch was judged first under these mappings."""
    judged = next((gate for gate in gates if (gate.batch_id, gate.gate_no) == (batch.batch_id, 1)), None)
    return judged is not None and _is_under(judged, known)


def _is_under(gate: Gate, known: dict[str, str]) -> bool:
    return gate.mapping_hash == known.get(gate.source)


def _bring(source: Path, settings: Settings, batch: Batch) -> None:
    """Copy a batch; where it was read under another mapping since, read its originals as the night did."""
    files.private_folder(settings.home / "landing")
    folder = batch.folder(settings.home)
    _copy(batch.folder(source), folder)
    loaded = next((s for s in load_source_results(settings.sources)[0] if s.source.name == batch.source), None)
    if batch.status != "landed" or loaded is None or loaded.mapping_hash == batch.mapping_hash:
        return
    try:
        read_again(settings.home, batch, loaded)
    except UnreadableFileError as error:
        told = {"status": "unreadable", "rows": None, "message": f"{batch.source}.{batch.feed}: {error}"}
        unread = batch.model_copy(update={**told, "mapping_hash": loaded.mapping_hash})
        files.write_json(folder / BATCH_FILE, unread.model_dump(mode="json"))


def _copy(source: Path, target: Path) -> None:
    if source.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, target, copy_function=lambda one, other: files.copy(Path(one), Path(other)))


def main() -> int:
    """`make rebuild NIGHT=2026-06-28 TO=/new/data/home`. Returns 0 if it is equal to the one in `history/`."""
    parser = argparse.ArgumentParser(prog="make rebuild", description=main.__doc__)
    parser.add_argument("night", help="a local date, or a timestamp")
    parser.add_argument("to", type=Path, help="a new data home")
    given = parser.parse_args()
    try:
        settings = load_settings()
        as_of = parse_instant(given.night, ZoneInfo(settings.timezone))
        rebuilt = rebuild_night(settings, as_of, given.to.expanduser().absolute())
        differing = differing_tables(settings.home, as_of, rebuilt)
    except (MetricsError, ValidationError, duckdb.Error) as error:
        print(f"✗ {error}", file=sys.stderr)
        return 2
    print(rebuilt)
    print(f"differs from history/ in {', '.join(differing)}" if differing else "equal to history/ in every table")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
