"""What must hold of a data home after a fault, and after the run that follows it."""

from __future__ import annotations

import re
import shutil
from functools import cache
from pathlib import Path

import duckdb

from include import files
from include.gate.rules import load_rules
from include.warehouse.publish import serve_file
from tests.support.nightly_run import contents, differences

_TEMPORARY = re.compile(r"\..+\.\d+\.tmp")


def copy_home(source: Path, target: Path) -> None:
    """Make `target` the data home that `source` is."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target, symlinks=True)


def assert_served_whole(home: Path, *nights: Path) -> None:
    """What is served is what one of these data homes serves, all of it."""
    found = files.sha256_of(serve_file(home))
    if any(found == files.sha256_of(serve_file(night)) for night in nights):
        return
    faults = [differences(night, home) for night in nights]
    assert [] in faults, faults


def assert_as_undisturbed(home: Path, undisturbed: Path) -> None:
    """The same marts, metrics and audit tables, every row accounted for, and nothing left of what was killed."""
    if contents(home) != contents_of(undisturbed):
        raise AssertionError("\n".join(differences(undisturbed, home)))
    assert_accounts(home)
    assert left_over(home) == []


@cache
def contents_of(kept: Path) -> dict[str, tuple[tuple[str, ...], int, int]]:
    """What a data home serves that does not change any more."""
    return contents(kept)


def assert_as_undisturbed_but_for_what_was_missing(home: Path, undisturbed: Path) -> None:
    """As undisturbed; only audit tells what a night without a source's rows said of those that refer to them.

    Rows that waited for a parent are released since, and a row on whose account a reference was unknown is counted so.
    """
    of_audit = ("audit.audit_check_result:", "audit.audit_quarantined_row:")
    assert [fault for fault in differences(undisturbed, home) if not fault.startswith(of_audit)] == []
    more, fewer = _apart(home, undisturbed, "audit_quarantined_row", "rule_id, status")
    assert fewer == set()
    assert {status for _, status in more} <= {"released"}
    rules = [rule for of_entity in load_rules().by_entity.values() for rule in of_entity]
    waited = {rule for rule, _ in more}
    assert waited <= {rule.id for rule in rules if rule.holds}
    counted = {rule for found in _apart(home, undisturbed, "audit_check_result", "rule_id") for (rule,) in found}
    assert waited <= counted <= {rule.id for rule in rules if rule.stage == "settle"}
    assert_accounts(home)
    assert left_over(home) == []


def _apart(home: Path, other: Path, table: str, told: str) -> tuple[set[tuple[str, ...]], set[tuple[str, ...]]]:
    """What is told of the rows of an audit table that only one of two data homes has, and of those of the other."""
    with duckdb.connect() as con:
        con.execute(f"attach '{serve_file(home)}' as l (read_only)")
        con.execute(f"attach '{serve_file(other)}' as r (read_only)")
        left, right = f"from l.audit.{table}", f"from r.audit.{table}"
        only_left = con.execute(f"select {told} from ({left} except all {right})").fetchall()
        only_right = con.execute(f"select {told} from ({right} except all {left})").fetchall()
    return set(only_left), set(only_right)


def assert_accounts(home: Path) -> None:
    """Every row that came in is in clean or in quarantine, batch by batch."""
    with duckdb.connect(str(serve_file(home)), read_only=True) as con:
        (batches, wrong), *_ = con.execute(
            "select count(rows_in), count(*) filter (where rows_in <> rows_clean + rows_quarantined) "
            "from audit.audit_batch"
        ).fetchall()
    assert batches > 10
    assert wrong == 0


def left_over(home: Path) -> list[str]:
    """Temporary files and folders, and those of a step at work."""
    found = [path.relative_to(home) for path in home.rglob(".*.tmp") if _TEMPORARY.fullmatch(path.name)]
    return sorted(str(path) for path in [*found, *(home / "work").glob("*")])


def flip(path: Path, share: float = 0.5) -> None:
    """Flip one bit in a file, in its middle or where this share of it ends."""
    place = int(path.stat().st_size * share)
    with path.open("r+b") as file:
        file.seek(place)
        byte = file.read(1)[0]
        file.seek(place)
        file.write(bytes([byte ^ 1]))


def flip_unnoticed(path: Path) -> None:
    """Flip one bit in a warehouse file that opens nevertheless: among rows, not in what tells where they are."""
    for place in range(1, 32):
        flip(path, place / 32)
        try:
            with duckdb.connect(str(path), read_only=True) as con:
                con.execute("select as_of from audit.warehouse_state")
        except duckdb.Error:
            flip(path, place / 32)
        else:
            return
    raise AssertionError(f"{path} opens with none of 31 flipped bits")


def truncate(path: Path) -> None:
    """Tear off the second half of a file."""
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)
