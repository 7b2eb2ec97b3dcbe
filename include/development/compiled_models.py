"""dbt run in this process for tools that read a project and keep nothing: parsed, or compiled over an empty warehouse.

Never for the nightly: a dbt that runs in a process keeps the warehouse open until the process ends.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from include.development.common_dialect import DISPATCHED
from include.errors import MetricsError
from include.settings import Settings
from include.sources import load_source_results
from include.warehouse.build import PROJECT
from include.warehouse.inputs import inputs_folder, write_inputs
from include.warehouse.night_records import begin_night

PACKAGE = "service_metrics"
# Any night will do: there are no rows.
_NIGHT = datetime(2026, 6, 30, 16, tzinfo=UTC)
# Macros that name files rather than write SQL over columns, and dbt's types, which are common as they are.
_LEFT_ALONE = re.compile(r"read_files|type_\w+|get_\w+|cast|safe_cast|string_literal|escape_single_quotes")
_HEADER = re.compile(r"{%-?\s*macro\s+\w+\s*\((?P<arguments>.*?)\)\s*-?%}(?P<body>.*)", re.DOTALL)


class ProjectError(MetricsError):
    """The dbt project can't be parsed or compiled; the text is what dbt says."""

    default_code = "SM411"


@contextmanager
def dbt_folder(folder: Path) -> Iterator[None]:
    """Let dbt work in `folder` for a while: target, log, a warehouse file of its own and what it reads lie there."""
    own = {
        "METRICS_WAREHOUSE_FILE": str(folder / "warehouse.duckdb"),
        "METRICS_WAREHOUSE_INPUTS": str(inputs_folder(folder / "home")),
        "METRICS_TIMEZONE": "UTC",
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder / "logs"),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DO_NOT_TRACK": "1",
    }
    before = {name: os.environ.get(name) for name in own}
    os.environ.update(own)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def parse_project(folder: Path, project: Path = PROJECT) -> Any:
    """Parse the project; `folder/target/manifest.json` is written. Returns dbt's manifest.

    Raises:
        ProjectError: it can't be parsed.
    """
    with dbt_folder(folder):
        return invoke_dbt(None, project, "parse", "--no-partial-parse")


def write_empty_inputs(folder: Path) -> None:
    """What a build of a night without any row reads."""
    settings = Settings(home=folder / "home")
    loaded, broken = load_source_results(settings.sources)
    begin_night(settings.home, _NIGHT, loaded, broken)
    write_inputs(settings, _NIGHT, set())


def compile_models(manifest: Any, folder: Path, project: Path = PROJECT) -> dict[str, str]:
    """Every model's SQL as it would run on an empty warehouse, with stand-ins for dispatched macros, by model.

    Raises:
        ProjectError: a model can't be compiled.
    """
    write_empty_inputs(folder)
    with dbt_folder(folder):
        # Some macros ask these small tables how many ranks or members there are while they write SQL.
        invoke_dbt(manifest, project, "run", "--select", "path:models/staging/*.sql")
        put_stand_ins(manifest)
        invoke_dbt(manifest, project, "compile", "--select", "resource_type:model")
    compiled = {}
    for node in project_models(manifest):
        if node.language != "sql":
            continue  # Python is judged as Python
        path = folder / "target" / "compiled" / PACKAGE / node.original_file_path
        compiled[node.name] = path.read_text(encoding="utf-8")
    return compiled


def compile_hooks(manifest: Any, folder: Path, project: Path = PROJECT) -> dict[str, str]:
    """The SQL of every model's hooks, after `compile_models` in the same folder.

    Raises:
        ProjectError: a hook can't be compiled.
    """
    compiled = {}
    with dbt_folder(folder):
        for node in project_models(manifest):
            # dbt compiles no hooks: here each is a query of its own, which has to say what it is built from; an
            # ephemeral model would become a part of it.
            built_from = "".join(
                f"-- depends_on: {{{{ ref('{one.name}') }}}}\n"
                for one in _refs(manifest, node)
                if one.config.materialized != "ephemeral"
            )
            for number, hook in enumerate([*node.config.pre_hook, *node.config.post_hook], start=1):
                done = invoke_dbt(manifest, project, "compile", "--inline", built_from + hook.sql)
                sql = str(done.results[0].node.compiled_code)
                # dbt runs no hook that comes to nothing
                if any(line.strip() and not line.startswith("--") for line in sql.splitlines()):
                    compiled[f"{node.name}, hook {number}"] = sql
    return compiled


def _refs(manifest: Any, node: Any) -> Iterator[Any]:
    return (manifest.nodes[name] for name in node.depends_on.nodes if name in manifest.nodes)


def project_models(manifest: Any) -> list[Any]:
    """The models of the project, by name."""
    return sorted(
        (node for node in manifest.nodes.values() if node.resource_type == "model" and node.package_name == PACKAGE),
        key=lambda node: str(node.name),
    )


def put_stand_ins(manifest: Any) -> list[str]:
    """Let every dispatched macro write a call of `dispatched_<name>` over its arguments. Returns the names."""
    names = []
    for macro in manifest.macros.values():
        prefix, _, name = macro.name.partition("__")
        ours = macro.package_name == PACKAGE and prefix == "duckdb"
        dbts = "macros/utils/" in macro.original_file_path and prefix in ("duckdb", "default")
        if (ours or dbts) and not _LEFT_ALONE.fullmatch(name):
            macro.macro_sql = stand_in(macro.macro_sql, macro.name, name)
            names.append(name)
    return sorted(set(names))


def stand_in(macro_sql: str, macro_name: str, name: str) -> str:
    """A macro of the same arguments that writes `dispatched_<name>(…)`; a select of it where the macro is a query."""
    found = _HEADER.search(macro_sql)
    if not found:
        raise ProjectError(f"macro {macro_name}: no header found")
    arguments = found["arguments"]
    given = ", ".join(part.split("=")[0].strip() for part in arguments.split(",") if part.strip())
    call = (
        f"{DISPATCHED}{name}("
        f"{{% for one in [{given}] if one is not none %}}"
        "{{ one if one is string or one is not iterable else one | join(', ') }}{{ ', ' if not loop.last }}"
        "{% endfor %})"
    )
    is_query = found["body"].lstrip().lower().startswith(("select", "with"))
    text = f"select * from {call}" if is_query else call
    return f"{{% macro {macro_name}({arguments}) -%}}{text}{{%- endmacro %}}"


def invoke_dbt(manifest: Any, project: Path, *arguments: str) -> Any:
    """Run one dbt command in this process, quietly; returns its result.

    Raises:
        ProjectError: it failed.
    """
    from dbt.cli.main import dbtRunner  # noqa: PLC0415 - several seconds, and only some tools need it

    folders = ["--project-dir", str(project), "--profiles-dir", str(project)]
    done = dbtRunner(manifest=manifest).invoke([*arguments, *folders, "--log-level", "none"])
    if done.exception:
        raise ProjectError(f"dbt {arguments[0]}: {done.exception}") from done.exception
    if not done.success:
        failed = [
            f"{one.node.name}: {one.message}" for one in getattr(done.result, "results", []) if one.status == "error"
        ]
        raise ProjectError(f"dbt {arguments[0]}: {'; '.join(failed)}")
    return done.result
