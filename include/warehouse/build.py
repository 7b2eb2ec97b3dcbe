"""Build the warehouse: write what dbt reads, run one `dbt build`, and make sure of what it left."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from include import files
from include.errors import MetricsError
from include.failpoints import failpoint
from include.settings import PROJECT_ROOT, Settings
from include.sql import literal
from include.warehouse.build_file import (
    BuildRecord,
    TablePrint,
    build_file,
    code_hash_of,
    read_record,
    reason_to_rebuild,
    set_aside,
    table_prints,
    wal_of,
    write_record,
)
from include.warehouse.inputs import inputs_folder, write_inputs
from include.warehouse.night_records import mark_built, planned_sources
from include.warehouse.run_lock import handed_down

PROJECT = PROJECT_ROOT / "dbt_project"
# An orphan would go on writing the build file, and keep the run lock. Python's search for cyclic garbage goes through
# all that dbt holds of the project, time and again, for a tenth of a build; it would find little, and the process ends.
_DBT = (
    "import gc; gc.disable(); from include.processes import die_with_parent; die_with_parent({parent}); "
    "from dbt.cli.main import cli; cli()"
)
_NODE_LINE = re.compile(r"\b(\d+) of (\d+) (?:OK|PASS|WARN|ERROR|FAIL|SKIP)")
_REPORT_SECONDS = 1.0
_SHOWN_FAULTS = 5


class BuildError(MetricsError):
    """The warehouse could not be built; the text names the failing nodes. What is served stays as it is."""

    default_code = "SM403"


@dataclass(frozen=True)
class BuildSummary:
    """What a build did. `rebuilt` says why the old build file was not built on, if there was one."""

    nodes: int
    dbt_seconds: float
    rebuilt: str | None
    is_complete: bool
    missing_sources: list[str]


def build_warehouse(
    settings: Settings,
    as_of: datetime,
    report: Callable[[int, int], None] | None = None,
    project: Path = PROJECT,
) -> BuildSummary:
    """Build the warehouse for a night; `report` is told how many of how many dbt nodes are done.

    Raises:
        BuildError: every source is missing, a dbt node failed, or the file that dbt left is not what the inputs say.
        DamagedFileError: a clean or quarantine file is damaged or gone.
    """
    home = settings.home
    code_hash = code_hash_of(settings, project)
    rebuilt = reason_to_rebuild(home, code_hash)
    if rebuilt:
        set_aside(home)
    record = read_record(home)
    verified = set(record.verified_files) if record and build_file(home).exists() else set()
    inputs = write_inputs(settings, as_of, verified)

    if planned_sources(home, as_of) <= set(inputs.missing_sources):
        raise BuildError(f"no source could be taken in tonight: {', '.join(inputs.missing_sources)}", "SM407")

    begun = time.monotonic()
    nodes = _run_dbt(settings, project, report)
    seconds = time.monotonic() - begun
    failpoint("build:before_record")

    path = build_file(home)
    if not path.exists() or wal_of(path).exists():
        raise BuildError(f"dbt did not close {path} as it should; run the night again")
    tables = table_prints(path)
    _check_against_inputs(path, as_of, tables, inputs.clean_rows)
    write_record(
        home,
        BuildRecord(
            night=as_of,
            sha256=files.sha256_of(path),
            code_hash=code_hash,
            tables=tables,
            verified_files=sorted(inputs.files),
        ),
    )
    mark_built(home, as_of)
    return BuildSummary(nodes, seconds, rebuilt, not inputs.missing_sources, inputs.missing_sources)


def dbt_environment(settings: Settings) -> dict[str, str]:
    """What dbt needs in its environment to work on a data home, which has to be its working directory.

    dbt parses its project anew, for some six CPU seconds, where these paths change. Named from within, they are the
    same in a home that was moved, restored or copied.
    """
    home = settings.home
    work = home / "warehouse" / "dbt"
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(PROJECT_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]),
        "METRICS_WAREHOUSE_FILE": str(build_file(home).relative_to(home)),
        "METRICS_WAREHOUSE_INPUTS": str(inputs_folder(home).relative_to(home)),
        "METRICS_TIMEZONE": settings.timezone,
        "METRICS_BUILD_MEMORY": f"{settings.build_memory_mb}MB" if settings.build_memory_mb else _own("memory_limit"),
        "METRICS_BUILD_THREADS": str(settings.threads or _own("threads")),
        **({"OMP_NUM_THREADS": str(settings.threads)} if settings.threads else {}),
        "DBT_TARGET_PATH": str(work / "target"),
        "DBT_LOG_PATH": str(work / "logs"),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DO_NOT_TRACK": "1",
    }


def _own(setting: str) -> str:
    """What DuckDB allows itself on this machine or in this container, such as `12.5GiB` of memory."""
    return str(duckdb.execute(f"select current_setting({literal(setting)})").fetchall()[0][0]).replace(" ", "")


def _run_dbt(settings: Settings, project: Path, report: Callable[[int, int], None] | None) -> int:
    """Run `dbt build` (no unit tests) in a process of its own, so that the file is closed when it ends."""
    environment = dbt_environment(settings)
    results = Path(environment["DBT_TARGET_PATH"]) / "run_results.json"
    files.remove(results)
    build_file(settings.home).parent.mkdir(parents=True, exist_ok=True)
    folders = ["--project-dir", str(project), "--profiles-dir", str(project)]
    # -P: what lies in the data home is data, never a module.
    dbt = [sys.executable, "-P", "-c", _DBT.format(parent=os.getpid()), "--no-use-colors"]
    with subprocess.Popen(
        [*dbt, "build", "--exclude-resource-type", "unit_test", *folders],
        env=environment,
        cwd=settings.home,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        pass_fds=handed_down(),
    ) as process:
        output = _follow(process, report)
    if process.returncode:
        raise BuildError(_faults(results, output))
    return len(files.read_json(results)["results"])


def _follow(process: subprocess.Popen[str], report: Callable[[int, int], None] | None) -> list[str]:
    """Pass dbt's lines on to our own output, and tell now and then how far it is. Returns the lines."""
    assert process.stdout is not None  # noqa: S101 - it was opened with a pipe
    lines = []
    told = 0.0
    for line in process.stdout:
        print(line, end="")
        lines.append(line)
        done = _NODE_LINE.search(line)
        if not done:
            continue
        failpoint("build:dbt_node")
        if report and time.monotonic() - told >= _REPORT_SECONDS:
            told = time.monotonic()
            report(int(done[1]), int(done[2]))
    return lines


def _faults(results: Path, output: list[str]) -> str:
    """Which nodes failed and how; the end of the output where dbt did not get as far as nodes."""
    if not results.exists():
        return "dbt stopped before it ran anything:\n" + "".join(output[-15:]).rstrip()
    bad = [one for one in files.read_json(results)["results"] if one["status"] in ("error", "fail")]
    if not bad:
        return "dbt ended with an error and no failing node:\n" + "".join(output[-15:]).rstrip()
    told = [f"  {one['unique_id']}: {' '.join((one['message'] or '').split())}" for one in bad[:_SHOWN_FAULTS]]
    more = [f"  and {len(bad) - _SHOWN_FAULTS} more"] if len(bad) > _SHOWN_FAULTS else []
    return "\n".join([f"{len(bad)} dbt nodes failed:", *told, *more])


def _check_against_inputs(
    path: Path, as_of: datetime, tables: dict[str, TablePrint], clean_rows: dict[str, int]
) -> None:
    """The file must be of this night and hold every clean row: writes can get lost without an error."""
    with duckdb.connect(str(path), read_only=True) as con:
        row = con.execute("select as_of from audit.warehouse_state").fetchone()
    faults = []
    if row is None or row[0] != as_of.replace(tzinfo=None):
        faults.append(f"it holds for {row and row[0]}, not for {as_of:%Y-%m-%d %H:%M:%S}")
    for entity, expected in sorted(clean_rows.items()):
        name = f"staging.stg_{entity}_version"
        found = tables[name].rows if name in tables else None
        if found != expected:
            faults.append(f"{name} has {found} rows, clean {expected}")
    if faults:
        raise BuildError(f"{path} is not what was built: {'; '.join(faults)}; run the night again")
