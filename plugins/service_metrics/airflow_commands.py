"""Run Airflow commands one after the other in one process, so that Airflow is imported once.

python -m service_metrics.airflow_commands '["db", "migrate"]' '["pools", "set", "name", "1", "why"]'
"""

from __future__ import annotations

import json
import sys

from airflow.cli.cli_parser import get_parser


def main() -> None:
    """Run the commands that the arguments hold as JSON lists; the first that fails ends the process."""
    for argument in sys.argv[1:]:
        command = get_parser().parse_args(json.loads(argument))
        command.func(command)


if __name__ == "__main__":
    main()
