"""What dbt gives to Jinja, as sqlfluff needs it to render models with the project's own macros (`.sqlfluff`).

Nothing is looked up: no warehouse, no manifest. Models render as while dbt parses them (`execute` is false).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jinja2 import pass_context
from jinja2.runtime import Context

PROJECT_FILE = Path(__file__).resolve().parents[3] / "dbt_project" / "dbt_project.yml"

execute = False


@cache
def _vars() -> dict[str, Any]:
    return dict(yaml.safe_load(PROJECT_FILE.read_text(encoding="utf-8")).get("vars", {}))


def var(name: str, default: Any = None) -> Any:
    """A variable of the dbt project."""
    return _vars().get(name, default)


def env_var(name: str, default: str = "") -> str:
    """The variable's name stands for its value."""
    return default or name


class Adapter:
    """`adapter.dispatch` finds the macro that DuckDB uses."""

    @pass_context
    def dispatch(self, context: Context, name: str, package: str = "") -> Callable[..., Any]:
        """The macro `duckdb__<name>`, else `default__<name>`."""
        found = context.resolve(f"duckdb__{name}") or context.resolve(f"default__{name}")
        if not callable(found):
            raise LookupError(f"no macro duckdb__{name}")
        return found


class CrossDatabaseMacros:
    """`dbt.<macro>(…)`: rendered as a call of a function of that name, which is all that layout rules need."""

    def __getattr__(self, name: str) -> Callable[..., str]:
        """A function that renders its arguments."""

        def call(*arguments: Any, **named: Any) -> str:
            if name.startswith("type_"):
                return name.removeprefix("type_")
            return f"{name}({', '.join(str(one) for one in [*arguments, *named.values()])})"

        return call


adapter = Adapter()
dbt = CrossDatabaseMacros()
