"""A delivery of unusual size is judged as any other, and remarked on."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from include.gate.context import read_context
from include.gate.ledger import Gate, read_ledger
from tests.support.mini_company import TICKET_HEADER, MiniCompany

USUAL = 20
LAST = "2026-06-06"


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that five nights of 20 tickets each have reached."""
    folder = tmp_path_factory.mktemp("volume")
    company = MiniCompany(folder)
    for day in range(1, 6):
        company.deliver(f"2026-06-0{day}", "tickets.csv", tickets(day, USUAL))
    company.run("2026-06-05")
    return folder


@pytest.mark.parametrize(
    ("rows", "remark"),
    [
        (10 * USUAL, "volume: desk.tickets brought 200 records; 20 is usual"),
        (10 * USUAL - 1, None),
        (USUAL // 10 + 1, None),
        (USUAL // 10, "volume: desk.tickets brought 2 records; 20 is usual"),
        (0, "volume: desk.tickets brought 0 records; 20 is usual"),
    ],
)
def test_ten_times_and_a_tenth_are_remarked_on(used: Path, tmp_path: Path, rows: int, remark: str | None) -> None:
    company = MiniCompany(shutil.copytree(used, tmp_path / "company"))
    company.deliver(LAST, "tickets.csv", tickets(6, rows))
    company.run(LAST)
    gate = last_gate(company)
    assert gate.status == "gated"
    assert gate.entities["ticket"].rows_clean == rows
    assert (gate.message or "").split(";")[0].startswith("volume:") == bool(remark)
    assert remark is None or (gate.message or "").startswith(remark)
    assert read_context(company.home, company.night(LAST), "desk").usual_records == {"tickets": USUAL}


def tickets(day: int, rows: int) -> str:
    lines = (f"T{day}-{n},C{n},处理中,2026/06/0{day} 10:00,,,2026/06/0{day} 10:00\n" for n in range(rows))
    return TICKET_HEADER + "".join(lines)


def last_gate(company: MiniCompany) -> Gate:
    gates = read_ledger(company.home, company.night(LAST))
    return max((gate for gate in gates if gate.feed == "tickets"), key=lambda gate: gate.batch_order)
