"""`make dev`: changed models built into an analyst's own file, in seconds, with nobody locked.

The file `dev.duckdb` attaches the served night read-only as `warehouse`; dbt reads from there whatever has not changed.
The night's own copy in `history/` is attached: it lies beside the manifest that it was built from, and unlike `serve`
it is not swapped while somebody works.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from include import files
from include.errors import MetricsError
from include.settings import Settings, SettingsError, load_settings, night_id, night_text
from include.sql import literal, quoted
from include.warehouse.build import PROJECT, dbt_environment
from include.warehouse.build_file import WAREHOUSE
from include.warehouse.inputs import inputs_folder
from include.warehouse.publish import history_folder, served_as_of

_DONE = re.compile(r"\b(?P<number>\d+) of (?P<of>\d+) (?P<word>OK|PASS|WARN|ERROR|FAIL|SKIP)\b(?P<text>.*)")
_MODEL = re.compile(r" (?P<name>[a-z_]+\.[a-z0-9_]+) \.*")
_SECONDS = re.compile(r"in (?P<seconds>[0-9.]+)s\]")
_UNKNOWN = re.compile(r"selection criterion '([^']+)' does not match any enabled nodes")
_SHOWN_LINES = 15


class DevError(MetricsError):
    """An analyst's build can't begin or failed; what is served is untouched."""

    default_code = "SM410"


@dataclass(frozen=True)
class BuiltTable:
    """A table that was built. `served_rows` is None where the served night has no such table.

    `content` compares it with the served one: same, changed, new, or which columns came and went.
    """

    name: str
    seconds: float
    rows: int
    served_rows: int | None
    content: str


@dataclass(frozen=True)
class DevSummary:
    """What `make dev` built and found; a view is named without counting.

    `untraced`: changed macros that models call only while they run, so that dbt can't tell which models changed.
    """

    path: Path
    night: datetime
    tables: list[BuiltTable]
    views: list[str]
    tests: int
    faults: list[str]
    untraced: list[str]


def dev_folder(settings: Settings) -> Path:
    """Where the analyst's file, dbt's target and its logs lie."""
    return settings.dev or settings.home / "dev"


def dev_file(settings: Settings) -> Path:
    """The analyst's own file."""
    return dev_folder(settings) / "dev.duckdb"


def build_dev(
    settings: Settings,
    selection: Sequence[str] = (),
    project: Path = PROJECT,
    report: Callable[[str], None] = lambda _: None,
) -> DevSummary:
    """Build the selected models (default: the changed ones and what depends on them) into the analyst's file.

    Raises:
        DevError: nothing is served yet, the file is in use, or dbt stopped before it built anything.
        PublishError: the served file can't be read.
    """
    night = served_as_of(settings.home)
    if night is None:
        raise DevError(f"{settings.home} serves no night yet, and unchanged models are read from it; `make run` first")
    served = history_folder(settings.home) / night_id(night)
    for needed in ("manifest.json", WAREHOUSE):
        if not (served / needed).exists():
            raise DevError(f"{served / needed} is missing; run the night {night_text(night)} again to publish it whole")
    _note_other_inputs(settings, night, report)

    folder = dev_folder(settings)
    folder.mkdir(parents=True, exist_ok=True)
    _check_free(dev_file(settings))
    results = folder / "target" / "run_results.json"
    files.remove(results)
    output, ended_well = _run_dbt(settings, served, project, selection, report)
    unknown = _UNKNOWN.findall("".join(output)) if selection else []
    if unknown:
        raise DevError(f"no model is named {', '.join(sorted(set(unknown)))} (MODEL=fct_ticket, MODEL=fct_ticket+, …)")
    if not results.exists():
        if not ended_well:
            told = "".join(output[-_SHOWN_LINES:]).rstrip()
            raise DevError(f"dbt stopped before it built anything:\n{told}")
        files.write_json(results, {"results": []})
    return _summary(settings, night, served, files.read_json(results)["results"], folder)


def _note_other_inputs(settings: Settings, night: datetime, report: Callable[[str], None]) -> None:
    """While a night is being built, what staging reads is already that night's; it matters only to changed staging."""
    path = inputs_folder(settings.home) / "as_of.parquet"
    if not path.exists():
        return
    with duckdb.connect() as con:
        row = con.execute("select as_of from read_parquet(?)", [str(path)]).fetchone()
    if row and row[0] != night.replace(tzinfo=None):
        report(f"! staging models read the clean files of another night ({row[0]:%Y-%m-%dT%H:%M:%SZ}) than is served")


def _run_dbt(
    settings: Settings, served: Path, project: Path, selection: Sequence[str], report: Callable[[str], None]
) -> tuple[list[str], bool]:
    """The lines that dbt wrote, and whether it ended well."""
    folder = dev_folder(settings)
    environment = {
        **dbt_environment(settings),
        "METRICS_DEV_FILE": str(dev_file(settings)),
        "METRICS_SERVED_FILE": str(served / WAREHOUSE),
        "METRICS_MODEL_STORE": str(folder / "models"),
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder / "logs"),
    }
    command = [sys.executable, "-P", "-m", "include.development.dbt_on_changes", str(served), str(project), *selection]
    output = []
    with subprocess.Popen(
        command, env=environment, cwd=settings.home, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None  # noqa: S101 - it was opened with a pipe
        for line in process.stdout:
            output.append(line)
            for told in _progress(line):
                report(told)
    return output, process.returncode == 0


def _progress(line: str) -> Iterator[str]:
    """What to tell a person about a line of dbt's: models as they are done, and whatever failed."""
    done = _DONE.search(line)
    if not done:
        return
    model = _MODEL.search(done["text"])
    took = _SECONDS.search(done["text"])
    place = f"{done['number']:>4}/{done['of']}"
    if done["word"] == "OK" and model:
        yield f"{place}  {model['name']}  {float(took['seconds']) if took else 0:.1f} s"
    elif done["word"] in ("ERROR", "FAIL"):
        yield f"{place}  failed: {done['text'].split(' ...')[0].strip()}"


def _check_free(file: Path) -> None:
    """Whoever else has the analyst's file open is told at once, not after dbt has read the project."""
    try:
        duckdb.connect(str(file)).close()
    except duckdb.IOException as error:
        if "lock" not in str(error):
            raise DevError(f"{file} can't be opened ({error}); remove it, it holds nothing but builds") from error
        raise DevError(
            f"{file} is open in another program; close it there (a notebook, a SQL client), or set METRICS_DEV"
        ) from error


def _summary(
    settings: Settings, night: datetime, served: Path, results: Sequence[dict[str, Any]], folder: Path
) -> DevSummary:
    """`served` is the night's folder in history, `results` what dbt says of each node."""
    manifest = files.read_json(folder / "target" / "manifest.json")
    untraced = _untraced(manifest, files.read_json(served / "manifest.json"))
    nodes = manifest["nodes"]
    tables, views, faults, tests = [], [], [], 0
    with duckdb.connect() as con:
        con.execute("set TimeZone = 'UTC'")
        con.execute(f"attach {literal(str(dev_file(settings)))} as dev (read_only)")
        con.execute(f"attach {literal(str(served / WAREHOUSE))} as warehouse (read_only)")
        for one in results:
            node = nodes[one["unique_id"]]
            name = f"{node['schema']}.{node['alias']}"
            if one["status"] in ("error", "fail"):
                faults.append(f"{node['name']}: {' '.join((one['message'] or '').split())}")
            elif node["resource_type"] == "test":
                tests += 1
            elif node["config"]["materialized"] == "view":
                views.append(name)
            elif one["status"] == "success":
                tables.append(_compared(con, node["schema"], node["alias"], one["execution_time"]))
    return DevSummary(dev_file(settings), night, tables, views, tests, faults, untraced)


def _untraced(manifest: dict[str, Any], served: dict[str, Any]) -> list[str]:
    """Macros of the project that have changed and on which, as far as dbt knows, nothing depends."""
    package = manifest["metadata"]["project_name"]
    reached = {macro for node in manifest["nodes"].values() for macro in node["depends_on"].get("macros", [])}
    traced: set[str] = set()
    while reached:
        traced |= reached
        called = (manifest["macros"][key]["depends_on"]["macros"] for key in reached if key in manifest["macros"])
        reached = {macro for macros in called for macro in macros} - traced
    return sorted(
        macro["name"]
        for key, macro in manifest["macros"].items()
        if macro["package_name"] == package
        and key not in traced
        and macro["macro_sql"] != served["macros"].get(key, {}).get("macro_sql")
    )


def _compared(con: duckdb.DuckDBPyConnection, schema: str, table: str, seconds: float) -> BuiltTable:
    """A built table beside the served one: rows, columns, and whether any row differs."""
    own, other = (f"{catalog}.{quoted(schema)}.{quoted(table)}" for catalog in ("dev", "warehouse"))
    columns = {
        catalog: [
            row[0]
            for row in con.execute(
                "select column_name from duckdb_columns() "
                "where database_name = ? and schema_name = ? and table_name = ? order by column_index",
                [catalog, schema, table],
            ).fetchall()
        ]
        for catalog in ("dev", "warehouse")
    }
    rows = _count(con, own)
    if not columns["warehouse"]:
        return BuiltTable(f"{schema}.{table}", seconds, rows, None, "new")
    came = [f"+{name}" for name in columns["dev"] if name not in columns["warehouse"]]
    went = [f"-{name}" for name in columns["warehouse"] if name not in columns["dev"]]
    if came or went:
        content = " ".join([*came, *went])
    else:
        listed = ", ".join(quoted(name) for name in columns["dev"])
        # Sums over the hashes of all rows: equal content, whatever its order, and nothing is sorted.
        prints = [
            con.execute(f"select sum(hash(t)) from (select {listed} from {one}) as t").fetchall()
            for one in (own, other)
        ]
        content = "same" if prints[0] == prints[1] else "changed"
    return BuiltTable(f"{schema}.{table}", seconds, rows, _count(con, other), content)


def _count(con: duckdb.DuckDBPyConnection, table: str) -> int:
    ((rows,),) = con.execute(f"select count(*) from {table}").fetchall()
    return int(rows)


def _print_summary(console: Console, summary: DevSummary) -> None:
    if summary.untraced:
        macros = ", ".join(summary.untraced)
        told = f"! changed macros that dbt can't trace to models (build those by name, MODEL=…): {macros}"
        console.print(told, soft_wrap=True)
    if not (summary.tables or summary.views or summary.faults):
        console.print(f"No model has changed since the night {night_text(summary.night)} that is served.")
        return
    table = Table(box=None, pad_edge=False)
    for title in ("Built", "Rows", "Served", "Difference", "Seconds"):
        table.add_column(title, justify="left" if title == "Built" else "right", no_wrap=title == "Built")
    table.add_column("Content")
    for one in summary.tables:
        served = "" if one.served_rows is None else f"{one.served_rows:,}"
        difference = "" if one.served_rows is None else f"{one.rows - one.served_rows:+,}"
        table.add_row(one.name, f"{one.rows:,}", served, difference, f"{one.seconds:.1f}", escape(one.content))
    for name in summary.views:
        table.add_row(name, "", "", "", "", "view")
    console.print(table)
    console.print(f"{summary.tests} tests passed")
    for fault in summary.faults:
        console.print(f"[red]✗[/] {escape(fault)}", soft_wrap=True)
    console.print(f"Compared with the served night {night_text(summary.night)}. Yours: {summary.path}", soft_wrap=True)


def main(arguments: Sequence[str]) -> int:
    """Build and print. Returns the exit code: 0 if every model was built and every test passed."""
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
    try:
        settings = load_settings()
        with console.status("dbt reads the project") if console.is_terminal else nullcontext():
            summary = build_dev(settings, arguments, report=lambda line: console.print(escape(line), soft_wrap=True))
    except (ValidationError, SettingsError, MetricsError) as error:
        console.print(f"[red]✗[/] {escape(str(error))}", soft_wrap=True)
        return 2
    except KeyboardInterrupt:
        console.print("[red]✗[/] stopped")
        return 130
    _print_summary(console, summary)
    return 1 if summary.faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
