"""`make docs`: the generated pages of `docs/`, the record of what readers rely on, and two pages to look around in.

The last two (dbt's own documentation, and the lineage of every column) are large and made for a browser: they go to
`docs/` in the data home. Neither needs a night: they are made over an empty warehouse.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from pydantic import ValidationError

from include import files
from include.development.compiled_models import (
    ProjectError,
    compile_models,
    dbt_folder,
    invoke_dbt,
    parse_project,
    write_empty_inputs,
)
from include.development.generated_pages import generated_pages, stale_pages
from include.development.mart_interface import broken, interface_of, record, recorded_interface, write_interface
from include.errors import MetricsError
from include.settings import PROJECT_ROOT, load_settings
from include.warehouse.build import PROJECT


def write_pages(project: Path = PROJECT) -> list[str]:
    """Write the pages that are stale and record new columns. Returns what was written and what breaks the interface.

    Raises:
        ProjectError: the project can't be parsed or compiled.
    """
    with tempfile.TemporaryDirectory(prefix="write_docs") as scratch:
        manifest = parse_project(Path(scratch), project)
        current = interface_of(manifest)
        pages = generated_pages(manifest, compile_models(manifest, Path(scratch), project))
    told = []
    for name in stale_pages(pages):
        told.append(f"✓ docs/{name} written")
    for path, text in pages.items():
        files.write_bytes(path, text.encode())
    recorded = recorded_interface(project)
    if record(recorded, current) != recorded:
        write_interface(project, record(recorded, current))
        told.append("✓ dbt_project/interface.yml: new columns recorded")
    return told + [
        f"✗ {fault}; to mean it, take it off dbt_project/interface.yml" for fault in broken(recorded, current)
    ]


def write_site(target: Path, project: Path = PROJECT) -> list[Path]:
    """Write dbt's documentation and the column lineage as pages that need no network, into the folder `target`.

    Raises:
        ProjectError: the project can't be built over an empty warehouse, or a page was not made.
    """
    with tempfile.TemporaryDirectory(prefix="write_docs") as scratch:
        folder = Path(scratch)
        write_empty_inputs(folder)
        manifest = parse_project(folder, project)
        with dbt_folder(folder):
            invoke_dbt(
                manifest, project, "build", "--exclude-resource-type", "test", "--exclude-resource-type", "unit_test"
            )
            invoke_dbt(manifest, project, "docs", "generate", "--static")
        made = folder / "target"
        lineage = folder / "lineage"
        command = [str(Path(sys.executable).with_name("colibri")), "generate", "--disable-telemetry", "--light"]
        done = subprocess.run(
            [*command, "--manifest", str(made / "manifest.json"), "--catalog", str(made / "catalog.json"),
             "--output-dir", str(lineage)],
            capture_output=True, text=True, check=False, cwd=folder,
        )  # fmt: skip
        if '"sourceColumn"' not in (lineage / "colibri-manifest.json").read_text(encoding="utf-8"):
            raise ProjectError("dbt-colibri found no lineage of any column")
        pages = {"dbt.html": made / "static_index.html", "lineage.html": lineage / "index.html"}
        for page in pages.values():
            if not page.exists():
                raise ProjectError(f"{page.name} was not made: {(done.stdout + done.stderr)[-800:].strip()}")
        for name, page in pages.items():
            files.write_bytes(target / name, page.read_bytes())
    return [target / name for name in pages]


def main() -> int:
    """Write everything. Returns the exit code: 1 if a column that readers rely on is gone."""
    try:
        told = write_pages()
        for line in told or [f"✓ the pages in {PROJECT_ROOT / 'docs'} are fresh"]:
            print(line, flush=True)
        for page in write_site(load_settings().home / "docs"):
            print(f"✓ {page} ({page.stat().st_size >> 10} KiB)")
    except (MetricsError, ValidationError) as error:
        print(f"✗ {error}")
        return 2
    return 1 if any(line.startswith("✗") for line in told) else 0


if __name__ == "__main__":
    sys.exit(main())
