"""The dbt of `make dev`, a process of its own: build what has changed against a state, everything else deferred to it.

python -m include.development.dbt_on_changes <state folder> <project> [<selection> …]
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from dbt.cli.main import dbtRunner

# Rendered from the semantic YAML, which dbt doesn't know: a changed metric changes these models.
RENDERED_FROM_METRICS = "path:models/metrics"


def main(arguments: Sequence[str]) -> int:
    """Build; returns dbt's exit code, 0 where nothing has changed."""
    state, project, *given = arguments
    shared = ["--project-dir", project, "--profiles-dir", project, "--target", "dev", "--state", state]
    if not given:
        listed = dbtRunner().invoke(["ls", "--quiet", "--no-print", "--select", "state:modified", *shared])
        if not listed.success:
            print(listed.exception)
            return 1
        given = selection_of(list(listed.result))  # type: ignore[arg-type]  # `ls` gives the names that it lists
    if not given:
        return 0
    # Unselected models are read from the served night even where an earlier `make dev` left a table of theirs, and
    # a table that grows night by night is built as a whole.
    deferred = ["--defer", "--favor-state", "--full-refresh", "--exclude-resource-type", "unit_test"]
    done = dbtRunner().invoke(["build", "--no-use-colors", *deferred, "--select", *given, *shared])
    if done.exception:
        print(done.exception)
    return 0 if done.success else 1


def selection_of(changed: Sequence[str]) -> list[str]:
    """What to build where these have changed, named as `dbt ls` names them: models and seeds, and what depends on them.

    Sources are left out: where the files lie differs between machines (a container's path and its host's), not what
    they hold. So are unit tests, which build nothing.
    """
    selection = [f"{name}+" for name in changed if ":" not in name]
    if any(name.startswith(("metric:", "semantic_model:")) for name in changed):
        selection.append(RENDERED_FROM_METRICS)
    return selection


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
