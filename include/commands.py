"""A command of this project as a process: what can't be done is one line, and exit code 2."""

from __future__ import annotations

from collections.abc import Sequence

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape

from include.errors import MetricsError


def run_command(app: typer.Typer, arguments: Sequence[str] | None = None) -> int:
    """Run a command with the given arguments or those of the process. Returns the exit code."""
    try:
        app(arguments, standalone_mode=False)
    except (MetricsError, ValidationError, OSError, typer.BadParameter) as error:
        Console(stderr=True, highlight=False).print(f"[red]✗[/] {escape(str(error))}", soft_wrap=True)
        return 2
    return 0
