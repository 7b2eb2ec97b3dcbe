"""Read `docker-compose.yml` as compose does: anchors merged, variables filled in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

from include.settings import PROJECT_ROOT

COMPOSE_FILE = PROJECT_ROOT / "docker-compose.yml"
_VARIABLE = re.compile(r"\$(?:\$|\{(?P<name>\w+)(?::(?P<kind>[-?])(?P<text>[^}]*))?\})")


def read_compose() -> dict[str, Any]:
    """The file as it stands, variables unfilled."""
    return dict(yaml.safe_load(COMPOSE_FILE.read_text(encoding="utf-8")))


def required_variables() -> set[str]:
    """The variables without which compose refuses to start."""
    found = _VARIABLE.finditer(COMPOSE_FILE.read_text(encoding="utf-8"))
    return {match["name"] for match in found if match["kind"] == "?"}


def filled(value: Any, variables: Mapping[str, str]) -> Any:
    """A value of the file with its variables filled in; raises KeyError for a required one that is not given."""
    if isinstance(value, dict):
        return {key: filled(one, variables) for key, one in value.items()}
    if isinstance(value, list):
        return [filled(one, variables) for one in value]
    if not isinstance(value, str):
        return value

    def fill(match: re.Match[str]) -> str:
        if match[0] == "$$":
            return "$"
        given = variables.get(match["name"], "")
        if not given and match["kind"] == "?":
            raise KeyError(match["name"])
        return given or match["text"] or ""

    return _VARIABLE.sub(fill, value)
