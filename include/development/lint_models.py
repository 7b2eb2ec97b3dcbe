"""The part of `make lint` that reads the dbt project as dbt does: conventions, interface, dialect, generated pages."""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from include.development.common_dialect import faults_of
from include.development.compiled_models import ProjectError, compile_hooks, compile_models, parse_project
from include.development.generated_pages import generated_pages, stale_pages
from include.development.mart_interface import broken, interface_of, missing, recorded_interface
from include.development.model_conventions import check_conventions
from include.warehouse.build import PROJECT


@dataclass(frozen=True)
class Finding:
    """One check of the whole project: what was looked at, and what is wrong."""

    name: str
    looked_at: str
    faults: list[str]


def lint_models(project: Path = PROJECT) -> list[Finding]:
    """Look at the whole project once.

    Raises:
        ProjectError: it can't be parsed or compiled.
    """
    with tempfile.TemporaryDirectory(prefix="lint_models") as scratch:
        folder = Path(scratch)
        manifest = parse_project(folder, project)
        conventions = check_conventions(manifest, folder)
        interface = interface_of(manifest)
        recorded = recorded_interface(project)
        compiled = compile_models(manifest, folder, project)
        hooks = compile_hooks(manifest, folder, project)
    columns = sum(len(of_mart) for of_mart in interface.values())
    unrecorded = [f"{name} is not on record; run `make docs`" for name in missing(recorded, interface)]
    dialect = [
        f"{model}: {fault}; use a macro found by adapter.dispatch (CONTRIBUTING.md)"
        for model, sql in (compiled | hooks).items()
        for fault in faults_of(sql, reads_sources=model.startswith("stg_"), is_hook=model in hooks)
    ]
    stale = stale_pages(generated_pages(manifest, compiled))
    return [
        Finding("conventions", f"{conventions.checks} checks of {conventions.entries} conventions", conventions.faults),
        Finding("interface", f"{columns} columns of {len(interface)} marts", broken(recorded, interface) + unrecorded),
        Finding("common dialect", f"{len(compiled)} compiled models, hooks: {len(hooks)}", dialect),
        Finding("generated pages", "docs/", [f"{name} is stale; run `make docs`" for name in stale]),
    ]


def main() -> int:
    """Print what was looked at and what is wrong. Returns the exit code."""
    try:
        findings = lint_models()
    except ProjectError as error:
        print(f"✗ {error}")
        return 1
    for finding in findings:
        print(f"{'✗' if finding.faults else '✓'} {finding.name}: {finding.looked_at}")
        for fault in finding.faults:
            print(f"    {fault}")
    return 1 if any(finding.faults for finding in findings) else 0


if __name__ == "__main__":
    sys.exit(main())
