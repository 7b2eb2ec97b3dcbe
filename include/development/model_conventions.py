"""The conventions of the dbt project (`dbt-bouncer.yml`), and the proof that each of them was really checked.

dbt-bouncer passes an entry whose pattern matches nothing, so the checks that ran are counted against the manifest.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from include import files
from include.development.compiled_models import project_models
from include.settings import PROJECT_ROOT

CONVENTIONS = PROJECT_ROOT / "dbt-bouncer.yml"


@dataclass(frozen=True)
class Conventions:
    """How many checks of how many entries ran, and what is wrong."""

    checks: int
    entries: int
    faults: list[str]


def check_conventions(manifest: Any, folder: Path, config: Path = CONVENTIONS) -> Conventions:
    """Run dbt-bouncer on `folder/target/manifest.json`, and count."""
    settings = yaml.safe_load(config.read_text(encoding="utf-8"))
    entries = settings["manifest_checks"]
    placed = folder / "dbt-bouncer.yml"
    files.write_bytes(placed, yaml.safe_dump({**settings, "dbt_artifacts_dir": str(folder / "target")}).encode())
    report = folder / "conventions.json"
    command = [str(Path(sys.executable).with_name("dbt-bouncer")), "run", "--config-file", str(placed)]
    done = subprocess.run(
        [*command, "--output-file", str(report), "--output-format", "json"],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
    )
    if not report.exists():
        return Conventions(0, len(entries), [f"dbt-bouncer didn't run: {(done.stdout + done.stderr)[-800:].strip()}"])
    results = files.read_json(report)
    faults = [
        f"{one['check_run_id'].split(':')[0]}: {one['failure_message']}"
        for one in results
        if one["outcome"] != "success"
    ]
    return Conventions(len(results), len(entries), [*faults, *_unchecked(manifest, entries, results)])


def _unchecked(manifest: Any, entries: Sequence[dict[str, Any]], results: Sequence[dict[str, Any]]) -> list[str]:
    """Entries that met fewer models than the manifest has for them, or whose column pattern names no column."""
    ran = Counter(int(one["check_run_id"].split(":")[1]) for one in results)
    models = project_models(manifest)
    faults = []
    for place, entry in enumerate(entries):
        told = f"{entry['name']} ({entry.get('include', 'all')})"
        meant = [one for one in models if re.match(entry.get("include", ""), one.original_file_path)]
        if not entry["name"].startswith(("check_model_", "check_lineage_")):
            if not ran[place]:
                faults.append(f"{told} checked nothing")
        elif not meant or ran[place] != len(meant):
            faults.append(f"{told} checked {ran[place]} models of {len(meant)}")
        elif (pattern := entry.get("column_name_pattern")) and not any(
            re.search(pattern, name) for model in meant for name in model.columns
        ):
            faults.append(f"{told}: no column matches {pattern}")
    return faults
