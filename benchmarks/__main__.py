"""`make bench`: what the product costs beside hand-written SQL, as ratios measured in one run.

Each side runs in a process of its own, without the interpreter's start and imports; sides take turns, and the least
CPU of each counts (what else the machine does can only add to it).
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from benchmarks import audit_pages, customer_value, landing_history
from benchmarks.landing_gate import RESPONSES, TICKETS, Delivery, clear
from benchmarks.warehouse import customer_marts, metrics, survey_marts, ticket_marts
from benchmarks.warehouse.company import TICKETS_PER_CUSTOMER
from benchmarks.warehouse.home import restore_prepared
from include import files

# Of the project: what is asked of the product.
MOST_OF_FLOOR = 6.0
MOST_OF_GATE_FLOOR = 5.0
MOST_MART_MEMORY_MB = 3072
MOST_GROWTH = 1.10
FEW, MANY = 2, 700
FEW_ROWS, MANY_ROWS = 100_000, 1_000_000
METRICS_MOST_SECONDS, METRICS_MOST_MEMORY_MB = 20, 2048
VALUE_MOST_SECONDS = {"fit": 15, "score": 5}
VALUE_MOST_MEMORY_MB = 2048
PAGES_MOST_SECONDS, PAGE_MOST_BYTES = 15, 1_500_000


@dataclass(frozen=True)
class Measured:
    """The least CPU seconds of each step of a side and seconds of the clock of all, and the most memory."""

    seconds: dict[str, float]
    elapsed: float
    memory_mb: float

    @property
    def all(self) -> float:
        """CPU seconds of all steps."""
        return sum(self.seconds.values())


class Part(StrEnum):
    """What is measured on its own."""

    delivery = "delivery"
    responses = "responses"
    history = "history"
    tickets = "tickets"
    surveys = "surveys"
    customers = "customers"
    pages = "pages"


def main(
    parts: Annotated[list[Part] | None, typer.Argument(help="which; default: all")] = None,
    rows: Annotated[int, typer.Option(help="rows of the large delivery")] = 1_000_000,
    nights: Annotated[int, typer.Option(help="nights of the long history")] = MANY,
    few: Annotated[int, typer.Option(help="tickets, or survey responses, of the small warehouse")] = FEW_ROWS,
    many: Annotated[int, typer.Option(help="tickets, or survey responses, of the large warehouse")] = MANY_ROWS,
    rounds: Annotated[int, typer.Option(help="how often each side of delivery and history runs")] = 3,
) -> None:
    """Run the benchmarks; the exit code is 1 if a figure is missed."""
    console = Console()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        scratch = Path(folder)
        measure: dict[Part, Callable[[], list[str]]] = {
            Part.delivery: lambda: _delivery(console, scratch, TICKETS, rows, rounds),
            Part.responses: lambda: _delivery(console, scratch, RESPONSES, rows, rounds),
            Part.history: lambda: _history(console, scratch, nights, rounds),
            Part.tickets: lambda: _ticket_marts(console, scratch, few, many),
            Part.surveys: lambda: _survey_marts(console, scratch, few, many),
            Part.customers: lambda: _customer_value(console, scratch, customer_value.CUSTOMERS),
            Part.pages: lambda: _audit_pages(console, scratch, audit_pages.NIGHTS),
        }
        missed = [one for part in parts or Part for one in measure[part]()]
    for one in missed:
        console.print(f"[red]✗ {one}[/]")
    raise typer.Exit(1 if missed else 0)


def _delivery(console: Console, scratch: Path, delivery: Delivery, rows: int, rounds: int) -> list[str]:
    name, title = delivery.name, f"{rows:,} {delivery.title}"
    console.print(f"[bold]Landing and gate[/]  {title} ...")
    data = scratch / name
    delivery.prepare(data, rows)
    steps = ("land", "gate", "settle")
    floor, product = _taking_turns(
        rounds,
        lambda: _run(f"{name}.floor", data),
        lambda: _run_steps([f"{name}.{step}" for step in steps], data, clear),
    )
    files.remove(data)
    ratio = product.all / floor.all
    table = Table("side", "CPU s", "× floor", "peak MB")
    table.add_row("hand-written DuckDB script", f"{floor.all:.1f}", "1.0", f"{floor.memory_mb:.0f}")
    for step in steps:
        seconds = product.seconds[step]
        table.add_row(f"  {step}", f"{seconds:.1f}", f"{seconds / floor.all:.1f}", "")
    table.add_row("landing, gate and settle", f"{product.all:.1f}", f"{ratio:.1f}", f"{product.memory_mb:.0f}")
    console.print(table)
    missed = []
    if ratio > MOST_OF_GATE_FLOOR:
        missed.append(f"{title}: landing and gate cost {ratio:.1f} × the floor, more than {MOST_OF_GATE_FLOOR:.0f}")
    if product.memory_mb > delivery.most_memory_mb:
        missed.append(f"{title}: landing and gate took {product.memory_mb:.0f} MB, more than {delivery.most_memory_mb}")
    return missed


def _history(console: Console, scratch: Path, nights: int, rounds: int) -> list[str]:
    console.print(f"[bold]Landing a night[/]  after {FEW} and after {nights} nights ...")
    homes = [scratch / f"history{count}" for count in (FEW, nights)]
    for home, count in zip(homes, (FEW, nights), strict=True):
        landing_history.prepare(home, count)
    few, many = _taking_turns(
        2 * rounds,
        *(lambda home=home: _run_steps(["landing_history.land"], home, landing_history.clear) for home in homes),
    )
    growth = many.all / few.all
    table = Table("nights before", "CPU s", "ratio")
    table.add_row(str(FEW), f"{few.all:.3f}", "1.00")
    table.add_row(str(nights), f"{many.all:.3f}", f"{growth:.2f}")
    console.print(table)
    return [f"landing grows with history: × {growth:.2f}"] if growth > MOST_GROWTH else []


def _ticket_marts(console: Console, scratch: Path, few: int, many: int) -> list[str]:
    home, missed = _marts(console, scratch, "ticket", ticket_marts.prepare, few, many)
    files.remove(home)
    return missed


def _survey_marts(console: Console, scratch: Path, few: int, many: int) -> list[str]:
    """The marts of surveys, those of the customers behind as many tickets and responses, and the metrics of all."""
    home, missed = _marts(console, scratch, "survey", survey_marts.prepare, few, many)
    missed += _customer_marts(console, home, many // TICKETS_PER_CUSTOMER)
    metrics.prepare(home)
    published = _run("metrics.publish", home)
    files.remove(home)
    shape = f"{metrics.METRICS} metrics × {len(metrics.SEGMENTS)} segments × {len(metrics.GRAINS)} grains"
    console.print(f"{shape}: {published.elapsed:.1f} s, {published.all:.1f} CPU s, {published.memory_mb:.0f} MB")
    if published.elapsed > METRICS_MOST_SECONDS:
        missed.append(f"{shape} took {published.elapsed:.0f} s, more than {METRICS_MOST_SECONDS}")
    if published.memory_mb > METRICS_MOST_MEMORY_MB:
        missed.append(f"{shape} took {published.memory_mb:.0f} MB, more than {METRICS_MOST_MEMORY_MB}")
    return missed


def _customer_marts(console: Console, home: Path, customers: int) -> list[str]:
    """The strategic marts on a home that has those of surveys."""
    customer_marts.prepare(home)
    built = _run("customer_marts.marts", home)
    title = f"Strategic marts of {customers:,} customers"
    console.print(f"{title}: {built.elapsed:.1f} s, {built.all:.1f} CPU s, {built.memory_mb:.0f} MB")
    if built.memory_mb > VALUE_MOST_MEMORY_MB:
        return [f"{title} took {built.memory_mb:.0f} MB, more than {VALUE_MOST_MEMORY_MB}"]
    return []


def _customer_value(console: Console, scratch: Path, customers: int) -> list[str]:
    """Models of customer value: fitted and applied, each in a process of its own."""
    console.print(f"[bold]Customer value[/]  {customers:,} customers ...")
    home = scratch / "customer_value"
    customer_value.prepare(home, customers)
    table = Table("step", "s", "CPU s", "peak MB")
    missed = []
    for step, most in VALUE_MOST_SECONDS.items():
        found = _run(f"customer_value.{step}", home)
        table.add_row(step, f"{found.elapsed:.1f}", f"{found.all:.1f}", f"{found.memory_mb:.0f}")
        if found.elapsed > most:
            missed.append(f"customer value: {step} took {found.elapsed:.0f} s, more than {most}")
        if found.memory_mb > VALUE_MOST_MEMORY_MB:
            missed.append(f"customer value: {step} took {found.memory_mb:.0f} MB, more than {VALUE_MOST_MEMORY_MB}")
    files.remove(home)
    console.print(table)
    return missed


def _audit_pages(console: Console, scratch: Path, nights: int) -> list[str]:
    """The auditors' pages of many nights, all of them made anew."""
    console.print(f"[bold]Auditors' pages[/]  {nights} nights ...")
    home = scratch / "audit_pages"
    audit_pages.prepare(home, nights)
    written = _run("audit_pages.write", home)
    largest = audit_pages.largest_page(home)
    files.remove(home)
    console.print(
        f"{written.elapsed:.1f} s, {written.all:.1f} CPU s, {written.memory_mb:.0f} MB; "
        f"the largest page has {largest / 1e6:.2f} MB"
    )
    missed = []
    if written.elapsed > PAGES_MOST_SECONDS:
        missed.append(f"pages of {nights} nights took {written.elapsed:.0f} s, more than {PAGES_MOST_SECONDS}")
    if largest > PAGE_MOST_BYTES:
        missed.append(f"a page has {largest:,} bytes, more than {PAGE_MOST_BYTES:,}")
    return missed


def _marts(
    console: Console, scratch: Path, kind: str, prepare: Callable[[Path, int], None], few: int, many: int
) -> tuple[Path, list[str]]:
    """Both sides at two sizes, one round each: what the machine does besides is little against minutes.

    Returns the data home of the larger size, with the marts in its build file, and what was missed.
    """
    console.print(f"[bold]Marts of {kind}s[/]  {few:,} and {many:,} ...")
    table = Table(f"{kind}s", "side", "CPU s", "× floor", "peak MB")
    products = []
    for count in (few, many):
        home = scratch / f"{kind}s{count}"
        prepare(home, count)
        floor, product = (_run_steps([f"{kind}_marts.{side}"], home, restore_prepared) for side in ("floor", "marts"))
        if count != many:
            files.remove(home)
        ratio = product.all / floor.all
        table.add_row(f"{count:,}", "hand-written DuckDB script", f"{floor.all:.1f}", "1.0", f"{floor.memory_mb:.0f}")
        table.add_row("", "models", f"{product.all:.1f}", f"{ratio:.1f}", f"{product.memory_mb:.0f}")
        products.append(product)
    console.print(table)
    growth, rows = products[1].all / products[0].all, many / few
    console.print(f"{rows:.1f} × the {kind}s cost {growth:.1f} × the CPU")
    missed = []
    if ratio > MOST_OF_FLOOR:
        missed.append(f"the {kind} marts cost {ratio:.1f} × the floor, more than {MOST_OF_FLOOR:.0f}")
    if products[1].memory_mb > MOST_MART_MEMORY_MB:
        missed.append(f"the {kind} marts took {products[1].memory_mb:.0f} MB, more than {MOST_MART_MEMORY_MB}")
    if growth > rows * MOST_GROWTH:
        missed.append(f"the {kind} marts grow faster than their {kind}s: × {growth:.1f} for × {rows:.1f}")
    return home, missed


def _taking_turns(rounds: int, *sides: Callable[[], Measured]) -> list[Measured]:
    """Run the sides in turns; of each the least seconds of every step, and the most memory."""
    found: list[list[Measured]] = [[] for _ in sides]
    for _ in range(rounds):
        for side, measured in zip(sides, found, strict=True):
            measured.append(side())
    return [
        Measured(
            {step: min(one.seconds[step] for one in measured) for step in measured[0].seconds},
            min(one.elapsed for one in measured),
            max(one.memory_mb for one in measured),
        )
        for measured in found
    ]


def _run_steps(names: Sequence[str], home: Path, clear: Callable[[Path], None]) -> Measured:
    """Run steps one after the other on a home that is cleared before, each in its process, as the nightly does."""
    clear(home)
    parts = [_run(name, home) for name in names]
    seconds = {step: value for part in parts for step, value in part.seconds.items()}
    return Measured(seconds, sum(part.elapsed for part in parts), max(part.memory_mb for part in parts))


def _run(name: str, home: Path) -> Measured:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.side", name, str(home)], check=True, stdout=subprocess.PIPE, text=True
    )
    found = json.loads(done.stdout.splitlines()[-1])
    return Measured({name.split(".")[1]: found["seconds"]}, found["elapsed"], found["memory_mb"])


if __name__ == "__main__":
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(main)
    app()
