"""Run Airflow commands one after the other in one process, so that Airflow is imported once.

python -m service_metrics.airflow_commands 4711 '["db", "migrate"]' '["pools", "set", "name", "1", "why"]'

The first argument is the process that starts it, and with which it ends.
"""

from __future__ import annotations

import json
import sys

from airflow.cli.cli_parser import get_parser

from include.processes import die_with_parent


def main() -> None:
    """Run the commands that the arguments hold as JSON lists; the first that fails ends the process."""
    die_with_parent(int(sys.argv[1]))
    for argument in sys.argv[2:]:
        command = get_parser().parse_args(json.loads(argument))
        command.func(command)


if __name__ == "__main__":
    main()
